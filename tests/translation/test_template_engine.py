"""Templates and lexicons: what is looked up, and every mistake in them told with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.tasks import load_task
from lrm_eval.translation.patterns import load_patterns
from lrm_eval.translation.templates import Lexicon, load_lexicon

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.tasks.model import Task

BASE = (
    "name: toys\ntitle: T\ndescription: d\nbenchmark: pope\nkind: yes_no\nversion: 1\ninstruction: short_answer\n"
    "max_new_tokens: 8\ndataset: {local: data.jsonl}\nlicence: MIT\ncitation: c\nhomepage: https://example.org\n"
)
PATTERNS = """patterns:
  colour: "Is there (a|an) {colour} {thing} here?"
  two: ["Is there a {thing} near a {thing2}?", "Is a {thing2} near a {thing}?"]
words:
  thing: {plate: [plate], shoes: [shoes, shoe], shoe horn: [shoe horn]}
  colour: [red, blue]
"""
ITALIAN = """version: 3
contact: somebody
templates:
  colour: "{is[thing.number]} {thing} {colour[thing.agreement]} qui?"
  two: "{is[thing.number]} {thing} vicino {thing2.to}?"
tables:
  is: {one: "C'è", many: Ci sono}
defaults:
  thing: {number: one, agreement: m}
words:
  thing:
    plate: {text: un piatto, to: a un piatto}
    shoes: {text: delle scarpe, number: many, agreement: fpl, to: alle scarpe}
  colour:
    red: {m: rosso, fpl: rosse}
    blue: blu
