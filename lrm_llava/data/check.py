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
from lrm_llava.conversations import Conversation, RecordError, parse_record, read_records
from lrm_llava.data.contamination import Benchmark, image_hash

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
        shards: JSONL files.
        images: what image paths are relative to.
        benchmarks: what to compare with.
        advance: takes the number of records done since the last call.
        workers: threads that open images.

    Raises:
        UsageError: no shards, or one that is not JSON.
    """
    if not shards:
        raise UsageError("no shards (*.jsonl) to check; `lrm-llava data build` makes them")
    found = Findings()
    seen: set[bytes] = set()
    hashes: dict[str, int | str] = {}
    with ThreadPoolExecutor(workers) as pool:
        for chunk in _chunks(shards):
            names = {one.image for _, one in chunk if isinstance(one, Conversation) and one.image is not None}
            new = sorted(name for name in names if name not in hashes)
            for name, value in zip(new, pool.map(lambda name: _look(images / name), new), strict=True):
                hashes[name] = value
                found.images += 1
            for place, one in chunk:
                found.samples += 1
                if isinstance(one, RecordError):
                    found.add("record", place, str(one))
                    continue
                _check_text(one, place, seen, found)
                if one.image is not None:
                    _check_image(one, place, hashes[one.image], benchmarks, found)
            advance(len(chunk))
    return found


def _chunks(shards: Sequence[Path]) -> Iterator[list[tuple[str, Conversation | RecordError]]]:
    def records() -> Iterator[tuple[str, Conversation | RecordError]]:
        for shard in shards:
            for line, record in read_records(shard):
                try:
                    yield f"{shard}:{line}", parse_record(record)
                except RecordError as error:
                    yield f"{shard}:{line}", error

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


def _look(path: Path) -> int | str:
    try:
        return image_hash(path.read_bytes())
    except FileNotFoundError:
        return "missing image"
    except Exception:  # PIL raises what its decoders stumble over
        return "broken image"
