"""`lrm-llava data check`: what is wrong with shards, and what of them is in a benchmark."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_eval.fidelity.identify import answer_language
from lrm_llava.conversations import Conversation, RecordError, parse_record
from lrm_llava.data.contamination import Benchmark, image_hash
from lrm_llava.data.shards import Picture, samples_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

CHUNK = 512  # records whose images are opened at once
EXAMPLES = 5


@dataclass
class Findings:
    """What was found.

    Attributes:
        samples: records read.
        images: image files opened.
        faults: by kind, how many.
        examples: by kind, the first places.
    """

    samples: int = 0
    images: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, place: str, detail: str = "") -> None:
        """Count a fault and keep the first few places."""
        self.faults[kind] += 1
        if len(self.examples[kind]) < EXAMPLES:
            self.examples[kind].append(f"{place}: {detail}" if detail else place)

    def to_json(self) -> dict[str, Any]:
        """For check.json."""
        return {
            "samples": self.samples, "images": self.images, "faults": dict(self.faults.most_common()),
            "examples": dict(self.examples),
        }  # fmt: skip


def check_shards(
    shards: Sequence[Path], images: Path, benchmarks: Sequence[Benchmark] = (),
    advance: Callable[[int], None] = lambda _: None, workers: int = 4,
) -> Findings:  # fmt: skip
    """Read every record once.

    Kinds of faults: "record" (cannot be trained on), "missing image", "broken image", "wrong language" (an answer is
    identified as another language than its record says), "duplicate" (image and text seen before),
    "same turn twice" (a question repeated within a record), and for each benchmark "<task>: image" and
    "<task>: image and question".

    Args:
        shards: JSON lines or WebDataset tars.
        images: what image paths in JSON lines are relative to.
        benchmarks: what to compare with.
        advance: takes the number of records done since the last call.
        workers: threads that open images.

    Raises:
        UsageError: no shards, or one that is empty or no tar.
    """
    if not shards:
        raise UsageError("no shards (*.jsonl, *.tar) to check; `lrm-llava data build` makes them")
    found = Findings()
    seen: set[bytes] = set()
    hashes: dict[str, int | str] = {}
    with ThreadPoolExecutor(workers) as pool:
        for chunk in _chunks(shards, images):
            # In tars an image lies beside each of its samples: one of them is looked at.
            pictures = {one.image: picture for _, one, picture in chunk if isinstance(one, Conversation) and one.image}
            new = sorted(name for name in pictures if name not in hashes)
            for name, value in zip(new, pool.map(_look, (pictures[name] for name in new)), strict=True):
                hashes[name] = value
                found.images += 1
            for place, one, _ in chunk:
                found.samples += 1
                if isinstance(one, RecordError):
                    found.add("record", place, str(one))
                    continue
                _check_text(one, place, seen, found)
                if one.image is not None:
                    _check_image(one, place, hashes[one.image], benchmarks, found)
            advance(len(chunk))
    return found


def _chunks(
    shards: Sequence[Path], images: Path
) -> Iterator[list[tuple[str, Conversation | RecordError, Picture | None]]]:
    def records() -> Iterator[tuple[str, Conversation | RecordError, Picture | None]]:
        for shard in shards:
            for line, record, picture in samples_of(shard, images):
                try:
                    if isinstance(record, RecordError):
                        raise record
                    yield f"{shard}:{line}", parse_record(record), picture
                except RecordError as error:
                    yield f"{shard}:{line}", error, None

    stream = records()
    while chunk := list(islice(stream, CHUNK)):
        yield chunk


def _check_text(one: Conversation, place: str, seen: set[bytes], found: Findings) -> None:
    content = json.dumps([one.image, [[turn.question, turn.answer] for turn in one.turns]], ensure_ascii=False)
    digest = hashlib.blake2b(content.encode(), digest_size=12).digest()
    if digest in seen:
        found.add("duplicate", place)
    seen.add(digest)
    questions = [turn.question for turn in one.turns]
    if len(set(questions)) < len(questions):
        found.add("same turn twice", place)
    # EP-VQA's answers begin with English on purpose.
    answers = [turn.answer.rpartition("\n")[2] if one.instruction == "ep_vqa" else turn.answer for turn in one.turns]
    for answer in answers:
        language = answer_language(answer, one.language)
        if language is not None and language != one.language:
            found.add("wrong language", place, f"{answer[:60]!r} is {language}, the record says {one.language}")
            return


def _check_image(
    one: Conversation, place: str, value: int | str, benchmarks: Sequence[Benchmark], found: Findings
) -> None:
    if isinstance(value, str):
        found.add(value, place, str(one.image))
        return
    questions = [line for turn in one.turns for line in (turn.question, turn.question.partition("\n")[0])]
    for benchmark in benchmarks:
        overlap = benchmark.overlap(value, questions)
        if overlap:
            found.add(f"{benchmark.name}: {overlap}", place, str(one.image))


def _look(picture: Picture | None) -> int | str:
    if picture is None or not picture.is_there():
        return "missing image"
    try:
        return image_hash(picture.read())
    except Exception:  # PIL raises what its decoders stumble over
        return "broken image"
