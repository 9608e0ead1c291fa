"""Language packs: found, read, applied; circular passes turned; every fault named by file and line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrm_eval.data import find_pack, load_samples
from lrm_eval.data.packs import PackRow, apply_pack
from lrm_eval.errors import UsageError
from lrm_eval.languages import get
from lrm_eval.tasks import load_task
from lrm_eval.types import Sample

if TYPE_CHECKING:
    from collections.abc import Callable

PACK = Path("sw.jsonl")
ENGLISH = [
    {"index": 5, "question": "What?", "A": "cat", "B": "dog", "C": "cow", "answer": "B", "image": "a.png"},
    {"index": 1000005, "question": "What?", "A": "cow", "B": "cat", "C": "dog", "answer": "C", "image": "a.png"},
]
SWAHILI = {"id": "mmbench/5", "question": "Nini?", "options": ["paka", "mbwa", "ng'ombe"], "provenance": "created"}


@pytest.fixture
def pack(lines: Callable[..., Path]) -> Callable[..., Path]:
    """Write the user's own mmbench pack in Swahili."""

    def write(*rows: dict[str, Any] | str) -> Path:
        return lines("user-packs/mmbench/sw.jsonl", *rows)

    return write


@pytest.fixture
def data(lines: Callable[..., Path]) -> Path:
    """Two passes of one MMBench question."""
    return lines("d.jsonl", *ENGLISH)


def swahili(data: Path, **options: Any) -> list[Sample]:
    return load_samples(load_task("mmbench"), get("sw"), data, images=False, **options)


def test_first_pass_is_turned_for_the_others(data: Path, pack: Callable[..., Path]) -> None:
    pack(SWAHILI)
    first, second = swahili(data)
    assert (first.options, first.gold) == (("paka", "mbwa", "ng'ombe"), "B")
    assert (second.options, second.gold) == (("ng'ombe", "paka", "mbwa"), "C")
    assert (second.id, second.question, second.language) == ("mmbench/1000005", "Nini?", "sw")
    assert second.instruction == get("sw").option_letter


def test_each_pass_may_have_a_line_of_its_own(data: Path, pack: Callable[..., Path]) -> None:
    pack(SWAHILI, SWAHILI | {"id": "mmbench/1000005", "options": ["ng'ombe", "paka", "mbwa"]})
    assert [sample.options[1] for sample in swahili(data)] == ["mbwa", "paka"]


def test_right_option_worded_in_two_ways_is_refused(data: Path, pack: Callable[..., Path]) -> None:
    pack(SWAHILI, SWAHILI | {"id": "mmbench/1000005", "options": ["ng'ombe", "paka", "jibwa"]})
    with pytest.raises(UsageError, match=r"right option of 'mmbench/1000005' is 'jibwa', but of 'mmbench/5'.* 'mbwa'"):
        swahili(data)


def test_options_that_read_alike_are_turned_in_order(lines: Callable[..., Path], pack: Callable[..., Path]) -> None:
    # MMBench 1769 has the same text twice among its options.
    rows = [{"index": 5, "question": "?", "A": "x", "B": "x", "C": "y", "answer": "C"}]
    rows.append({"index": 1000005, "question": "?", "A": "y", "B": "x", "C": "x", "answer": "A"})
    pack({"id": "mmbench/5", "question": "?", "options": ["p", "q", "r"]})
    assert swahili(lines("d.jsonl", *rows))[1].options == ("r", "p", "q")


def test_pass_with_an_option_of_its_own_needs_a_line(lines: Callable[..., Path], pack: Callable[..., Path]) -> None:
    pack(SWAHILI)
    data = lines("d.jsonl", ENGLISH[0], ENGLISH[1] | {"A": "bull"})
    with pytest.raises(UsageError, match=r"sw\.jsonl:1: 'mmbench/1000005' shows the option 'bull'.* a line of its own"):
        swahili(data)


def test_limit_is_applied_after_the_whole_pack_was_checked(data: Path, pack: Callable[..., Path]) -> None:
    pack(SWAHILI | {"id": "mmbench/1000005"})
    with pytest.raises(UsageError, match="no line for 'mmbench/5'"):
        swahili(data, limit=1)


def test_missing_pack_names_the_command(data: Path) -> None:
    with pytest.raises(UsageError, match=r"build it with `lrm-eval data build mmbench --lang sw`"):
        swahili(data)


def test_missing_pack_is_told_before_anything_is_downloaded() -> None:
    with pytest.raises(UsageError, match=r"`lrm-eval data build mme --lang sw`"):
        load_samples(load_task("mme"), get("sw"))


def test_missing_line_is_named(lines: Callable[..., Path], pack: Callable[..., Path]) -> None:
    path = pack(SWAHILI)
    more = [ENGLISH[0] | {"index": number} for number in (6, 7)]
    with pytest.raises(UsageError, match=rf"{path}: no line for 'mmbench/6' \(and 1 more\)"):
        swahili(lines("d.jsonl", *ENGLISH, *more))


def test_pack_of_the_whole_serves_a_part(data: Path, pack: Callable[..., Path]) -> None:
    pack(SWAHILI, SWAHILI | {"id": "mmbench/6"})
    assert len(swahili(data)) == 2


