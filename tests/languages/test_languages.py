"""The registry: data of every language, and finding a language by name."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import langcodes
import pytest

import lrm_eval.languages.loading
from lrm_eval.answers.tokens import words
from lrm_eval.errors import RunError, UsageError
from lrm_eval.languages import Language, all_languages, get, resolve
from lrm_eval.languages.loading import load_language

DATA = Path(lrm_eval.languages.loading.__file__).parent / "data"
EVERY = pytest.mark.parametrize("language", all_languages(), ids=lambda language: language.tag)
TWELVE = ["en", "cs", "de", "fr", "hr", "it", "ro", "ru", "es", "zh", "sw", "am"]
# The 33 languages of POPE's translation by the MHR project, and five of Africa.
MHR = ["ja", "ko", "pt", "ar", "tr", "vi", "th", "id", "ms", "nl", "sv", "fa", "el", "uk", "bg", "hi", "ta", "bn", "ur"]
MHR += ["ml", "mr", "te", "gu", "my", "jv", "en", "zh", "es", "fr", "de", "it", "ru", "sw"]
AFRICA = ["ha", "yo", "zu", "ig", "so"]
# Script -> how Unicode names begin in it.
NAMES = {
    **{"Latn": "LATIN", "Cyrl": "CYRILLIC", "Ethi": "ETHIOPIC", "Hans": "CJK", "Arab": "ARABIC", "Grek": "GREEK"},
    **{"Deva": "DEVANAGARI", "Beng": "BENGALI", "Taml": "TAMIL", "Telu": "TELUGU", "Mlym": "MALAYALAM"},
    **{"Gujr": "GUJARATI", "Mymr": "MYANMAR", "Thai": "THAI", "Hebr": "HEBREW", "Kore": "HANGUL"},
    "Jpan": ("CJK", "HIRAGANA", "KATAKANA"),
}
RIGHT_TO_LEFT = {"Arab", "Hebr"}
UNSPACED = {"Hans", "Jpan", "Thai", "Mymr"}


def test_the_twelve_are_there() -> None:
    assert set(TWELVE) <= {language.tag for language in all_languages()}


def test_at_least_45_with_the_33_of_mhr_and_five_of_africa() -> None:
    tags = {language.tag for language in all_languages()}
    assert len(tags) >= 45
    assert len(set(MHR)) == 33
    assert {*MHR, *AFRICA} <= tags


def test_paper_has_ten_languages() -> None:
    assert {language.tag for language in all_languages() if language.paper} == set(TWELVE) - {"sw", "am"}


@EVERY
def test_tag_is_canonical_and_the_iso_code_leads_back_to_it(language: Language) -> None:
    assert langcodes.standardize_tag(language.tag) == language.tag
    assert language.tag in {langcodes.standardize_tag(language.iso639_3, macro=macro) for macro in (False, True)}


@EVERY
def test_script_is_the_one_of_the_tag(language: Language) -> None:
    assert langcodes.Language.get(language.tag).maximize().script == language.script


@EVERY
def test_direction_and_spaces_follow_the_script(language: Language) -> None:
    assert language.direction == ("rtl" if language.script in RIGHT_TO_LEFT else "ltr")
    assert language.spaces == (language.script not in UNSPACED)


@EVERY
def test_digits_are_ten_of_one_script_or_none(language: Language) -> None:
    assert [unicodedata.decimal(digit) for digit in language.digits] in ([], list(range(10)))
    assert len({unicodedata.name(digit).split(" DIGIT")[0] for digit in language.digits}) <= 1


@EVERY
def test_option_letters_are_told_apart(language: Language) -> None:
    for series in (language.option_letters, *(tuple(one.split()) for one in language.option_series)):
        assert len(set(series)) == len(series)
        assert not series or len(series) >= 4


@EVERY
def test_no_yes_word_is_a_no_word(language: Language) -> None:
    assert not {words(word) for word in language.yes} & {words(word) for word in language.no}


@EVERY
def test_words_are_written_in_the_language_s_script(language: Language) -> None:
    fields = [*language.yes, *language.no, *language.denials, language.autonym, *language.option_letters]
    fields += [*language.option_series, *language.joiners, *language.reasons, *language.idioms]
    letters = {char for text in fields for char in unicodedata.normalize("NFC", text) if char.isalpha()}
    strange = {char for char in letters if not unicodedata.name(char).startswith(NAMES[language.script])}
    assert strange == set()


@EVERY
def test_instruction_lines_are_there_and_in_the_script(language: Language) -> None:
    for line in (language.short_answer, language.option_letter):
        # Thai sentences end without a mark.
        assert line[-1] in ".。।።။۔" or language.script == "Thai"
        share = [unicodedata.name(char).startswith(NAMES[language.script]) for char in line if char.isalpha()]
        assert all(share)
    assert language.short_answer != language.option_letter


@EVERY
def test_every_list_is_of_matchable_phrases(language: Language) -> None:
    for name in ("yes", "no", "answer_markers", "refusals", "negations", "answer_links", "option_words", "denials"):
        for phrase in getattr(language, name):
            assert words(phrase), (name, phrase)
            assert phrase == unicodedata.normalize("NFC", phrase)


@EVERY
def test_instruction_lines_are_translated(language: Language) -> None:
    english = get("en")
    if language is english:
        return
    assert language.short_answer != english.short_answer
    assert language.option_letter != english.option_letter


def test_llava_s_own_chinese_line() -> None:
    # LLaVA c121f04, scripts/v1_5/eval/mmbench_cn.sh and model_vqa_mmbench.py
    assert get("zh").option_letter == "请直接回答选项字母。"


@pytest.mark.parametrize(
    ("tag", "joshi"),
    [("en", 5), ("zh", 5), ("ru", 4), ("ro", 3), ("sw", 2), ("am", 2), ("ja", 5), ("hi", 4), ("yo", 2), ("ig", 1)],
)
def test_resource_class_is_joshi_s(tag: str, joshi: int) -> None:
    # Joshi et al. 2020, arXiv:2004.09095, language list of the authors (lang2tax.txt)
    assert get(tag).joshi_class == joshi


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        *((name, "sw") for name in ("sw", "swahili", "Swahili", "swh", "swa", "sw-KE", "sw_TZ", "Kiswahili", " SW ")),
        *((name, "zh") for name in ("zh-Hans", "zh-CN", "cmn", "zho", "chi", "中文", "Chinese", "Mandarin")),
        *((name, "cs") for name in ("cze", "ces", "čeština", "Cestina", "CZECH")),
        *((name, "am") for name in ("amh", "አማርኛ", "Amharic", "am-ET")),
        *((name, "es") for name in ("español", "Espanol", "spa", "es-419")),
        *((name, "en") for name in ("en-US", "en_GB", "eng")),
        *((name, "ja") for name in ("jpn", "Japanese", "日本語", "ja-JP", "ja-Jpan")),
        *((name, "fa") for name in ("fas", "pes", "Farsi", "فارسی", "fa-IR")),
        *((name, "he") for name in ("heb", "iw", "Hebrew", "עברית")),
        *((name, "yo") for name in ("yor", "Yoruba", "yoruba", "Yorùbá", "yo-NG")),
        *((name, "ms") for name in ("msa", "zsm", "Malay", "ms-MY")),
        *((name, "my") for name in ("mya", "bur", "Burmese", "Myanmar")),
        *((name, "pt") for name in ("pt-BR", "pt-PT", "portugues", "por")),
    ],
)
def test_one_language_has_many_names(name: str, tag: str) -> None:
    assert get(name).tag == tag


def test_every_name_of_every_language_finds_it() -> None:
    for language in all_languages():
        for name in (language.tag, language.iso639_3, language.name, language.autonym, *language.aliases):
            assert get(name) == language


@pytest.mark.parametrize(
    "name", ["zh-Hant", "zh-TW", "sr-Latn", "klingon", "xx-YY", "", "-", "en;fr", "\x00", "a" * 500]
)
def test_unknown_name_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="unknown language"):
        get(name)


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"did you mean Swahili \(sw\)\?"):
        get("swahilli")


def test_list_keeps_the_order_typed_and_drops_repeats() -> None:
    assert [language.tag for language in resolve("sw, am,swahili,en,sw-KE,", [])] == ["sw", "am", "en"]


def test_groups() -> None:
    have = ["sw", "am", "en", "ro"]
    assert [language.tag for language in resolve("all", have)] == sorted(have)
    assert [language.tag for language in resolve("LOW-RESOURCE", have)] == ["am", "sw"]
    assert {language.tag for language in resolve("paper", [])} == set(TWELVE) - {"sw", "am"}
    assert [language.tag for language in resolve("ro,low_resource,all", have)] == ["ro", "am", "sw", "en"]


@pytest.mark.parametrize("spec", ["", " ", ",,", "all"])
def test_no_language_at_all_is_a_usage_error(spec: str) -> None:
    with pytest.raises(UsageError, match="--langs"):
        resolve(spec, [])


# Files


def _written(tmp_path: Path, old: str, new: str) -> Path:
    text = (DATA / "sw.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "sw.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_a_whole_file_loads(tmp_path: Path) -> None:
    assert load_language(_written(tmp_path, "tag: sw", "tag: sw")) == get("sw")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("joshi_class: 2", "joshi_clas: 2", r"sw\.yaml: joshi_clas: unknown key, did you mean 'joshi_class'"),
        ("joshi_class: 2\n", "", r"joshi_class: is missing"),
        ("joshi_class: 2", "joshi_class: two", r"joshi_class: 'two' is not a whole number"),
        ("joshi_class: 2", "joshi_class: true", r"joshi_class: True is not a whole number"),
        ("joshi_class: 2", "joshi_class: 6", r"joshi_class: 6 is not between"),
        ("direction: ltr", "direction: up", r"direction: 'up' is not one of ltr, rtl"),
        ("spaces: true", "spaces: yes", r"spaces: 'yes' is not true or false"),
        ("name: Swahili", "name: ''", r"name: '' is not a text"),
        ("yes: [ndiyo,", "yes: [1,", r"yes: 1 is not a text"),
        ("yes: [ndiyo,", "yes: [hapana, ndiyo,", r"hapana stands in both"),
        ("yes: [ndiyo,", "yes: [ndiyo, ndiyo,", r"yes: 'ndiyo' stands there twice"),
        ("joiners: [na,", "joiners: na #", r"joiners: must be a list of texts"),
        ("ambiguous: [", "ambiguous: [pengine, ", r"pengine is in neither yes nor no"),
        ("digits: []", "digits: ['1', '2']", r"digits: must be the ten decimal digits"),
        ("fillers: [je]\n", "", r"fillers: is missing"),
        ("question_endings: []", "question_endings: [ko]", r"question_endings: 'ko' must be an ending, ="),
        ("tag: sw", "tag: am", r"tag: is 'am', the file's name says 'sw'"),
        ("tag: sw", "tag: [", r"sw\.yaml:\d+: is not YAML"),
    ],
)
def test_a_damaged_file_names_file_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        load_language(_written(tmp_path, old, new))


def test_a_file_that_is_not_there_or_not_text_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        load_language(tmp_path / "sw.yaml")
    (tmp_path / "sw.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RunError, match="is not UTF-8"):
        load_language(tmp_path / "sw.yaml")
    (tmp_path / "sw.yaml").write_text("- a\n")
    with pytest.raises(RunError, match="is a mapping"):
        load_language(tmp_path / "sw.yaml")


def test_common_tags_are_resolved_without_langcodes() -> None:
    program = (
        "import sys; from lrm_eval.languages import resolve; resolve('sw,am,en', []); resolve('swahili', []); "
        "sys.exit(any(name in sys.modules for name in ('langcodes', 'torch', 'pydantic', 'numpy', 'language_data')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
