"""Every language says everything, and says different things differently."""

import itertools

import pytest

from lrm_llava.tiny import questions as q
from lrm_llava.tiny.dialogues import answer_word
from lrm_llava.tiny.grammar import THING, Grammar, GrammarError, languages, load_grammar
from lrm_llava.tiny.world import COLORS, COLUMNS, ROWS, SHAPES

TAGS = languages()
TWELVE = {"en", "cs", "de", "fr", "hr", "it", "ro", "ru", "es", "zh", "sw", "am"}


def all_queries() -> list[q.Query]:
    queries = [q.Query("exist_object", True, s, c) for s in SHAPES for c in COLORS]
    queries += [q.Query("exist_shape", True, s) for s in SHAPES]
    queries += [q.Query("exist_color", True, THING, c) for c in COLORS]
    queries += [q.Query("count_is", True, place=n) for n in range(1, 5)]
    queries += [q.Query("color_is", True, s, c) for s in SHAPES for c in COLORS]
    queries += [q.Query("row_is", True, s, place=r) for s in SHAPES for r in ROWS]
    queries += [q.Query("column_is", True, s, place=c) for s in SHAPES for c in COLUMNS]
    queries += [q.Query("color_of", "red", s) for s in SHAPES]
    queries += [q.Query("shape_of", "star", THING, c) for c in COLORS]
    queries += [q.Query("count_of", 1)]
    queries += [q.Query("where_is", 0, s) for s in SHAPES]
    return queries


def test_there_are_twelve_languages() -> None:
    assert set(TAGS) == TWELVE


@pytest.mark.parametrize("tag", TAGS)
def test_every_question_is_a_sentence_of_its_own(tag: str) -> None:
    texts = [q.question_text(query, load_grammar(tag)) for query in all_queries()]
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert text == text.strip() and "  " not in text and "{" not in text
        assert text[0] == "¿" or text[0].isupper() or not text[0].islower()
        assert text.rstrip()[-1] in "?？"


@pytest.mark.parametrize("tag", TAGS)
def test_options_of_one_kind_all_differ(tag: str) -> None:
    grammar = load_grammar(tag)
    for kind, values in (("color_of", COLORS), ("shape_of", SHAPES), ("count_of", range(1, 5)), ("where_is", range(9))):
        texts = [q.value_text(kind, value, grammar) for value in values]  # type: ignore[arg-type]
        assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("tag", TAGS)
def test_noun_phrases_tell_every_object_apart(tag: str) -> None:
    grammar = load_grammar(tag)
    for name in ("bare", "indef"):
        texts = [grammar.phrase(name, s, c) for s, c in itertools.product(SHAPES, COLORS)]
        assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("tag", TAGS)
def test_yes_and_no_are_different_native_words(tag: str) -> None:
    assert answer_word(tag, True) != answer_word(tag, False)


# Agreement that a careless grammar gets wrong: (language, question, what it must say).
@pytest.mark.parametrize(
    ("tag", "query", "text"),
    [
        ("de", q.Query("exist_object", True, "triangle", "red"), "ein rotes Dreieck"),
        ("de", q.Query("exist_object", True, "star", "red"), "ein roter Stern"),
        ("fr", q.Query("color_is", True, "star", "green"), "verte"),
        ("es", q.Query("exist_object", True, "star", "yellow"), "una estrella amarilla"),
        ("it", q.Query("exist_object", True, "star", "black"), "una stella nera"),
        ("cs", q.Query("exist_object", True, "circle", "blue"), "modrý kruh"),
        ("ru", q.Query("exist_object", True, "star", "red"), "красная звезда"),
        ("sw", q.Query("exist_object", True, "circle", "red"), "duara jekundu"),
        ("sw", q.Query("exist_object", True, "star", "red"), "nyota nyekundu"),
    ],
)
def test_adjectives_agree(tag: str, query: q.Query, text: str) -> None:
    assert text in q.question_text(query, load_grammar(tag))


def test_an_unknown_slot_is_an_error_that_names_it() -> None:
    data = dict(load_grammar("en").data)
    data["phrases"] = {**data["phrases"], "bare": "{shape.nonsense}"}
    with pytest.raises(GrammarError, match="nonsense"):
        Grammar("en", data).phrase("bare", "star")


def test_a_missing_language_is_an_error() -> None:
    with pytest.raises(GrammarError, match="xx"):
        load_grammar("xx")
