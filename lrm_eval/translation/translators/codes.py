"""How translation models name a language: NLLB `swh_Latn`, mBART-50 `sw_KE`, M2M100 `__sw__`, MADLAD `<2sw>`.

A code is derived from the registry's language and looked up among those the tokenizer has: no table of a model's
languages is kept here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from lrm_eval.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lrm_eval.languages import Language

Style: TypeAlias = Literal["nllb", "mbart", "m2m", "madlad"]
_FORMS: dict[Style, re.Pattern[str]] = {
    "nllb": re.compile(r"[a-z]{3}_[A-Z][a-z]{3}"),
    "mbart": re.compile(r"[a-z]{2,3}_[A-Z]{2}"),
    "m2m": re.compile(r"__[a-z]{2,3}__"),
    "madlad": re.compile(r"<2[A-Za-z_-]+>"),
}
# So many codes of one form make a family; a vocabulary may hold one or two such strings by chance.
_LEAST = 2
# ISO 15924 code of a mixed script -> FLORES-200's code of its main part.
_FLORES_SCRIPT = {"Kore": "Hang"}
# Macrolanguages whose individual language in FLORES-200 is not the one CLDR takes for it.
_FLORES_INDIVIDUAL = {
    "ekk": "est",
    "mon": "khk",
    "ori": "ory",
    "pus": "pbt",
    "nor": "nob",
    "mlg": "plt",
    "orm": "gaz",
    "sqi": "als",
    "uzb": "uzn",
    "yid": "ydd",
    "kur": "kmr",
    "cmn": "zho",
    "que": "quy",
    "aym": "ayr",
    "tgl": "fil",
    "fil": "tgl",
}


def style_of(tokens: Iterable[str]) -> Style | None:
    """Which way of naming languages a tokenizer's tokens show, or None."""
    counts = dict.fromkeys(_FORMS, 0)
    for token in tokens:
        for style, form in _FORMS.items():
            if form.fullmatch(token):
                counts[style] += 1
    best = max(counts, key=lambda style: counts[style])
    return best if counts[best] >= _LEAST else None


def code_of(language: Language, style: Style, tokens: Iterable[str], model: str) -> str:
    """The token that stands for a language.

    Raises:
        UsageError: the model has none; the nearest codes are named.
    """
    codes = {token for token in tokens if _FORMS[style].fullmatch(token)}
    for code in _candidates(language, style):
        if code in codes:
            return code
    if style == "mbart":
        own = sorted(code for code in codes if code.partition("_")[0] == _primary(language))
        if len(own) == 1:
            return own[0]
    wanted = next(_candidates(language, style), language.tag)
    names = {candidate.strip("<2_>").partition("_")[0] for candidate in _candidates(language, style)}
    close = sorted(code for code in codes if code.strip("<2_>").partition("_")[0] in names) or nearest(wanted, codes)
    hint = f"; it has {', '.join(close)}" if close else ""
    raise UsageError(
        f"{model} does not translate {language.name} ({language.tag}): it has no code {wanted!r} among its "
        f"{len(codes)}{hint}"
    )


def _primary(language: Language) -> str:
    return language.tag.partition("-")[0]


def _candidates(language: Language, style: Style) -> Iterator[str]:
    """Codes a model may have for a language, the likeliest first."""
    primary = _primary(language)
    if style == "nllb":
        scripts = dict.fromkeys((_FLORES_SCRIPT.get(language.script, language.script), language.script))
        for iso in _iso_codes(language):
            yield from (f"{iso}_{script}" for script in scripts)
        return
    names = dict.fromkeys((language.tag, language.tag.replace("-", "_"), f"{primary}_{language.script}"))
    plain = _plain(language)
    if style == "mbart":
        territory = _territory(language)
        yield from (f"{name}_{territory}" for name in plain)
    elif style == "madlad":
        yield from (f"<2{name}>" for name in dict.fromkeys((*names, *plain)))
    else:
        yield from (f"__{name}__" for name in plain)


def _plain(language: Language) -> list[str]:
    """Language codes without a script, for models that have one script per language.

    A tag with a script of its own (sr-Latn) has none: such a model would write the default script.
    """
    primary = _primary(language)
    if "-" in language.tag and language.tag not in ("zh-Hans",):
        return []
    former = {"he": "iw", "jv": "jw", "id": "in", "yi": "ji", "fil": "tl", "nb": "no", "no": "nb"}
    return list(dict.fromkeys((primary, language.iso639_3, *filter(None, (former.get(primary),)))))


def _territory(language: Language) -> str:
    import langcodes

    return langcodes.Language.get(language.tag).maximize().territory or ""


def _iso_codes(language: Language) -> list[str]:
    """ISO 639-3 codes: the registry's, the individual languages of its macrolanguage, FLORES-200's choice."""
    import langcodes
    from langcodes.data_dicts import NORMALIZED_MACROLANGUAGES

    primary = _primary(language)
    whole = langcodes.Language.get(primary).to_alpha3()
    individual = [code for code, macro in NORMALIZED_MACROLANGUAGES.items() if macro == primary and len(code) == 3]
    codes = [language.iso639_3, *individual, whole]
    codes += [_FLORES_INDIVIDUAL[code] for code in codes if code in _FLORES_INDIVIDUAL]
    return list(dict.fromkeys(codes))
