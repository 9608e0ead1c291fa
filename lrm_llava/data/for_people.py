"""The texts of conversations as a file that people translate in, and that `--given` takes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.translation.texts import Text, write_texts
from lrm_llava.conversations import RecordError, parse_record, read_records
from lrm_llava.data.lines import cut_conversation

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.languages import Language

_SHOWN = 3


def write_for_people(file: Path, path: Path, language: Language) -> int:
    """Write every different text of a file once, with the records that have it; how many.

    Args:
        file: LLaVA conversations. All their texts are held in memory: this is for what people can translate.
        path: ends in .csv, .tsv, .po, .xlf or .xliff.
        language: that they translate into.

    Raises:
        UsageError: the file cannot be read, or another ending.
        RunError: it cannot be written.
    """
    kinds: dict[str, str] = {}
    items: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for number, record in read_records(file):
        own = str(record.get("id") or number) if isinstance(record, dict) else str(number)
        try:
            turns = cut_conversation(parse_record(record))
        except RecordError:
            continue
        said: dict[str, str] = {}
        for turn in turns:
            for piece in turn.pieces:
                if piece.translated:
                    said.setdefault(piece.text, turn.speaker)
        for text, speaker in said.items():
            kinds.setdefault(text, "question" if speaker == "human" else "answer")
            counts[text] = counts.get(text, 0) + 1
            if len(items.setdefault(text, [])) < _SHOWN:
                items[text].append(own)
    found = [
        Text(text, kind=kind, items=tuple(items[text]), count=counts[text]) for text, kind in kinds.items()
    ]  # fmt: skip
    write_texts(path, found, file.stem, language)
    return len(found)