"""


@pytest.fixture
def task(tmp_path: Path) -> Task:
    folder = tmp_path / "own" / "toys"
    (folder / "lexicon").mkdir(parents=True)
    (folder / "base.yaml").write_text(BASE, encoding="utf-8")
    (folder / "en.yaml").write_text("provenance: created\n", encoding="utf-8")
    (folder / "lexicon" / "patterns.yaml").write_text(PATTERNS, encoding="utf-8")
    return load_task("toys", [tmp_path / "own"])


def italian(task: Task, text: str = ITALIAN) -> Lexicon:
    (task.folder / "lexicon" / "it.yaml").write_text(text, encoding="utf-8")
    found = load_lexicon(task, "it")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("english", "wanted"),
    [
        ("Is there a red plate here?", "C'è un piatto rosso qui?"),
        ("Is there a red shoes here?", "Ci sono delle scarpe rosse qui?"),
        ("Is there an red shoe here?", "Ci sono delle scarpe rosse qui?"),
        ("Is there a blue shoes here?", "Ci sono delle scarpe blu qui?"),
        (" Is there a  blue plate here? ", "C'è un piatto blu qui?"),
        ("Is there a plate near a shoes?", "C'è un piatto vicino alle scarpe?"),
        ("Is a plate near a shoes?", "Ci sono delle scarpe vicino a un piatto?"),
    ],
)
def test_a_question_is_worded_by_lookup(task: Task, english: str, wanted: str) -> None:
    assert italian(task).render(english) == wanted


@pytest.mark.parametrize(
    "english",
    [
        "Is there a red plate?",
        "is there a red plate here?",
        "Is there a green plate here?",
        "Is there a red plate here? Yes.",
        "Is there a red shoe horn here?",  # the lexicon lacks it
        "",
    ],
)
def test_what_is_worded_otherwise_is_left_alone(task: Task, english: str) -> None:
    assert italian(task).render(english) is None


def test_the_longest_word_is_read(task: Task) -> None:
    found = load_patterns(task).read("Is there a red shoe horn here?")
    assert found is not None
    assert found.words == {"colour": "red", "thing": "shoe horn"}


def test_a_language_without_a_lexicon_has_none(task: Task) -> None:
    assert load_lexicon(task, "fr") is None


def test_a_lexicon_knows_its_version_and_the_hash_of_all_it_is_made_of(task: Task) -> None:
    first = italian(task)
    assert (first.version, first.contact) == (3, "somebody")
    (task.folder / "lexicon" / "patterns.yaml").write_text(f"{PATTERNS}# more\n", encoding="utf-8")
    assert italian(task).sha256 != first.sha256


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    plate: {text", "    plat: {text", r"it.yaml:12: unknown word 'plat': did you mean 'plate'\?"),
        ("  colour:\n    red", "  color:\n    red", r"it.yaml:14: unknown vocabulary 'color': did you mean 'colour'\?"),
        ("  two:", "  too:", r"it.yaml:5: unknown pattern 'too': did you mean 'two'\?"),
        (", fpl: rosse", "", r"it.yaml:4: template 'colour': 'red' has no form 'fpl', which 'shoes' needs"),
        (", many: Ci sono", "", r"it.yaml:4: template 'colour': table 'is' has no entry 'many', which 'shoes' needs"),
        (", to: a un piatto", "", r"it.yaml:5: template 'two': 'plate' has no form 'to'"),
        ("{number: one, agreement: m}", "{number: one}", r"it.yaml:4: .*'plate' has no feature 'agreement'"),
        (" vicino {thing2.to}", "", r"it.yaml:5: template 'two': says nothing of \{thing2\}"),
        ("{is[thing.number]} {thing} vicino", "{its[thing.number]} {thing} vicino", r"unknown word or table 'its'"),
        (" qui?", " {qui?", r"it.yaml:4: template 'colour': a brace without its partner"),
        ("{thing2.to}", "{thing2 to}", r"\{thing2 to\} is none of \{word\}, \{word.form\}"),
        ("{thing2.to}", "{thing2.to} {thing3}", r"unknown word 'thing3': did you mean 'thing"),
        ("blue: blu", 'blue: "blu "', r"it.yaml:16: form 'text' of 'blue' is empty, padded or has a brace"),
        ("version: 3", "versions: 3", r"it.yaml:1: unknown key 'versions': did you mean 'version'\?"),
        ("    blue: blu", "    red: blu", r"it.yaml:16: key 'red' is given twice"),
    ],
)
def test_a_mistake_is_told_with_its_line(task: Task, old: str, new: str, message: str) -> None:
    assert old in ITALIAN
    with pytest.raises(UsageError, match=message):
        italian(task, ITALIAN.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{colour} {thing} here", "{hue} {thing} here", r"patterns.yaml:2: \{hue\} is no vocabulary"),
        ("a {thing2} near", "a {thing3} near", r"patterns.yaml:3: the wordings of 'two' have different places"),
        ("shoe horn: [shoe horn]", "horn: [shoe]", r"patterns.yaml:5: 'shoe' is 'shoes' already"),
        ("words:", "borrowed: {hat: nobody}\nwords:", r"patterns.yaml:4: task 'nobody' has no vocabulary 'hat'"),
    ],
)
def test_a_mistake_in_the_patterns_is_told_with_its_line(task: Task, old: str, new: str, message: str) -> None:
    assert old in PATTERNS
    (task.folder / "lexicon" / "patterns.yaml").write_text(PATTERNS.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load_patterns(task)


def test_words_can_be_another_tasks(task: Task) -> None:
    text = PATTERNS.replace("words:", "borrowed: {object: pope}\nwords:").replace(
        "patterns:", "patterns:\n  o: Any {object}?"
    )
    (task.folder / "lexicon" / "patterns.yaml").write_text(text, encoding="utf-8")
    found = italian(task, ITALIAN.replace("templates:", 'templates:\n  o: "{is[object.number]} {object}?"'))
    assert found.render("Any scissors?") == "Ci sono delle forbici?"


def test_a_lexicon_of_an_included_folder_comes_first(tmp_path: Path) -> None:
    folder = tmp_path / "more" / "pope"
    (folder / "lexicon").mkdir(parents=True)
    (folder / "ko.yaml").write_text("provenance: created\npack: ko.jsonl\n", encoding="utf-8")
    text = "version: 1\ntemplates: {exists: 이미지에 {object} 있나요?}\nwords: {object: {dog: 개가}}\n".replace(
        "{object} 있", "{object} 있"
    )
    (folder / "lexicon" / "ko.yaml").write_text(
        text.replace("이미지에 {object} 있나요?", '"이미지에 {object} 있나요?"'), encoding="utf-8"
    )
    found = load_lexicon(load_task("pope", [tmp_path / "more"]), "ko")
    assert found is not None
    assert found.render("Is there a dog in the image?") == "이미지에 개가 있나요?"
    assert found.render("Is there a cat in the image?") is None
