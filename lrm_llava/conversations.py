"""LLaVA's conversation format: one JSON record a sample, read record by record, each fault named with its place."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMAGE = "<image>"
_CHUNK = 1 << 20
_NOTHING = re.compile(r"[ \t\r\n,]*")


class RecordError(ValueError):
    """A record that cannot be trained on; the message is one line without the place."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer, without the image placeholder."""

    question: str
    answer: str


@dataclass(frozen=True)
class Conversation:
    """One sample.

    Attributes:
        id: unique within its source.
        image: path of its image, relative to the source's folder; None for text alone.
        turns: at least one; the image, if any, stands before the first question.
        language: of the answers.
        instruction: "mvqa", "ep_vqa", "bvqa"; "" for English.
        source: the name of its source.
    """

    id: str
    image: str | None
    turns: tuple[Turn, ...]
    language: str = "en"
    instruction: str = ""
    source: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def messages(self) -> list[dict[str, Any]]:
        """As chat templates want it."""
        out: list[dict[str, Any]] = []
        for number, turn in enumerate(self.turns):
            content: list[dict[str, str]] = [{"type": "text", "text": turn.question}]
            if number == 0 and self.image is not None:
                content.insert(0, {"type": "image"})
            out.append({"role": "user", "content": content})
            out.append({"role": "assistant", "content": [{"type": "text", "text": turn.answer}]})
        return out

    def record(self) -> dict[str, Any]:
        """As LLaVA's JSON has it, with language, instruction and source beside."""
        conversations = []
        for number, turn in enumerate(self.turns):
            opening = f"{IMAGE}\n" if number == 0 and self.image is not None else ""
            conversations.append({"from": "human", "value": opening + turn.question})
            conversations.append({"from": "gpt", "value": turn.answer})
        found: dict[str, Any] = {"id": self.id}
        if self.image is not None:
            found["image"] = self.image
        return found | {
            "conversations": conversations, "language": self.language,
            "instruction": self.instruction, "source": self.source,
        }  # fmt: skip


def parse_record(record: Any) -> Conversation:
    """A conversation from a record of LLaVA's JSON.

    Raises:
        RecordError: no conversation, a first turn that is not the human's, two speakers in a row, an empty turn, two
            `<image>` or one without an image, an image without `<image>`.
    """
    if not isinstance(record, dict):
        raise RecordError(f"not an object but {type(record).__name__}")
    said = record.get("conversations")
    if not isinstance(said, list) or not said:
        raise RecordError("no conversations")
    image = record.get("image")
    if image is not None and not isinstance(image, str):
        raise RecordError("image is not a path")
    turns = _turns(said, image is not None)
    return Conversation(
        id=str(record.get("id", "")), image=image, turns=turns, language=str(record.get("language", "en")),
        instruction=str(record.get("instruction", "")), source=str(record.get("source", "")),
    )  # fmt: skip


def _turns(said: list[Any], has_image: bool) -> tuple[Turn, ...]:
    texts: list[str] = []
    for number, turn in enumerate(said):
        if not isinstance(turn, dict) or not isinstance(turn.get("value"), str):
            raise RecordError(f"turn {number + 1} has no value")
        expected = ("human", "gpt")[number % 2]
        if turn.get("from") != expected:
            what = "starts with the assistant" if number == 0 else f"turn {number + 1} is not the {expected}'s"
            raise RecordError(f"{what} ({turn.get('from')!r})")
        texts.append(turn["value"])
    if len(texts) % 2:
        texts.pop()  # a question without an answer teaches nothing
    if not texts:
        raise RecordError("no answer")
    places = [number for number, text in enumerate(texts) for _ in range(text.count(IMAGE))]
    if len(places) != int(has_image):
        raise RecordError(f"{len(places)} {IMAGE} in the text, {int(has_image)} image")
    if places and places[0] != 0:
        raise RecordError(f"{IMAGE} stands in turn {places[0] + 1}, not in the first question")
    # LLaVA puts the image before the question wherever the record has it (llava/train/train.py, preprocess_multimodal).
    texts[0] = texts[0].replace(IMAGE, "").strip()
    texts = [text.strip() for text in texts]
    for number, text in enumerate(texts):
        if not text and not (number == 0 and has_image):
            raise RecordError(f"turn {number + 1} is empty")
    return tuple(Turn(texts[i], texts[i + 1]) for i in range(0, len(texts), 2))


def read_records(path: Path) -> Iterator[tuple[int, Any]]:
    """Records of a JSON array or of JSON lines, one at a time, with their number (array) or line (lines) from 1.

    Raises:
        UsageError: no such file, or it is not JSON; names the line.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    try:
        yield from _records(path)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text: {error.reason}") from error


def _records(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open(encoding="utf-8-sig") as file:
        first = file.read(64).lstrip()[:1]
        file.seek(0)
        if first == "[":
            yield from _array(path, file)
            return
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except json.JSONDecodeError as error:
                    raise UsageError(f"{path}:{number}: not JSON: {error.msg}") from error


def _array(path: Path, file: Any) -> Iterator[tuple[int, Any]]:
    """A JSON array element by element: LLaVA's mixtures are one array of gigabytes."""
    decoder, chunk, number = json.JSONDecoder(), _CHUNK, 0
    buffer, at = file.read(_CHUNK).lstrip("\ufeff \t\r\n")[1:], 0
    while True:
        at = _NOTHING.match(buffer, at).end()  # type: ignore[union-attr]  # it matches anything
        if buffer.startswith("]", at):
            return
        try:
            value, end = decoder.raw_decode(buffer, at)
            # A number or a name at the end of a chunk may go on in the next; objects and arrays end by themselves.
            if end == len(buffer) and buffer[-1:] not in "}]":
                raise json.JSONDecodeError("unfinished", buffer, end)
        except json.JSONDecodeError as error:
            more = file.read(chunk)
            if not more:
                raise UsageError(f"{path}: record {number + 1}: not JSON: {error.msg}") from error
            # What is done is dropped once a chunk: after every record it would be copied all over again.
            buffer, at, chunk = buffer[at:] + more, 0, chunk * 2
            continue
        number += 1
        chunk = _CHUNK
        yield number, value
        at = end
