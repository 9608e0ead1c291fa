"""Finding a language by whatever a user calls it, and lists of languages by what they type after `--langs`.

The bundled languages are files in `data/`; `include` adds those of a folder of the user's. The folders in
`LRM_EVAL_LANGUAGES` and the packages under the entry point `lrm_eval.languages` are added by themselves.
"""

from __future__ import annotations

import os
import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError, nearest, unknown
from lrm_eval.languages.loading import load_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lrm_eval.languages.model import Language

GROUPS = ("all", "paper", "low-resource")
LOW_RESOURCE_CLASS = 2
# The folder of an include path in which language files lie.
FOLDER = "languages"
# Folders of language files that are always there, with the separator of PATH between them.
VARIABLE = "LRM_EVAL_LANGUAGES"
# Entry points of other packages: each names a package in which language files lie.
GROUP = "lrm_eval.languages"
_DATA = Path(__file__).resolve().parent / "data"
_included: dict[str, Path] = {}
_looked_outside = False


@cache
def _files() -> dict[str, Path]:
    bundled = {path.stem: path for path in _DATA.glob("*.yaml")}
    return dict(sorted({**_included, **bundled}.items()))


def _tags() -> tuple[str, ...]:
    return tuple(_files())


@cache
def _load(tag: str) -> Language:
    return load_language(_files()[tag])


def language_files() -> list[Path]:
    """The file of every language, bundled and included, in the order of their tags."""
    return list(_files().values())


def include(folders: Iterable[str | Path]) -> None:
    """Add the languages of include paths, `<folder>/languages/<tag>.yaml`, for the rest of the process.

    A folder may be included again; a folder without `languages` adds none.

    Raises:
        UsageError: no such folder, a language that exists already, a tag that is not canonical BCP-47, or a name that
            means another language.
        RunError: a file is damaged (file and key are named).
    """
    for folder in folders:
        if not Path(folder).is_dir():
            raise UsageError(f"--include-path {folder}: no such folder")
        _include_all(Path(folder) / FOLDER)


def _include(path: Path) -> None:
    import langcodes

    tag = path.stem
    if tag in _files():
        where = "comes with lrm-eval" if tag not in _included else f"is already in {_included[tag]}"
        raise UsageError(
            f"{path}: the language {tag!r} {where} and cannot be replaced; give yours a tag of its own, "
            f"such as {tag}-x-mine"
        )
    canonical = langcodes.standardize_tag(tag) if langcodes.tag_is_valid(tag) else None
    if canonical != tag:
        remedy = f": write {canonical!r}" if canonical else ": see https://www.rfc-editor.org/info/bcp47"
        raise UsageError(f"{path}: {tag!r} is not a canonical BCP-47 tag{remedy}")
    language = load_language(path)
    index = _index()
    for name in _names(language):
        if _fold(name) in index:
            raise UsageError(f"{path}: the name {name!r} means {get(index[_fold(name)]).name} ({index[_fold(name)]})")
    _included[tag] = path
    for cached in (_files, _load, all_languages, _index):
        cached.cache_clear()


def _look_outside() -> bool:
    """Add the languages of the environment and of other packages, once; whether there were any.

    Only a name that is not bundled, or a list of all, needs it: looking through the installed packages takes a while.
    """
    global _looked_outside
    if _looked_outside:
        return False
    _looked_outside = True
    before = len(_included)
    try:
        for named in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
            if not Path(named).is_dir():
                raise UsageError(f"{VARIABLE}: {named}: no such folder")
            inner = Path(named) / FOLDER
            if inner.is_dir() and not any(Path(named).glob("*.yaml")):
                # --include-path takes the folder around it: named here, it would bring nothing, and say nothing.
                raise UsageError(f"{VARIABLE}: {named} holds no <tag>.yaml; name {inner}")
            _include_all(Path(named))
        for package, folder in _packages():
            if not folder.is_dir():
                raise UsageError(f"{folder}: no such folder, though {package!r} is a plug-in of {GROUP!r}")
            _include_all(folder)
    except BaseException:
        _looked_outside = False
        raise
    return len(_included) > before


def _include_all(folder: Path) -> None:
    for path in sorted(folder.resolve().glob("*.yaml")):
        if _included.get(path.stem) != path:
            _include(path)


def _packages() -> Iterator[tuple[str, Path]]:
    """The packages that bring languages, and where they lie, without importing them."""
    from importlib.metadata import entry_points
    from importlib.util import find_spec

    for point in sorted(entry_points(group=GROUP), key=lambda point: point.value):
        try:
            spec = find_spec(point.value)
        except (ImportError, ValueError, AttributeError):
            spec = None
        if spec is None or not spec.submodule_search_locations:
            raise UsageError(
                f"the plug-in {point.name!r} of {GROUP!r} names {point.value!r}, which is no package; reinstall or "
                "uninstall what brings it"
            )
        for place in spec.submodule_search_locations:
            yield point.value, Path(place)


