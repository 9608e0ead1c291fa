"""In which language an answer is, or None where that cannot be known. Offline, and without guessing.

An answer is judged line by line, each line by the first of these that says something:

1. the whole line is a yes or no of the registry: its language ("Ndiyo" is Swahili; "No" to a Spanish question may be
   either language and is not judged);
2. the script of its letters: an answer in Ethiopic to a question in Amharic is in Amharic, and one in Latin letters of
   several words is not, whatever it is;
3. with enough words, the library py3langid (its model knows every language of the registry and ships in its wheel)
   among the languages of the registry in that script.

A letter, a number, a name, a few words in a script that many languages share: nothing. Languages that no such library
tells apart in a line (Croatian, Bosnian and Serbian in Latin letters; Indonesian and Malay) count as the one asked for.

Deviation: Marchisio et al. 2024 (arXiv:2406.20052) leave out every line of fewer than five words, so that answers to
visual questions are hardly ever judged; here rules 1 and 2 judge short ones, and the library lines of three words.
Their fastText model lacks Hausa, Igbo and Zulu and has to be downloaded; lingua (96 MB) lacks Amharic, Hausa, Igbo,
Malayalam, Burmese and Javanese. `benchmarks/language_identification.py` has measured the choice and both thresholds.
"""

from __future__ import annotations

import copy
import dataclasses
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from lrm_eval.answers.lexicon import Role, lexicon
from lrm_eval.answers.tokens import normalise, without_thinking
from lrm_eval.conditions import asked_language
from lrm_eval.fidelity.scripts import script_of, script_shares, written_in
from lrm_eval.languages import all_languages, get
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.types import Reading, Response, Sample

ENGLISH = "en"
# Fewer words than this do not tell languages of one script apart, and below this probability the library's first choice
# is not taken. Hindi and Marathi need more than languages in Latin letters do; Chinese and Japanese in nothing but Han
# are counted by letters.
MIN_WORDS = 3
MIN_WORDS_IN = {"Deva": 5, "Hani": 8}
MIN_CONFIDENCE = 0.7
# More than half of the letters decide on the script of a line; names and units are written in another.
_MAJORITY = 0.5
# "cha" is a no in Zulu and a preposition in Swahili.
_SHORTEST_FOREIGN_WORD = 4
# Written alike to the last function word, or so nearly that single lines are not told apart. Sources: EuroEval's set
# of Danish and the two Norwegians; the DSL shared tasks (Zampieri et al. 2017) for the others.
_NEAR = (
    frozenset({"hr", "bs", "sr", "sr-Latn"}),
    frozenset({"id", "ms"}),
    frozenset({"da", "nb", "nn", "no"}),
    frozenset({"zu", "xh"}),
    frozenset({"zh", "zh-Hant", "yue", "wuu"}),
)
# Labels of the library that are other tags here.
_LABELS = {"no": "nb"}
_UNKNOWN = "und"


def with_language(reading: Reading, sample: Sample, response: Response, condition: str = DEFAULT_CONDITION) -> Reading:
    """The reading with the language of its answer filled in, or emptied where it cannot be known.

    Raises:
        UsageError: the sample's language is not in the registry.
    """
    found = None if response.error is not None else _of_sample(sample, response.text, condition)
    return reading if reading.language == found else dataclasses.replace(reading, language=found)


def _of_sample(sample: Sample, text: str, condition: str) -> str | None:
    bare = text.strip()
    # The most frequent answer to a multiple-choice question, and no language's.
    if bare in sample.labels:
        return None
    if sample.options and _is_option(bare, sample.options):
        return sample.language
    return answer_language(text, asked_language(sample.language, condition))


def _is_option(text: str, options: Sequence[str]) -> bool:
    """Whether an answer says an option as it was shown: a word of the question's language. Names and units are none."""
    folded = text.rstrip(" .。።").casefold()
    words = _words(text)
    return any(folded == option.casefold() for option in options) and any(
        len(word) > 1 and not word[1:].isupper() for word in words
    )


def answer_language(text: str, asked: str) -> str | None:
    """The language of an answer.

    Args:
        text: the raw answer; any Unicode. A `<think>` block is not part of it.
        asked: tag of the language that it should be in.

    Returns:
        A tag of the registry, `asked` itself where every line that can be judged is in it, else the language of the
        first line that is not; `und-<script>` if that line is in no language of the registry for sure but its script
        is not that of `asked`; None if no line can be judged.

    Raises:
        UsageError: `asked` is not in the registry.
    """
    lines = without_thinking(text).splitlines()
    if len(lines) == 1:
        return line_language(lines[0], asked)
    found = [language for line in lines if (language := line_language(line, asked)) is not None]
    return next((language for language in found if language != asked), asked if found else None)


