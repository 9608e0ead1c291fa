"""Training shards on disk: read at random by byte offset, with exact token lengths known before training starts."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lrm_eval.errors import UsageError
from lrm_llava.conversations import Conversation, RecordError, parse_record
from lrm_llava.data.shards import EmptyShardError, Picture, Shard, open_shard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lrm_llava.encoding import ConversationEncoder, Encoded

LENGTHS_VERSION = 2
_TELL_EVERY = 100_000
_IMAGELESS = "with a missing image"


@dataclass(frozen=True)
class Place:
    """Where a record stands, for messages: file and line."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class ConversationData:
    """Conversations in shards, as a map-style data set of encoded samples.

    Only offsets and lengths are held in memory (20 bytes a sample in JSON lines, 44 in WebDataset tars).

    Args:
        shards: JSON lines or WebDataset tars (`lrm-llava data build` writes them).
        images: folder that image paths in JSON lines are relative to; tars hold their images.
        encoder: conversation -> ids and labels.

    Raises:
        UsageError: a shard is missing, or all are empty.
    """

    def __init__(self, shards: Sequence[Path], images: Path, encoder: ConversationEncoder) -> None:
        self.images = images
        self._encoder = encoder
        self._shards: list[Shard] = []
        self._empty: list[EmptyShardError] = []
        for shard in shards:
            try:
                self._shards.append(open_shard(shard, images))
            except EmptyShardError as error:
                self._empty.append(error)
        if not self._shards:
            raise UsageError(f"{self._empty[0]}, like all beside it; `lrm-llava data build` makes them")
        self._starts = np.cumsum([0, *(len(shard) for shard in self._shards)])
        self.lengths = np.zeros(0, dtype=np.int32)  # [N] signed token lengths, negative without an image
        self._kept = np.arange(int(self._starts[-1]))
        self.skipped: Counter[str] = Counter()
        self.dropped_turns = 0

    def __len__(self) -> int:
        return len(self._kept)

    def place(self, index: int) -> Place:
        """File of a sample, and its line (in a tar: its number)."""
        shard, number = self._locate(index)
        return Place(self._shards[shard].path, number + 1)

    def conversation(self, index: int) -> Conversation:
        """The sample as it stands in its shard.

        Raises:
            RecordError: it cannot be trained on.
        """
        shard, number = self._locate(index)
        return parse_record(self._shards[shard].record(number))

    def picture(self, index: int, image: str) -> Picture:
        """Where the image of a sample is."""
        shard, number = self._locate(index)
        return self._shards[shard].picture(number, image)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Encoded sample: ids, labels, image (a `Picture`) or None, and its index."""
        conversation = self.conversation(index)
        encoded = self._encoder.encode(conversation)
        image = None if conversation.image is None else self.picture(index, conversation.image)
        return {"ids": encoded.ids, "labels": encoded.labels, "image": image, "index": index}

    def measure(
        self, cache: Path | None, tell: Callable[[str], None], key: str = "", images_only: bool = False
    ) -> None:
        """Find every sample's exact length, and leave out what cannot be trained on, naming file and line.

        Image files are looked for here, and opened when their batch is made.

        Args:
            cache: folder for the lengths; None to keep none.
            tell: takes one line for each kind of fault the first time, and the counts at the end.
            key: what the lengths depend on beside the shards (tokenizer, template, image tokens, max_length).
            images_only: leave out text alone: where only the projector is trained it teaches nothing.

        Raises:
            UsageError: nothing is left.
        """
        stored = None if cache is None else cache / f"lengths-{self._digest(key)}.npz"
        total = int(self._starts[-1])
        self._kept = np.arange(total)
        if stored is not None and stored.is_file():
            with np.load(stored) as found:
                lengths, turns, imageless = found["lengths"], int(found["dropped_turns"]), found["imageless"]
                reasons = json.loads(str(found["reasons"]))
        else:
            lengths, turns, imageless, reasons = self._measure_all(total, tell)
            if stored is not None:
                stored.parent.mkdir(parents=True, exist_ok=True)
                partial = stored.with_name(f".{stored.name}.partial.npz")
                np.savez(
                    partial, lengths=lengths, dropped_turns=turns, imageless=imageless, reasons=json.dumps(reasons)
                )
                partial.replace(stored)
        turns += self._look_again(lengths, imageless, reasons, tell)
        if images_only and (lengths < 0).any():
            tell(
                f"{int((lengths < 0).sum())} of {total} samples left out: text alone, which teaches a projector nothing"
            )
            lengths = np.maximum(lengths, 0)
        for error in self._empty:
            tell(f"{error} (left out)")
        self._kept = np.flatnonzero(lengths)
        self.lengths = lengths[self._kept]
        self.skipped, self.dropped_turns = Counter(reasons), turns
        if reasons:
            counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
            tell(f"{sum(reasons.values())} of {total} samples left out: {counts}")
        if turns:
            tell(f"{turns} turns dropped at the end of samples over the length limit")
        if not len(self._kept):
            raise UsageError(f"{self._shards[0].path}: not one sample can be trained on")

    def _look_again(self, lengths: Any, imageless: Any, reasons: dict[str, int], tell: Callable[[str], None]) -> int:
        """Samples whose image was not there when they were measured: in if it is now; their dropped turns."""
        turns = 0
        for index, length, dropped in imageless.tolist():
            image = self.conversation(index).image
            if image is not None and self.picture(index, image).is_there():
                lengths[index] = length
                turns += dropped
                continue
            if not reasons.get(_IMAGELESS):
                tell(f"{self.place(index)}: image {image} is missing (left out)")
            reasons[_IMAGELESS] = reasons.get(_IMAGELESS, 0) + 1
        return turns

    def _measure_all(self, total: int, tell: Callable[[str], None]) -> tuple[Any, int, Any, dict[str, int]]:
        """Lengths [N], dropped turns, rows (index, length, dropped turns) without their image, faults by kind."""
        lengths = np.zeros(total, dtype=np.int32)
        reasons: Counter[str] = Counter()
        imageless: list[tuple[int, int, int]] = []
        turns = 0
        for index in range(total):
            if index and index % _TELL_EVERY == 0:
                tell(f"measured {index:,} of {total:,} samples")
            try:
                conversation = self.conversation(index)
                encoded: Encoded = self._encoder.encode(conversation)
                if all(label < 0 for label in encoded.labels):
                    raise RecordError("nothing in it is supervised")
            except RecordError as error:
                reason = _kind(str(error))
                if not reasons[reason]:
                    tell(f"{self.place(index)}: {error} (left out)")
                reasons[reason] += 1
                continue
            if conversation.image is not None and not self.picture(index, conversation.image).is_there():
                imageless.append((index, len(encoded.ids), encoded.dropped_turns))
                continue
            turns += encoded.dropped_turns
            lengths[index] = len(encoded.ids) if conversation.image is not None else -len(encoded.ids)
        return lengths, turns, np.asarray(imageless, dtype=np.int64).reshape(-1, 3), dict(reasons)

    def _locate(self, index: int) -> tuple[int, int]:
        at = int(self._kept[index])
        shard = int(np.searchsorted(self._starts, at, side="right")) - 1
        return shard, at - int(self._starts[shard])

    def _digest(self, key: str) -> str:
        digest = hashlib.sha256(f"{LENGTHS_VERSION}\n{key}\n{self.images}".encode())
        for shard in self._shards:
            digest.update(f"{shard.path.name} {shard.digest()}".encode())
        return digest.hexdigest()[:16]


def _kind(message: str) -> str:
    """The fault without what differs from record to record, so that faults of a kind are counted together."""
    if message.startswith("not JSON"):
        return "not JSON"
    return "where " + "".join("N" if letter.isdigit() else letter for letter in message)
