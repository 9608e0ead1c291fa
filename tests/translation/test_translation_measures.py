"""Agreement of two translations, back-translation, COMET's program, and the page."""

from __future__ import annotations

import json
import stat
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sacrebleu.metrics import BLEU, CHRF

from lrm_eval.data import find_pack
from lrm_eval.errors import RunError, UsageError
from lrm_eval.languages import get
from lrm_eval.tasks import load_task
from lrm_eval.translation import auditing
from lrm_eval.translation.agreement import agree, read_agreements, write_agreements
from lrm_eval.translation.comet import comet_scores
from lrm_eval.translation.packfile import pack_text, read_loosely
from lrm_eval.translation.page import audit_page, worst_first
from lrm_eval.translation.translators import Options, make_translator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lrm_eval.data.packs import PackRow
    from tests.translation.conftest import ChatServer

HR = get("hr")


def test_agreement_is_sacrebleus_with_its_signature() -> None:
    first = {"a": "Koje je boje pas?", "b": "crvena", "c": "plava", "d": "nema ga"}
    second = {"a": "Kakve je boje pas?", "b": "crvena", "c": "modra"}
    found, apart = agree("t", "hr", first, second, ("one", "two"))
    ours, theirs = [first[key] for key in "abc"], [second[key] for key in "abc"]
    assert found.bleu == BLEU().corpus_score(ours, [theirs]).score
    assert found.chrf == CHRF(word_order=2).corpus_score(ours, [theirs]).score
    assert found.texts == 3
    assert found.same == pytest.approx(1 / 3)
    assert "tok:13a" in found.bleu_signature
    assert "nw:2" in found.chrf_signature
    assert [item.source for item in apart] == ["c", "a"]


@pytest.mark.parametrize(
    ("tag", "one", "other", "tok"),
    [
        ("zh", "图中有几只狗在跑？", "图中有几只猫在跑？", "tok:zh"),
        ("th", "มีสุนัขกี่ตัวในภาพนี้", "มีแมวกี่ตัวในภาพนี้", "tok:char"),
        ("my", "ဓာတ်ပုံထဲမှာ ခွေးဘယ်နှစ်ကောင်ရှိလဲ", "ဓာတ်ပုံထဲမှာ ကြောင်ဘယ်နှစ်ကောင်ရှိလဲ", "tok:char"),
        ("lo", "ມີໝາຈັກໂຕໃນຮູບນີ້", "ມີແມວຈັກໂຕໃນຮູບນີ້", "tok:char"),
        ("km", "តើមានឆ្កែប៉ុន្មានក្បាលក្នុងរូបភាពនេះ", "តើមានឆ្មាប៉ុន្មានក្បាលក្នុងរូបភាពនេះ", "tok:char"),
    ],
)
def test_languages_without_blanks_are_not_one_word_a_sentence(tag: str, one: str, other: str, tok: str) -> None:
    found, _ = agree("t", tag, {"a": one}, {"a": other}, ("x", "y"))
    assert tok in found.bleu_signature
    assert 20 < found.bleu < 95


def test_a_file_of_agreements_grows_and_is_told_from_others(tmp_path: Path) -> None:
    path = tmp_path / "agreement.json"
    for tag in ("hr", "de", "hr"):
        found, _ = agree("mme", tag, {"a": "jedan dva tri četiri"}, {"a": "jedan dva tri pet"}, ("x", "y"))
        write_agreements(path, [found])
    assert [(one.task, one.language) for one in read_agreements(path)] == [("mme", "de"), ("mme", "hr")]
    path.write_text('{"kind": "something else"}', encoding="utf-8")
    with pytest.raises(UsageError, match="holds no agreement of translations"):
        read_agreements(path)


def bundled(tmp_path: Path, spoil: Callable[[PackRow], PackRow] = lambda row: row) -> Path:
    """The Croatian pack of the tiny SEED-Bench, every line through `spoil`."""
    pack = find_pack(load_task("tiny-seedbench"), "hr")
    assert pack is not None
    rows, _ = read_loosely(pack)
    path = tmp_path / "hr.jsonl"
    path.write_text(pack_text([spoil(row) for row in rows.values()]), encoding="utf-8")
    return path


def test_a_pack_agrees_with_itself_and_less_with_another(tmp_path: Path) -> None:
    task = load_task("tiny-seedbench")
    same = auditing.audit_language(task, HR, None, None, auditing.Measures(second=bundled(tmp_path)))
    assert same.agreement is not None
    assert same.agreement.bleu == pytest.approx(100)
    changed = bundled(tmp_path, lambda row: replace(row, question=row.question.replace("je", "jest")))
    other = auditing.audit_language(task, HR, None, None, auditing.Measures(second=changed))
    assert other.agreement is not None
    assert other.agreement.bleu < 99
    assert other.apart