def test_line_of_no_sample_is_refused_in_whole_data() -> None:
    sample = Sample("tiny-pope/random/1", "tiny-pope", "en", "yes_no", "Q?", "yes", group="tiny-pope/random/1")
    rows = {
        name: PackRow(name, "S?", (), "", "", f"sw.jsonl:{n}")
        for n, name in enumerate([sample.id, "tiny-pope/rndom/1"], 1)
    }
    with pytest.raises(
        UsageError, match=r"sw\.jsonl:2: no sample has the id 'tiny-pope/rndom/1'; did you mean '.*random/1'"
    ):
        apply_pack([sample], rows, PACK, "sw", "command", partial=False)
    assert apply_pack([sample], rows, PACK, "sw", "command", partial=True)[0].question == "S?"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "mmbench/5", "question": "?"', r"sw\.jsonl:2: malformed JSON"),
        ('["mmbench/5"]', r"sw\.jsonl:2: expected a JSON object"),
        ('{"id": "mmbench/5", "queston": "?"}', r"sw\.jsonl:2: unknown key 'queston': did you mean 'question'\?"),
        ('{"id": "mmbench/5"}', r"sw\.jsonl:2: key 'question' is missing"),
        ('{"id": 5, "question": "?"}', r"sw\.jsonl:2: 'id' must be a text"),
        ('{"id": "mmbench/5", "question": " "}', r"sw\.jsonl:2: 'question' is empty"),
        ('{"id": "x", "question": "?", "options": "abc"}', r"sw\.jsonl:2: 'options' must be a list of texts"),
        ('{"id": "x", "question": "?", "options": ["a", ""]}', r"sw\.jsonl:2: 'options' must be a list of texts"),
        ('{"id": "x", "question": "?", "hint": 3}', r"sw\.jsonl:2: 'hint' must be a text"),
        (
            '{"id": "mmbench/9", "question": "?"}',
            r"sw\.jsonl:2: id 'mmbench/9' is given twice \(first in .*sw\.jsonl:1\)",
        ),
    ],
)
def test_malformed_line_is_named(data: Path, pack: Callable[..., Path], line: str, message: str) -> None:
    pack(SWAHILI | {"id": "mmbench/9"}, line)
    with pytest.raises(UsageError, match=message):
        swahili(data)


def test_another_number_of_options_is_refused(data: Path, pack: Callable[..., Path]) -> None:
    pack(SWAHILI | {"options": ["paka", "mbwa"]})
    with pytest.raises(UsageError, match=r"sw\.jsonl:1: 2 options, but 'mmbench/5' has 3 in English"):
        swahili(data)


@pytest.mark.parametrize(
    ("english", "translated", "message"),
    [("Pets.", None, "no hint, but the English question has one"), (None, "Wanyama.", "a hint, but .* has none")],
)
def test_hint_where_english_has_one(
    lines: Callable[..., Path], pack: Callable[..., Path], english: str | None, translated: str | None, message: str
) -> None:
    pack(SWAHILI | {"hint": translated})
    data = lines("d.jsonl", *(row | {"hint": english} for row in ENGLISH))
    with pytest.raises(UsageError, match=message):
        swahili(data)
    pack(SWAHILI | {"hint": "Wanyama." if english else ""})
    assert {sample.hint for sample in swahili(data)} == {"Wanyama." if english else ""}


def test_include_path_comes_before_the_users_pack_and_that_before_the_bundled(
    lines: Callable[..., Path], tmp_path: Path
) -> None:
    base = (
        "name: mine\ntitle: M\ndescription: d\nbenchmark: pope\nkind: yes_no\nversion: 1\ninstruction: short_answer\n"
        "max_new_tokens: 8\ndataset: {local: data.jsonl}\nlicence: MIT\ncitation: c\nhomepage: https://example.org\n"
    )
    lines("inc/mine/base.yaml", base)
    lines("inc/mine/en.yaml", "provenance: created")
    bundled = lines("inc/mine/packs/sw.jsonl", "{}")
    assert find_pack(load_task("mine", [tmp_path / "inc"]), "sw") == bundled
    users = lines("user-packs/mine/sw.jsonl", "{}")
    assert find_pack(load_task("mine", [tmp_path / "inc"]), "sw") == users
    included = lines("more/mine/packs/sw.jsonl", "{}")
    assert find_pack(load_task("mine", [tmp_path / "inc", tmp_path / "more"]), "sw") == included


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=5), min_size=2, max_size=6), st.data())
def test_turning_is_consistent_for_any_texts(options: list[str], data: st.DataObject) -> None:
    count = len(options)
    translated = [f"t{number}" for number in range(count)]
    gold = data.draw(st.sampled_from([n for n in range(count) if options.count(options[n]) == 1] or [-1]))
    if gold < 0:
        return
    base = Sample(
        "mmbench/1", "mmbench", "en", "option", "Q?", "ABCDEF"[gold], group="mmbench/1",
        options=tuple(options), labels=tuple("ABCDEF"[:count]),
    )  # fmt: skip
    shift = data.draw(st.integers(1, count - 1))
    turned = tuple(options[-shift:] + options[:-shift])
    later = replace(base, id="mmbench/1000001", options=turned, gold="ABCDEF"[(gold + shift) % count])
    rows = {"mmbench/1": PackRow("mmbench/1", "S?", tuple(translated), "", "", "sw.jsonl:1")}
    _, worded = apply_pack([base, later], rows, PACK, "sw", "command", partial=False)
    assert worded.options["ABCDEF".index(worded.gold)] == f"t{gold}"
    assert sorted(worded.options) == sorted(translated)
