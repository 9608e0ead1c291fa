"""Pack files and their cards: reading a pack with all its mistakes, writing pack and card in one step each.

Beside a pack `<language>.jsonl` stands its card `<language>.card.json`: where the text comes from, which English data
it words, and the hash of the pack, which `lrm-eval data verify` holds it against.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lrm_eval.data import packs_dir
from lrm_eval.data.packs import PackRow, card_path
from lrm_eval.data.rows import json_object
from lrm_eval.errors import UsageError
from lrm_eval.runs.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from lrm_eval.tasks.model import Task
    from lrm_eval.types import Sample

SCHEMA = 2  # 1 had none of the fields from source_revision on
_KEYS = ("id", "question", "options", "hint", "provenance")


@dataclass(frozen=True, slots=True)
class Card:
    """What a pack is and where it comes from.

    Attributes:
        task: task name.
        task_version: version of the task it was made for.
        language: canonical tag.
        provenance: one of mteb's terms (see `lrm_eval.tasks.model.Provenance`).
        method: "built" (with a translator), "rendered" (by template and lexicon) or "imported".
        origin: the translator, the lexicon, or the imported files' names.
        origin_sha256: hash of the lexicon or of the imported files; "" for a built pack.
        english_sha256: hash of the English texts it words (`english_hash`).
        source: data set of the English texts, or the local file's name.
        pack_sha256: hash of the pack file.
        rows: lines of the pack.
        marks: sample id -> what the translator got wrong and nobody has mended.
        licence: licence of the translated text, or "".
        contact: whom to ask, or "".
        made: date and time (UTC).
        tool: name and version of the program.
        schema: version of this file's layout.
        source_revision: commit of the data set of the English texts; "" for local data.
        version: version of the translator, of the lexicon, or commit of what was imported; "" if it has none.
        translator: who or what translated the texts; "" if nobody said.
        lacks: English samples that the pack does not word, and that are left out of a run in this language.
    """

    task: str
    task_version: int
    language: str
    provenance: str
    method: str
    origin: str
    origin_sha256: str
    english_sha256: str
    source: str
    pack_sha256: str
    rows: int
    marks: dict[str, list[str]]
    licence: str
    contact: str
    made: str
    tool: str
    schema: int = SCHEMA
    source_revision: str = ""
    version: str = ""
    translator: str = ""
    lacks: int = 0


def now() -> str:
    """Date and time as a card holds it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def user_pack(task: Task, tag: str) -> Path:
    """Where the user's own pack of a task in a language lies, or would lie."""
    return packs_dir() / task.name / (task.language(tag).pack or f"{tag}.jsonl")


def read_card(pack: Path) -> Card | None:
    """The card of a pack, or None if it has none.

    Raises:
        UsageError: a card that cannot be read.
    """
    path = card_path(pack)
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    try:
        values = json.loads(content)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: malformed JSON: {error.msg}") from None
    names = {item.name for item in fields(Card)}
    needed = {item.name for item in fields(Card) if item.default is MISSING}
    if not isinstance(values, dict) or not needed <= set(values) <= names:
        wrong = sorted((needed - set(values)) | (set(values) - names)) if isinstance(values, dict) else []
        raise UsageError(f"{path}: is no card of a pack ({', '.join(wrong) or 'no JSON object'}); make the pack again")
    return Card(**values)


def english_hash(samples: Iterable[Sample]) -> str:
    """Hex SHA-256 of the texts a pack words: id, question, hint, options and right answer of every English sample."""
    digest = hashlib.sha256()
    for sample in sorted(samples, key=lambda sample: sample.id):
        values = [sample.id, sample.question, sample.hint, list(sample.options), sample.gold]
        digest.update((json.dumps(values, ensure_ascii=False) + "\n").encode())
    return digest.hexdigest()


def pack_text(rows: Iterable[PackRow]) -> str:
    """A pack as it is written: one JSON object a line, empty fields left out."""
    lines = []
    for row in rows:
        values: dict[str, Any] = {"id": row.id, "question": row.question}
        if row.options:
            values["options"] = list(row.options)
        if row.hint:
            values["hint"] = row.hint
        values["provenance"] = row.provenance
        lines.append(json.dumps(values, ensure_ascii=False) + "\n")
    return "".join(lines)


def hash_text(text: str) -> str:
    """Hex SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def write_pack(pack: Path, rows: Sequence[PackRow], card: Card) -> None:
    """Write card and pack; a reader sees the old pack or the new one, never half of one.

    The card goes first: if this stops between the two, `verify` sees a pack that is not its card's.

    Raises:
        RunError: disk full or not allowed; the pack is as it was.
    """
    write_atomic(card_path(pack), json.dumps(asdict(card), ensure_ascii=False, indent=1) + "\n")
    write_atomic(pack, pack_text(rows))


def read_loosely(path: Path) -> tuple[dict[str, PackRow], list[tuple[str, str, str]]]:
    """A pack with whatever is wrong in it, for the audit.

    Returns:
        Rows by id, the first of each id; and (where, id, what is wrong) for lines, keys and types that no reader
        would take. Empty texts stay in the rows: the audit speaks of them.

    Raises:
        UsageError: no such file, or no text.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    rows: dict[str, PackRow] = {}
    wrong: list[tuple[str, str, str]] = []
    for line, text in enumerate(content.split("\n"), 1):
        where = f"{path}:{line}"
        if not text.strip():
            continue
        try:
            values = json_object(text, where)
        except UsageError as error:
            wrong.append((where, "", str(error).removeprefix(f"{where}: ")))
            continue
        row, problems = _loose_row(values, where)
        wrong += [(where, row.id, problem) for problem in problems]
        if row.id in rows:
            wrong.append((where, row.id, f"id {row.id!r} is given twice (first in {rows[row.id].where})"))
        elif row.id:
            rows[row.id] = row
    return rows, wrong


def _loose_row(values: Mapping[str, Any], where: str) -> tuple[PackRow, list[str]]:
    problems = [f"unknown key {key!r}: valid are {', '.join(_KEYS)}" for key in values if key not in _KEYS]
    texts: dict[str, str] = {}
    for key in ("id", "question", "hint", "provenance"):
        value = values.get(key)
        if value is not None and not isinstance(value, str):
            problems.append(f"{key!r} must be a text")
        elif key == "id" and not (value or "").strip():
            problems.append("key 'id' is missing or empty")
        texts[key] = value if isinstance(value, str) else ""
    options = values.get("options") or []
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        problems.append("'options' must be a list of texts")
        options = []
    row = PackRow(texts["id"], texts["question"], tuple(options), texts["hint"], texts["provenance"], where)
    return row, problems