@lru_cache(maxsize=65536)
def line_language(line: str, asked: str) -> str | None:
    """As `answer_language`, of one line."""
    words = _words(line)
    if not words:
        return None
    known = _by_lexicon(line, asked)
    if known is not None:
        return known or None
    shares = script_shares(line)
    if not shares:
        return None
    target = get(asked)
    own = written_in(target.script)
    if sum(share for script, share in shares.items() if script in own) > _MAJORITY:
        return _in_own_script(line, words, asked, target.script, shares)
    script = next(iter(shares))
    if shares[script] <= _MAJORITY:
        return None
    return _in_other_script(line, words, script, shares)


def _words(line: str) -> list[str]:
    """What stands between blanks and holds a letter; without blanks between words, the whole line is one."""
    return [word for word in line.split() if any(map(str.isalpha, word))]


def _by_lexicon(line: str, asked: str) -> str | None:
    """The language of a line that is one answer word; "" if it is one in several; None if it is none."""
    folded = normalise(line).casefold()
    hit = lexicon(asked).whole.get(folded)
    if hit is not None:
        if hit.roles & Role.ENGLISH:
            return ENGLISH
        return "" if asked != ENGLISH and folded in lexicon(ENGLISH).whole else asked
    others = _answer_words().get(folded)
    if others is None or len(folded) < _SHORTEST_FOREIGN_WORD:
        return None
    return others[0] if len(others) == 1 else ""


@cache
def _answer_words() -> dict[str, tuple[str, ...]]:
    """The first word for yes and for no of each language -> the languages that have it."""
    found: dict[str, tuple[str, ...]] = {}
    for language in all_languages():
        for word in (language.yes[0], language.no[0]):
            folded = normalise(word).casefold()
            found[folded] = (*found.get(folded, ()), language.tag)
    return found


def _in_own_script(line: str, words: Sequence[str], asked: str, script: str, shares: dict[str, float]) -> str | None:
    rivals = _candidates(frozenset(written_in(script)), asked)
    if rivals == (asked,):
        return asked
    if script == "Kore" and "Hang" in shares:
        return asked
    if script == "Jpan":
        # Kana are written by nobody else; a few Han alone may be Chinese.
        return asked if shares.keys() & {"Hira", "Kana"} else _by_library(line, words, rivals, asked)
    if script in ("Hans", "Hant"):
        return "ja" if shares.keys() & {"Hira", "Kana"} else asked
    return _by_library(line, words, rivals, asked)


def _in_other_script(line: str, words: Sequence[str], script: str, shares: dict[str, float]) -> str | None:
    if script == "Hani" and shares.keys() & {"Hira", "Kana"}:
        return "ja"
    rivals = _candidates(frozenset({script}), "")
    if len(rivals) == 1:
        return rivals[0]
    foreign = [word for word in words if any(script_of(char) == script for char in word)]
    # A lone Latin word in an answer of another script is mostly a name, a unit or a gloss.
    if len(foreign) < 2 and script == "Latn":
        return None
    return _by_library(line, foreign, rivals) or f"{_UNKNOWN}-{script}"


@cache
def _candidates(scripts: frozenset[str], asked: str) -> tuple[str, ...]:
    """Tags of the registry whose letters may be of these scripts, without those that `asked` is not told apart from."""
    near = next((group for group in _NEAR if asked in group), frozenset())
    return tuple(
        language.tag
        for language in all_languages()
        if written_in(language.script) & scripts and (language.tag == asked or language.tag not in near)
    )


def _by_library(line: str, words: Sequence[str], rivals: tuple[str, ...], asked: str = "") -> str | None:
    """The library's choice where the line is long enough, it is sure enough, and it knows `asked` at all."""
    script = next(iter(script_shares(line)), "")
    size = sum(map(str.isalpha, line)) if script == "Hani" else len(words)
    if (
        size < MIN_WORDS_IN.get(script, MIN_WORDS)
        or len(_tags(rivals)) < 2
        or (asked and asked not in _tags(rivals).values())
    ):
        return None
    tag, confidence = identify(line, rivals)
    return tag if confidence >= MIN_CONFIDENCE else None


def identify(text: str, candidates: tuple[str, ...]) -> tuple[str, float]:
    """The library's first choice among some languages, whatever the text's length.

    Args:
        text: one line or more.
        candidates: tags; those that the library does not know are never chosen.

    Returns:
        Tag and probability (0-1) among the candidates.
    """
    label, confidence = _identifier(candidates).classify(text)
    return _tags(candidates)[label], float(confidence)


@cache
def _tags(candidates: tuple[str, ...]) -> dict[str, str]:
    """Label of the library -> tag; without the languages that it does not know."""
    labels = {tag: label for label, tag in _LABELS.items()}
    named = {labels.get(tag, tag.partition("-")[0]): tag for tag in reversed(candidates)}
    known = set(_library().labels)
    return {label: tag for label, tag in named.items() if label in known}


@cache
def _identifier(candidates: tuple[str, ...]) -> Any:
    found = copy.copy(_library())
    found.set_languages(sorted(_tags(candidates)))
    return found


@cache
def _library() -> Any:
    # 0.8 s to load: not before the first answer that needs it.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