def _names(language: Language) -> tuple[str, ...]:
    return (language.tag, language.iso639_3, language.name, language.autonym, *language.aliases)


@cache
def all_languages() -> tuple[Language, ...]:
    """Every language of the registry, by tag.

    Raises:
        RunError: a language file is damaged (file and key are named).
        UsageError: `LRM_EVAL_LANGUAGES` or a plug-in names something that is no folder of languages.
    """
    _look_outside()
    return tuple(_load(tag) for tag in _tags())


def _fold(name: str) -> str:
    """A name as it is looked up: no case, no accents on Latin letters, no difference between space, `-` and `_`."""
    decomposed = unicodedata.normalize("NFKD", name.strip().casefold())
    plain = "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f")
    return " ".join(plain.replace("-", " ").replace("_", " ").split())


@cache
def _index() -> dict[str, str]:
    index: dict[str, str] = {}
    for language in all_languages():
        for name in _names(language):
            known = index.setdefault(_fold(name), language.tag)
            if known != language.tag:
                raise AssertionError(f"{name!r} names both {known} and {language.tag}")
    return index


def get(name: str) -> Language:
    """The language a user means.

    Args:
        name: a tag (`sw`, `sw-KE`, `zh_Hans_CN`), an ISO 639-1 or 639-3 code, an English name or an own name; case
            and accents do not matter.

    Raises:
        UsageError: nothing of that name; the nearest names are in the message.
    """
    # The common case opens one file, not all of them.
    if name in _tags() or (_look_outside() and name in _tags()):
        return _load(name)
    tag = _index().get(_fold(name)) or _by_subtags(name)
    if tag is None:
        raise _unknown(name)
    return _load(tag)


def _by_subtags(name: str) -> str | None:
    """The tag of a BCP-47 variant: region and default script are dropped, another script is another language."""
    import langcodes

    try:
        meant = langcodes.Language.get(name.strip().replace("_", "-"))
    except (ValueError, LookupError):
        return None
    if not meant.language:
        return None
    script = meant.maximize().script
    for candidate in (f"{meant.language}-{script}", meant.language):
        if candidate in _tags() and _load(candidate).script in (script, None):
            return candidate
    return None


def _unknown(name: str) -> UsageError:
    names: dict[str, str] = {}
    for language in all_languages():
        for shown in (language.tag, language.name, language.autonym, *language.aliases):
            names.setdefault(shown.casefold(), f"{language.name} ({language.tag})")
    close = list(dict.fromkeys(names[match.casefold()] for match in nearest(name, names)))
    if close:
        return UsageError(
            f"unknown language {name!r}: did you mean {' or '.join(close)}? `lrm-eval langs` lists them all."
        )
    return UsageError(
        f"{unknown('language', name, [*_tags(), *GROUPS], 'lrm-eval langs')} A language of your own is one file: name "
        f"its folder with --include-path or {VARIABLE} (docs/adding-a-language.md)"
    )


def resolve(spec: str, available: Iterable[str]) -> list[Language]:
    """The languages of a `--langs` list.

    Args:
        spec: names separated by commas, or groups: `all`; `paper`, the ten of the LRM-LLaVA paper; `low-resource`,
            those of `all` with Joshi class 2 or below. Mixed lists are fine.
        available: the tags that `all` means.

    Returns:
        Languages in the order typed, each once; a group's by tag.

    Raises:
        UsageError: an unknown name, or no language at all.
    """
    known = dict.fromkeys(available)
    chosen: dict[str, Language] = {}
    for part in (part.strip() for part in spec.split(",")):
        if not part:
            continue
        group = _group(part, list(known))
        for language in [get(part)] if group is None else group:
            chosen.setdefault(language.tag, language)
    if not chosen:
        raise UsageError("--langs names no language: type tags or names such as `--langs sw,am,en`, or `--langs all`")
    return list(chosen.values())


def _group(name: str, available: list[str]) -> list[Language] | None:
    folded = name.casefold().replace("_", "-")
    if folded == "paper":
        return [language for language in all_languages() if language.paper]
    if folded not in GROUPS:
        return None
    members = [get(tag) for tag in sorted(available)]
    if folded == "low-resource":
        members = [language for language in members if language.joshi_class <= LOW_RESOURCE_CLASS]
    if not members:
        raise UsageError(
            f"--langs {name}: no language of the asked tasks belongs to it; `lrm-eval tasks` shows what there is"
        )
    return members
