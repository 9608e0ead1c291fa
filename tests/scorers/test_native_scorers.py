"""CVQA, MaRVL and M5-VGR, XM3600: values against independent implementations and by hand."""

from __future__ import annotations

import random

import pytest
from sacrebleu.metrics import BLEU, CHRF
from scorer_items import item, values

from lrm_eval.answers.official import read_official
from lrm_eval.scorers import captions, rows, segmentation
from lrm_eval.scorers.cider import cider_d
from lrm_eval.types import Item, Reading, Response, Sample

HYPOTHESES = ["a dog runs on the grass", "two men ride a bike", "a red house"]
REFERENCES = [
    ["a dog is running on grass", "the dog runs on the green grass"],
    ["two people ride bikes", "two men are riding a bike"],
    ["a big red house on a hill", "there is a house"],
]


def caption(number: int, text: str | None, references: list[str], language: str = "en") -> Item:
    sample = Sample(f"xm3600/{number}", "xm3600", language, "text", "?", "\n".join(references), cluster=f"c{number}")
    reading = Reading(text, "caption", "read") if text else Reading(None, "empty", "empty")
    return Item(sample, Response(sample.id, text or ""), reading)


def scored(language: str, texts: list[str | None], references: list[list[str]]) -> dict[str, float | None]:
    return values(
        "xm3600", [caption(n, t, r, language) for n, (t, r) in enumerate(zip(texts, references, strict=True))]
    )


def test_cider_is_that_of_cocos_program() -> None:
    # pycocoevalcap 1.2, cider/cider_scorer.py, CiderScorer(n=4, sigma=6.0) on the same tokens.
    found = cider_d([text.split() for text in HYPOTHESES], [[r.split() for r in group] for group in REFERENCES])
    assert found == pytest.approx([3.64964717, 1.99464579, 1.58135281], abs=1e-8)
    assert scored("en", list(HYPOTHESES), REFERENCES)["cider"] == pytest.approx(240.8548591)


def test_bleu_and_chrf_are_sacrebleus_with_several_references() -> None:
    random.seed(1)
    words = ["a", "man", "with", "two", "red", "dogs", "sits", "near", "the", "blue", "house", "on", ".", ",", "!"]

    def sentence() -> str:
        return " ".join(random.choice(words) for _ in range(random.randint(1, 14)))

    texts = [sentence() for _ in range(60)] + [""]
    references = [[sentence(), sentence()] for _ in texts]
    found = scored("en", list(texts), references)
    streams = [list(stream) for stream in zip(*references, strict=True)]
    assert found["bleu"] == pytest.approx(BLEU().corpus_score(texts, streams).score, abs=1e-9)
    assert found["chrf"] == pytest.approx(CHRF().corpus_score(texts, streams).score, abs=1e-9)


@pytest.mark.parametrize("texts", [["zz"], [""], ["a dog"]])
def test_bleu_is_sacrebleus_at_its_edges(texts: list[str]) -> None:
    found = scored("en", list(texts), [["a dog runs"]])
    assert found["bleu"] == pytest.approx(BLEU().corpus_score(texts, [["a dog runs"]]).score, abs=1e-9)


def test_the_same_caption_is_perfect_and_silence_is_nothing() -> None:
    texts = ["mbwa mweusi amelala chini ya mti", "paka wawili"]
    same = scored("sw", list(texts), [[text] for text in texts])
    assert same["chrf"] == pytest.approx(100)
    assert same["bleu"] == pytest.approx(100)
    nothing = scored("sw", [None, None], [["mbwa"], ["paka"]])
    assert (nothing["chrf"], nothing["bleu"], nothing["cider"]) == (0, 0, 0)


def test_a_sentence_without_blanks_is_no_single_word() -> None:
    # One character of eight differs; whole-sentence tokens would give zero.
    found = scored("zh", ["一只黑色的狗在跑", "两个人在吃饭"], [["一只黑色的猫在跑"], ["两个人在吃饭"]])
    assert found["bleu"] is not None
    assert found["bleu"] > 50
    assert segmentation.tokenizer_name("zh") == "zh"
    assert segmentation.tokenizer_name("th") == "char"
    assert segmentation.tokenizer_name("my") == "char"
    assert segmentation.tokenizer_name("km") == "char"
    assert segmentation.tokenizer_name("sw") == "13a"
    assert segmentation.words("สุนัข นอน", "char") == tuple("สุนัขนอน")


