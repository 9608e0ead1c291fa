"""The forms of files for translators: tables, gettext PO (through polib), XLIFF 1.2, which every CAT tool takes."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_eval.runs.files import write_atomic
from lrm_eval.translation.packfile import now
from lrm_eval.translation.texts import DRAFT, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lrm_eval.languages import Language

_NAMESPACE = "urn:oasis:names:tc:xliff:document:1.2"
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_NEW, _REVIEW, _DONE = "new", "needs-review-translation", "translated"
_UNFINISHED = {_NEW, "needs-translation", _REVIEW, "needs-review-adaptation", "needs-review-l10n", "needs-adaptation"}


def _table(path: Path, texts: Sequence[Text], task: str, language: Language) -> None:
    stream = io.StringIO()
    table = csv.writer(stream, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", lineterminator="\n")
    table.writerow(["source", "translation", "state", "kind", "question", "items"])
    for text in texts:
        state = DRAFT if text.draft else ""
        items = " ".join(text.items) + (" …" if text.count > len(text.items) else "")
        table.writerow([text.source, text.translation, state, text.kind, text.question, items])
    # Excel takes a table without this mark for Windows-1252.
    write_atomic(path, "\ufeff" + stream.getvalue())


def _polib() -> Any:
    try:
        import polib  # type: ignore[import-untyped]
    except ImportError:
        raise UsageError("PO files need the package polib: `pip install polib`") from None
    return polib


def _po(path: Path, texts: Sequence[Text], task: str, language: Language) -> None:
    polib = _polib()
    catalog = polib.POFile(wrapwidth=0)
    catalog.metadata = {
        "Project-Id-Version": f"lrm-eval {task}",
        "PO-Revision-Date": now(),
        "Language": language.tag.replace("-", "_"),
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
    }
    for text in texts:
        catalog.append(
            polib.POEntry(
                msgid=text.source, msgstr=text.translation, comment=text.note(), flags=["fuzzy"] if text.draft else []
            )
        )
    write_atomic(path, str(catalog) + "\n")


def read_po(path: Path, language: Language | None) -> list[Text]:
    """The entries of a PO file; obsolete ones are left out.

    Raises:
        UsageError: malformed (with the line), or in another language.
    """
    polib = _polib()
    try:
        catalog = polib.pofile(str(path), encoding="utf-8")
    except (OSError, ValueError) as error:
        # polib's own words: "Syntax error in po file FILE (line 7): ..."
        line = " ".join(str(error).replace(str(path), "").split())
        raise UsageError(f"{path}: no readable PO file: {line}") from None
    _check_language(path, str(catalog.metadata.get("Language", "")), language)
    return [
        Text(entry.msgid, entry.msgstr.strip(), entry.fuzzy, where=f"{path}:{entry.linenum or 1}")
        for entry in catalog
        if not entry.obsolete
    ]


def _xliff(path: Path, texts: Sequence[Text], task: str, language: Language) -> None:
    ET.register_namespace("", _NAMESPACE)
    root = ET.Element(f"{{{_NAMESPACE}}}xliff", {"version": "1.2"})
    file = ET.SubElement(
        root,
        f"{{{_NAMESPACE}}}file",
        {"original": task, "source-language": "en", "target-language": language.tag, "datatype": "plaintext"},
    )
    body = ET.SubElement(file, f"{{{_NAMESPACE}}}body")
    for number, text in enumerate(texts, 1):
        unit = ET.SubElement(body, f"{{{_NAMESPACE}}}trans-unit", {"id": str(number), _XML_SPACE: "preserve"})
        ET.SubElement(unit, f"{{{_NAMESPACE}}}source").text = text.source
        state = _REVIEW if text.draft else _NEW
        ET.SubElement(unit, f"{{{_NAMESPACE}}}target", {"state": state}).text = text.translation
        ET.SubElement(unit, f"{{{_NAMESPACE}}}note").text = text.note()
    ET.indent(root, " ")
    content = ET.tostring(root, encoding="unicode")
    write_atomic(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{content}\n')


def read_xliff(path: Path, language: Language | None) -> list[Text]:
    """The units of an XLIFF file, versions 1.0 to 1.2 (`trans-unit`) and 2 (`unit` with `segment`).

    Raises:
        UsageError: malformed (with the line), no XLIFF, or in another language.
    """
    try:
        root = ET.fromstring(path.read_bytes())  # noqa: S314 - expat takes no external entities and bounds internal ones
    except (OSError, ET.ParseError) as error:
        line = getattr(error, "position", (1, 0))[0]
        raise UsageError(f"{path}:{line}: malformed XML: {' '.join(str(error).split())}") from None
    if _name(root) != "xliff":
        raise UsageError(f"{path}:1: no XLIFF: the document is a <{_name(root)}>")
    languages = [element.get("target-language") or element.get("trgLang") or "" for element in root.iter()]
    _check_language(path, next((name for name in languages if name), ""), language)
    units = []
    for element in root.iter():
        if _name(element) == "trans-unit":
            units.append(_unit(path, element, element))
        elif _name(element) == "unit":
            units += [_unit(path, segment, element) for segment in element if _name(segment) == "segment"]
    return units


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _unit(path: Path, element: ET.Element, unit: ET.Element) -> Text:
    parts = {_name(child): child for child in element}
    source, target = parts.get("source"), parts.get("target")
    where = f"{path} unit {unit.get('id', '?')}"
    if source is None:
        raise UsageError(f"{where}: no <source>")
    translation = "" if target is None else "".join(target.itertext()).strip()
    state = (target.get("state") if target is not None else None) or element.get("state") or ""
    # A translator who types over an empty target and leaves its state has translated it all the same.
    draft = state in _UNFINISHED - {_NEW, "needs-translation"} or unit.get("approved") == "no"
    return Text("".join(source.itertext()), translation, draft, where=where)


def _check_language(path: Path, given: str, language: Language | None) -> None:
    if language is None or not given.strip():
        return
    from lrm_eval.languages import get

    try:
        found = get(given.strip()).tag
    except UsageError:
        found = given.strip()
    if found != language.tag:
        raise UsageError(f"{path}: is in {given!r}, not in {language.name} ({language.tag})")


WRITERS: dict[str, Callable[[Path, Sequence[Text], str, Language], None]] = {
    ".csv": _table,
    ".tsv": _table,
    ".po": _po,
    ".pot": _po,
    ".xlf": _xliff,
    ".xliff": _xliff,
}
