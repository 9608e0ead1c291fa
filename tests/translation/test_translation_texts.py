"""Files for people who translate: out, through other programs, and back in."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest

from lrm_eval.data import load_samples, read_pack
from lrm_eval.errors import UsageError
from lrm_eval.languages import get
from lrm_eval.tasks import load_task
from lrm_eval.translation import read_card, workflow
from lrm_eval.translation.english import Unit
from lrm_eval.translation.texts import read_given, read_texts, texts_of, write_texts
from lrm_eval.translation.translators.people import PeopleOnly

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lrm_eval.languages import Language
    from lrm_eval.translation.build import Plan
    from lrm_eval.translation.estimate import Estimate

HR, SW, AR = get("hr"), get("sw"), get("ar")
UNITS = [
    Unit("t/1", 'Is "A & B" in <image>?\nLook.', "", ("red", "5", "dark, blue")),
    Unit("t/2", "What shape is it?", "A hint.", ("red", "=round")),
]
SOURCES = [text for unit in UNITS for text, _ in unit.texts()]
ENDINGS = [".csv", ".tsv", ".po", ".xlf"]


class Quiet:
    def planned(self, task: str, language: Language, todo: Plan, cost: Estimate) -> None:
        pass

    def advance(self, texts: int) -> None:
        pass

    def ended(self) -> None:
        pass


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_text_stands_once_and_an_untouched_file_gives_nothing(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"sw{ending}"
    write_texts(path, texts_of(UNITS, {}), "t", SW)
    assert [text.source for text in read_texts(path, SW)] == [
        UNITS[0].question, "red", "dark, blue", "What shape is it?", "A hint.", "=round",
    ]  # fmt: skip
    assert read_given(path, SW, SOURCES) == {}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_draft_is_no_translation_until_somebody_looked_at_it(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"sw{ending}"
    write_texts(path, texts_of(UNITS, {"red": "nyekundu"}), "t", SW)
    found = {text.source: (text.translation, text.draft) for text in read_texts(path, SW)}
    assert found["red"] == ("nyekundu", True)
    assert found["=round"] == ("", False)
    assert read_given(path, SW, SOURCES) == {}


def filled_csv(path: Path, words: dict[str, str]) -> None:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    with path.open("w", encoding="utf-8", newline="") as handle:
        table = csv.DictWriter(handle, rows[0])
        table.writeheader()
        table.writerows({**row, "translation": words.get(row["source"], ""), "state": ""} for row in rows)


def filled_by_polib(path: Path, words: dict[str, str]) -> None:
    polib = pytest.importorskip("polib")
    catalog = polib.pofile(str(path))
    for entry in catalog:
        entry.msgstr = words.get(entry.msgid, "")
        entry.flags = []
    catalog.save()


def filled_by_translate_toolkit(path: Path, words: dict[str, str]) -> None:
    """As a CAT tool does: an independent program opens the file, sets the targets, and saves it in its own way."""
    factory = pytest.importorskip("translate.storage.factory", reason="translate-toolkit is not installed")
    store = factory.getobject(str(path))
    for unit in store.units:
        if unit.istranslatable() and str(unit.source) in words:
            unit.target = words[str(unit.source)]
            unit.markfuzzy(False)
    store.save()


TRANSLATED = {UNITS[0].question: 'Je, "A & B" ipo kwenye <image>?\nAngalia.', "red": "nyekundu", "=round": "=mviringo"}


@pytest.mark.parametrize(
    ("ending", "fill"),
    [(".csv", filled_csv), (".po", filled_by_polib), (".po", filled_by_translate_toolkit),
     (".xlf", filled_by_translate_toolkit)],
)  # fmt: skip
def test_what_another_program_filled_in_comes_back(
    tmp_path: Path, ending: str, fill: Callable[[Any, dict[str, str]], None]
) -> None:
    path = tmp_path / f"sw{ending}"
    write_texts(path, texts_of(UNITS, {"red": "draft"}), "t", SW)
    fill(path, TRANSLATED)
    assert read_given(path, SW, SOURCES) == TRANSLATED


def test_xliff_2_of_other_tools_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "sw.xlf"
    path.write_text(
        '<xliff version="2.0" xmlns="urn:oasis:names:tc:xliff:document:2.0" srcLang="en" trgLang="sw"><file id="f">'
        '<unit id="u1"><segment state="final"><source>red</source><target>nyekundu</target></segment></unit>'
        '<unit id="u2"><segment><source>A hint.</source></segment></unit></file></xliff>',
        encoding="utf-8",
    )
    assert read_given(path, SW, SOURCES) == {"red": "nyekundu"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.po", 'msgid ""\nmsgstr "Language: hr\\n"\n\nmsgid "red"\nmsgstr "crvena"\n', "is in 'hr', not in Swahili"),
        ("a.po", 'msgid "red"\nnonsense here\n', "no readable PO file: .*line 2"),
        ("a.xlf", "<xliff><file>", r"a\.xlf:1: malformed XML"),
        ("a.xlf", "<html></html>", "no XLIFF: the document is a <html>"),
        ("a.csv", "english,swahili\nred,x\n", r"a\.csv:2: no column 'source'"),
        ("a.csv", "source,translation\nrad,nyekundu\n", r"a\.csv:2: the task has no text 'rad'.*nearest is 'red'"),
        ("a.csv", "source,translation\nred,a\nred,b\n", r"a\.csv:3: 'red' has two translations: 'a' \(in .*a\.csv:2\)"),
        ("a.csv", 'source,translation\n"Is ""A & B"" in <image>?\nLook.",Je?\n', "lost <image>"),
        ("a.csv", "source,translation\nred,&quot;nyekundu&quot;\n", r"a\.csv:2: 'red': HTML entities: &quot;"),
    ],
)
def test_a_file_that_cannot_be_taken_says_where_and_why(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_given(path, SW, SOURCES)


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.csv, \.tsv, \.po"):
        write_texts(tmp_path / "sw.docx", [], "t", SW)


def test_a_pack_from_people_alone_is_theirs(tmp_path: Path) -> None:
    task = load_task("tiny-seedbench")
    path = tmp_path / "hr.po"
    found, pack = workflow.write_for_people(task, HR, path, drafts=True)
    assert pack is not None
    assert all(text.draft for text in found)
    polib = pytest.importorskip("polib")
    catalog = polib.pofile(str(path))
    for entry in catalog:
        entry.flags.remove("fuzzy")
    last = catalog[-1]
    kept, last.msgstr = last.msgstr, ""
    catalog.save()
    orders = workflow.Orders(given=path, replace_pack=True)
    made = workflow.build_pack(task, HR, PeopleOnly(path), Quiet(), None, orders)
    assert made.pack is None
    assert made.built is not None
    assert list(made.built.failed) == [last.msgid]
    last.msgstr = kept
    catalog.save()
    made = workflow.build_pack(task, HR, PeopleOnly(path), Quiet(), None, orders)
    assert made.pack is not None
    assert {row.provenance for row in read_pack(made.pack).values()} == {"human-translated"}
    card = read_card(made.pack)
    assert card is not None
    assert card.provenance == "human-translated"
    assert len(load_samples(task, HR, images=False)) > 500


def test_right_to_left_texts_survive(tmp_path: Path) -> None:
    path = tmp_path / "ar.xlf"
    write_texts(path, texts_of(UNITS, {}), "t", AR)
    content = path.read_text(encoding="utf-8").replace('state="new" />', 'state="translated">أحمر ٥</target>', 2)
    path.write_text(content, encoding="utf-8")
    assert 'target-language="ar"' in content
    texts = read_texts(path, AR)
    assert texts[1].translation == "أحمر ٥"
