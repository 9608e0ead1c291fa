"""Seq2seq translators on tiny random checkpoints that are built here, and the codes of real tokenizers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import RunError, UsageError
from lrm_eval.languages import Language, get
from lrm_eval.translation.glossary import Entry, Glossary
from lrm_eval.translation.translators import Options, TranslationError, codes, make_translator

if TYPE_CHECKING:
    from pathlib import Path

# Language codes as the published tokenizers have them, a part of each list.
# facebook/nllb-200: transformers, models/nllb/tokenization_nllb.py (FAIRSEQ_LANGUAGE_CODES)
NLLB = [
    "amh_Ethi", "arb_Arab", "azj_Latn", "ces_Latn", "deu_Latn", "eng_Latn", "est_Latn", "fra_Latn", "hau_Latn",
    "hrv_Latn", "ita_Latn", "jpn_Jpan", "kor_Hang", "khk_Cyrl", "lvs_Latn", "npi_Deva", "ory_Orya", "pes_Arab",
    "prs_Arab", "ron_Latn", "rus_Cyrl", "spa_Latn", "srp_Cyrl", "swh_Latn", "uzn_Latn", "ydd_Hebr", "yue_Hant",
    "zho_Hans", "zho_Hant", "zsm_Latn", "plt_Latn", "nob_Latn", "als_Latn", "gaz_Latn",
]  # fmt: skip
# facebook/m2m100: models/m2m_100/tokenization_m2m_100.py (FAIRSEQ_LANGUAGE_CODES["m2m100"])
M2M = [f"__{code}__" for code in ("am", "cs", "de", "en", "es", "fr", "hr", "it", "ro", "ru", "sw", "zh", "sr", "he")]
# facebook/mbart-large-50: models/mbart50/tokenization_mbart50.py
MBART = ["ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "fr_XX", "it_IT", "ro_RO", "ru_RU", "zh_CN", "sw_KE", "hr_HR"]
MADLAD = ["<2en>", "<2sw>", "<2am>", "<2zh>", "<2zh_Latn>", "<2hr>", "<2sr>"]


def language(tag: str, iso: str, script: str) -> Language:
    """A language that the registry need not have."""
    values = {name: getattr(get("en"), name) for name in Language.__dataclass_fields__}
    return Language(**(values | {"tag": tag, "iso639_3": iso, "script": script, "name": tag}))


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("am", "amh_Ethi"), ("cs", "ces_Latn"), ("de", "deu_Latn"), ("es", "spa_Latn"), ("fr", "fra_Latn"),
        ("hr", "hrv_Latn"), ("it", "ita_Latn"), ("ro", "ron_Latn"), ("ru", "rus_Cyrl"), ("sw", "swh_Latn"),
        ("zh", "zho_Hans"), ("en", "eng_Latn"),
    ],
)  # fmt: skip
def test_every_language_of_the_registry_has_its_nllb_code(tag: str, code: str) -> None:
    assert codes.code_of(get(tag), "nllb", NLLB, "m") == code


@pytest.mark.parametrize(
    ("tag", "iso", "script", "code"),
    [
        ("zh-Hant", "zho", "Hant", "zho_Hant"),
        ("ko", "kor", "Kore", "kor_Hang"),
        ("ja", "jpn", "Jpan", "jpn_Jpan"),
        ("ar", "ara", "Arab", "arb_Arab"),
        ("fa", "fas", "Arab", "pes_Arab"),
        ("et", "ekk", "Latn", "est_Latn"),
        ("lv", "lav", "Latn", "lvs_Latn"),
        ("ms", "msa", "Latn", "zsm_Latn"),
        ("mn", "mon", "Cyrl", "khk_Cyrl"),
        ("ne", "nep", "Deva", "npi_Deva"),
        ("or", "ori", "Orya", "ory_Orya"),
        ("az", "aze", "Latn", "azj_Latn"),
        ("uz", "uzb", "Latn", "uzn_Latn"),
        ("yi", "yid", "Hebr", "ydd_Hebr"),
        ("mg", "mlg", "Latn", "plt_Latn"),
        ("no", "nor", "Latn", "nob_Latn"),
        ("sq", "sqi", "Latn", "als_Latn"),
        ("om", "orm", "Latn", "gaz_Latn"),
        ("sr", "srp", "Cyrl", "srp_Cyrl"),
    ],
)
def test_macrolanguages_and_scripts_find_their_flores_code(tag: str, iso: str, script: str, code: str) -> None:
    assert codes.code_of(language(tag, iso, script), "nllb", NLLB, "m") == code


def test_a_script_the_model_cannot_write_is_refused() -> None:
    with pytest.raises(UsageError, match=r"has no code 'srp_Latn' .*srp_Cyrl"):
        codes.code_of(language("sr-Latn", "srp", "Latn"), "nllb", NLLB, "m")
    with pytest.raises(UsageError, match="does not translate"):
        codes.code_of(language("sr-Latn", "srp", "Latn"), "mbart", MBART, "m")


@pytest.mark.parametrize(
    ("style", "tokens", "expected"),
    [("m2m", M2M, "__sw__"), ("mbart", MBART, "sw_KE"), ("madlad", MADLAD, "<2sw>")],
)
def test_other_families_name_languages_in_their_own_way(style: codes.Style, tokens: list[str], expected: str) -> None:
    assert codes.style_of([*tokens, "▁the", "<unk>"]) == style
    assert codes.code_of(get("sw"), style, tokens, "m") == expected


def test_mbart_knows_english_under_a_country_that_is_none() -> None:
    assert codes.code_of(get("en"), "mbart", MBART, "m") == "en_XX"


def test_a_vocabulary_without_codes_has_no_style() -> None:
    assert codes.style_of(["▁the", "a", "swh_Latn"]) is None


WORDS = ["▁what", "▁color", "▁is", "▁the", "▁dog", "?", "▁red", "▁in", "▁", "."]


@pytest.fixture(scope="module")
def nllb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random M2M100 of 8 dimensions with NLLB's tokenizer class and all its language codes."""
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    folder = tmp_path_factory.mktemp("nllb")
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *WORDS]
    tokenizer = NllbTokenizer(vocab={token: number for number, token in enumerate(tokens)}, merges=[])
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = M2M100Config(
        vocab_size=len(tokenizer), d_model=8, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=64,
        pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2,
    )  # fmt: skip
    M2M100ForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def madlad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random T5 of 8 dimensions whose vocabulary has MADLAD's language tokens."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    folder = tmp_path_factory.mktemp("madlad")
    tokens = ["<pad>", "</s>", "<unk>", "what", "color", "red", "?"]
    inner = Tokenizer(models.WordLevel({token: number for number, token in enumerate(tokens)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", extra_special_tokens=MADLAD
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=8, d_kv=4, d_ff=16, num_layers=1, num_heads=2, pad_token_id=0,
        eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


def test_an_nllb_checkpoint_translates_and_is_forced_into_the_language(
    nllb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    translator = make_translator(f"hf:{nllb}", Options(device="cpu"))
    seen: list[dict[str, object]] = []
    from transformers import M2M100ForConditionalGeneration

    generate = M2M100ForConditionalGeneration.generate

    def watched(self: M2M100ForConditionalGeneration, **kwargs: object) -> object:
        seen.append(kwargs)
        return generate(self, **kwargs)

    monkeypatch.setattr(M2M100ForConditionalGeneration, "generate", watched)
    texts = ["what color is the dog?", "red"]
    found = translator.translate(texts, get("en"), get("sw"))
    assert len(found) == 2
    assert found == translator.translate(texts, get("en"), get("sw"))
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(nllb)
    assert seen[0]["forced_bos_token_id"] == tokenizer.convert_tokens_to_ids("swh_Latn")
    first = seen[0]["input_ids"][0, 0].item()  # type: ignore[index]
    assert tokenizer.convert_ids_to_tokens(first) == "eng_Latn"


def test_placeholders_stay_where_they_were(nllb: Path) -> None:
    translator = make_translator(f"hf:{nllb}", Options(device="cpu"))
    (found,) = translator.translate(["<image> what color is the dog in {place}?"], get("en"), get("am"))
    assert found.startswith("<image>")
    assert found.count("{place}") == 1
    assert re.search(r"<image>.*\{place\}", found)


def test_quoted_text_letters_names_and_numbers_survive_a_model_that_knows_nothing(nllb: Path) -> None:
    terms = Glossary((Entry("Tom Hanks", "Tom Hanks"),))
    translator = make_translator(f"hf:{nllb}", Options(device="cpu", glossary=terms))
    text = 'what color is "STOP & GO" in the dog at point B of Tom Hanks with 37 red?'
    (found,) = translator.translate([text], get("en"), get("am"))
    for kept in ('"STOP & GO"', "B", "Tom Hanks", "37"):
        assert kept in found


def test_a_madlad_checkpoint_is_told_the_language_before_the_text(
    madlad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer, T5ForConditionalGeneration

    seen: list[list[int]] = []
    generate = T5ForConditionalGeneration.generate

    def watched(self: T5ForConditionalGeneration, **kwargs: object) -> object:
        seen.extend(kwargs["input_ids"].tolist())  # type: ignore[attr-defined]
        return generate(self, **kwargs)

    monkeypatch.setattr(T5ForConditionalGeneration, "generate", watched)
    translator = make_translator(f"hf:{madlad}", Options(device="cpu"))
    assert len(translator.translate(["what color ?"], get("en"), get("sw"))) == 1
    assert AutoTokenizer.from_pretrained(madlad).convert_ids_to_tokens(seen[0])[:2] == ["<2sw>", "what"]


def test_a_local_checkpoint_is_named_by_its_content(nllb: Path, tmp_path: Path) -> None:
    import shutil

    other = tmp_path / "copy"
    shutil.copytree(nllb, other)
    names = [make_translator(f"hf:{folder}", Options(device="cpu")).name for folder in (nllb, other)]
    assert names[0].partition("@")[2] == names[1].partition("@")[2]
    (other / "generation_config.json").write_text("{}", encoding="utf-8")
    changed = make_translator(f"hf:{other}", Options(device="cpu")).name
    assert changed.partition("@")[2] != names[0].partition("@")[2]


def test_a_language_the_model_has_not_is_named(madlad: Path) -> None:
    translator = make_translator(f"hf:{madlad}", Options(device="cpu"))
    with pytest.raises(UsageError, match="does not translate Italian"):
        translator.translate(["what"], get("en"), get("it"))


def test_a_text_longer_than_the_model_reads_is_refused_not_cut(nllb: Path) -> None:
    translator = make_translator(f"hf:{nllb}", Options(device="cpu"))
    with pytest.raises(TranslationError, match="the model reads at most 64"):
        translator.translate(["red " * 100], get("en"), get("sw"))


def test_folders_that_hold_no_translation_model_are_one_line(tmp_path: Path, nllb: Path) -> None:
    with pytest.raises(UsageError, match=r"no config\.json"):
        make_translator(f"hf:{tmp_path}", Options(device="cpu"))
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}', encoding="utf-8")
    with pytest.raises((UsageError, RunError), match="hf:"):
        make_translator(f"hf:{tmp_path}", Options(device="cpu")).translate(["red"], get("en"), get("sw"))