def test_back_translation_finds_what_was_swapped(server: ChatServer, tmp_path: Path) -> None:
    task = load_task("tiny-seedbench")
    pack = find_pack(task, "hr")
    assert pack is not None
    plain = auditing.audit_language(task, HR, pack)
    english = {pair.row.question: pair.sample.question for pair in plain.pairs.values()}
    server.translate = lambda text: english.get(text, "I see nothing of that kind there")
    translator = make_translator("openai:m", Options(base_url=server.url))
    report = auditing.audit_language(task, HR, pack, None, auditing.Measures(back=translator))
    assert report.back == pytest.approx(100)
    assert not [item for item in report.audit.findings if item.check in ("back", "slipped")]
    odd = next(iter(english))
    path = bundled(tmp_path, lambda row: replace(row, question="Nešto posve drugo?") if row.question == odd else row)
    report = auditing.audit_language(task, HR, path, None, auditing.Measures(back=translator))
    assert report.back is not None
    assert report.back < 100
    assert {item.check for item in report.audit.findings} & {"back", "slipped"}


# What comet-score of unbabel-comet 2.2 takes and writes (comet/cli/score.py); the scores here are lengths.
PROGRAM = """#!{python}
import argparse, json
parser = argparse.ArgumentParser()
for name in ("-s", "-t", "--model", "--gpus", "--to_json"):
    parser.add_argument(name)
parser.add_argument("--quiet", action="store_true")
asked = parser.parse_args()
sources, translations = (open(path, encoding="utf-8").read().splitlines() for path in (asked.s, asked.t))
rows = [dict(src=s, mt=t, COMET=len(t) / 100) for s, t in zip(sources, translations, strict=True)]
json.dump({{asked.t: rows}}, open(asked.to_json, "w"))
"""


def program(tmp_path: Path, text: str = PROGRAM) -> str:
    path = tmp_path / "comet-score"
    path.write_text(text.format(python=sys.executable), encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_comets_program_is_asked_once_for_all_texts(tmp_path: Path) -> None:
    assert comet_scores([("a\nb", "xxxx"), ("c", "yy")], program(tmp_path)) == [0.04, 0.02]


def test_without_the_program_it_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pip install unbabel-comet"):
        comet_scores([("a", "b")], str(tmp_path / "nowhere"))


def test_a_program_that_fails_is_one_line(tmp_path: Path) -> None:
    bad = program(tmp_path, "#!{python}\nimport sys\nprint('x', file=sys.stderr)\nsys.exit('no such model')\n")
    with pytest.raises(RunError, match="failed: no such model"):
        comet_scores([("a", "b")], bad)


def test_the_page_shows_the_worst_item_first_and_escapes_what_a_pack_says(tmp_path: Path) -> None:
    task = load_task("tiny-seedbench")
    state = {"line": 0}

    def spoil(row: PackRow) -> PackRow:
        state["line"] += 1
        if state["line"] == 5:
            return replace(row, question=row.question.rstrip("?"))
        if state["line"] == 9:
            return replace(
                row, question="<script>alert(1)</script> &quot;", options=(row.options[0],) * len(row.options)
            )
        return row

    report = auditing.audit_language(task, HR, bundled(tmp_path, spoil))
    items = worst_first(report)
    assert items[0].errors >= 2
    assert items[0].where == "hr.jsonl:9"
    assert [item.errors for item in items] == sorted((item.errors for item in items), reverse=True)
    page = audit_page(task.title, [report])
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert page.index("hr.jsonl:9") < page.index("hr.jsonl:5")


def test_the_same_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from lrm_eval.commands.data import app
    from lrm_eval.commands.entry import call

    out = tmp_path / "audit.html"
    agreement = tmp_path / "agreement.json"
    asked = ["audit", "tiny-seedbench", "--lang", "hr", "--second", str(bundled(tmp_path)), "--html", str(out)]
    assert call(app, [*asked, "--agreement", str(agreement), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["audits"][0]
    assert told["agreement"]["bleu"] == pytest.approx(100)
    assert read_agreements(agreement)[0].language == "hr"
    assert "Audit:" in out.read_text(encoding="utf-8")
    assert call(app, [*asked[:4], "--second", "nowhere.jsonl"]) == 2
    assert "no such pack" in capsys.readouterr().err
    assert call(app, [*asked[:4], "--agreement", str(agreement)]) == 2