def test_japanese_is_cut_into_words_where_mecab_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmentation, "has_mecab", lambda: False)
    assert segmentation.tokenizer_name("ja") == "char"
    monkeypatch.setattr(segmentation, "has_mecab", lambda: True)
    assert segmentation.tokenizer_name("ja") == "ja-mecab"


def test_rows_of_captions_state_how_they_were_cut() -> None:
    items = [caption(n, t, r) for n, (t, r) in enumerate(zip(HYPOTHESES, REFERENCES, strict=True))]
    found = {row.metric: row for row in rows("m", "xm3600", "xm3600", "en", "default", "multilingual", items)}
    assert found["chrf"].primary
    assert "nrefs:2|case:mixed|eff:yes|nc:6|nw:0" in found["chrf"].note
    assert "nrefs:2|case:mixed|eff:no|tok:13a" in found["bleu"].note
    assert "CIDEr-D times 100" in found["cider"].note
    assert not any("accuracy" in name for name in found)


def pair(number: int, gold: str, value: str | None, statement: str, cluster: str) -> Item:
    return item(f"marvl/sw-{number}", gold, value, group=f"marvl/{statement}", cluster=cluster, category="Animal")


def test_consistency_wants_every_pair_of_a_statement() -> None:
    items = [
        pair(1, "yes", "yes", "a", "x"),
        pair(2, "no", "no", "a", "x"),
        pair(3, "yes", "yes", "b", "x"),
        pair(4, "no", "yes", "b", "x"),
        pair(5, "no", None, "c", "y"),
    ]
    found = values("marvl", items)
    assert found["accuracy"] == pytest.approx(60)
    assert found["consistency"] == pytest.approx(100 / 3)
    assert found["yes_ratio"] == pytest.approx(75)
    assert found["accuracy_animal"] == pytest.approx(60)


def test_error_bars_rest_on_sets_that_share_pictures() -> None:
    items = [pair(number, "yes", "yes", str(number), f"set{number % 2}") for number in range(6)]
    found = {row.metric: row for row in rows("m", "marvl", "marvl", "sw", "default", "multilingual", items)}
    assert (found["accuracy"].n, found["accuracy"].clusters) == (6, 2)


def test_cvqa_is_told_by_country_where_there_are_several() -> None:
    def asked(number: int, value: str, country: str) -> Item:
        return item(f"cvqa/{number}", "A", value, split=country, category="Cooking and food")

    found = values("cvqa", [asked(1, "A", "Chile"), asked(2, "B", "Chile"), asked(3, "A", "Mexico")])
    assert found["accuracy"] == pytest.approx(200 / 3)
    assert found["accuracy_in_chile"] == pytest.approx(50)
    assert found["accuracy_in_mexico"] == pytest.approx(100)
    assert found["accuracy_cooking_and_food"] == pytest.approx(200 / 3)
    assert "accuracy_in_kenya" not in values("cvqa", [asked(1, "A", "Kenya")])


@pytest.mark.parametrize(
    ("text", "gold", "value"),
    [
        ("Yes", "yes", "yes"),
        ("No.", "yes", "no"),
        ("True", "yes", "yes"),
        ("The answer is: yes", "no", "yes"),
        ("yes, both images show a dog", "yes", "yes"),
        ("Yes and no", "no", "no"),  # both ends match: right whatever the gold answer is
        ("Yes and no", "yes", "yes"),
        ("not sure", "yes", "no"),  # begins with "no"
        ("Ndiyo", "yes", None),
        ("", "yes", None),
    ],
)
def test_m5_reads_either_end_of_an_answer(text: str, gold: str, value: str | None) -> None:
    # floschne/m5b d63a7de, generated_label_classification_evaluation: relaxed_acc_post_processed.
    sample = Sample("marvl/1", "marvl", "sw", "yes_no", "?", gold)
    assert read_official("marvl", sample, text).value == value


def test_captions_are_read_as_they_are() -> None:
    sample = Sample("xm3600/1", "xm3600", "sw", "text", "?", "mbwa")
    assert read_official("xm3600", sample, " Mbwa\n mweusi ").value == "Mbwa mweusi"
    assert captions.chrf_counts("", ["mbwa"])[:3] == [0, 4, 0]
