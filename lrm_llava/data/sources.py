"""English sources and their translations, read side by side, record by record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_llava.conversations import Conversation, RecordError, parse_record, read_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lrm_llava.recipes import Source


class Translations:
    """The translations of one source into one language: `<language>.jsonl`, records in the order of the source.

    Records may be missing; those that are there keep the source's order, so that millions are joined without an
    index in memory. A record is {"id", "conversations"} with the turns of the English one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records = read_records(path)
        self._line: int
        self._head: Any
        self._line, self._head = next(self._records, (0, None))

    def take(self, conversation_id: str) -> tuple[int, Any] | None:
        """Line and record for this id if it is the next one, else None."""
        if self._head is None or self._own_id() != conversation_id:
            return None
        found = self._line, self._head
        self._line, self._head = next(self._records, (0, None))
        return found

    def check_end(self) -> None:
        """After the last English record.

        Raises:
            UsageError: a record is left: its id is not in the source, or the order differs.
        """
        if self._head is not None:
            raise UsageError(
                f"{self.path}:{self._line}: id {self._own_id()!r} is not in the source, or the records "
                "are not in its order"
            )

    def _own_id(self) -> str:
        if not isinstance(self._head, dict):
            raise UsageError(f"{self.path}:{self._line}: not an object with id and conversations")
        return str(self._head.get("id"))


def translation_path(folder: Path, source: Source, tag: str) -> Path:
    """Where the translations of a source lie."""
    return folder / "translations" / source.name / f"{tag}.jsonl"


def find_translations(folder: Path, source: Source, tags: tuple[str, ...]) -> dict[str, Path]:
    """The files of all languages of a source.

    Raises:
        UsageError: a language without translations; names the command that makes them.
    """
    found = {tag: translation_path(folder, source, tag) for tag in tags}
    for tag, path in found.items():
        if not path.is_file():
            raise UsageError(
                f"{path}: no translation of {source.name} into {tag}; write it ({{id, conversations}} a line) or make "
                f"it with `lrm-llava data translate {folder / source.file} --out {path.parent} --langs {tag} "
                "--translator …`"
            )
    return found


def open_translations(folder: Path, source: Source, tags: tuple[str, ...]) -> dict[str, Translations]:
    """All languages of a source.

    Raises:
        UsageError: as `find_translations`, or a file is not JSON.
    """
    return {tag: Translations(path) for tag, path in find_translations(folder, source, tags).items()}


def english_records(folder: Path, source: Source) -> Iterator[tuple[int, str, Conversation | RecordError]]:
    """Number (from 1), id and conversation of every record, or why it cannot be used."""
    from dataclasses import replace

    for number, record in read_records(folder / source.file):
        own = str(record.get("id") or number) if isinstance(record, dict) else str(number)
        try:
            conversation = parse_record(record)
        except RecordError as error:
            yield number, own, error
            continue
        image = conversation.image
        if image is not None and source.images != ".":
            image = f"{source.images}/{image}"
        yield number, own, replace(conversation, image=image, source=source.name, id=own)


def translated(record: Any, english: Conversation) -> Conversation:
    """A translation as a conversation about the English one's image.

    Raises:
        RecordError: it cannot be used.
    """
    said = record.get("conversations") if isinstance(record, dict) else None
    if english.image is not None and isinstance(said, list) and said and isinstance(said[0], dict):
        # Translations are of texts: the placeholder is not part of them, but may have been left in.
        first = dict(said[0])
        first["value"] = "<image>\n" + str(first.get("value", "")).replace("<image>", "").strip()
        said = [first, *said[1:]]
    found = parse_record({"id": english.id, "image": english.image, "conversations": said})
    if len(found.turns) != len(english.turns):
        raise RecordError(f"{len(found.turns)} turns, the English record has {len(english.turns)}")
    return found
