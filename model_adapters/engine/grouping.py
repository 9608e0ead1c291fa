"""Which rows share what: same images, then the longest beginning that their tokens have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_adapters.engine.rows import Row


@dataclass(frozen=True, slots=True)
class Group:
    """Rows with the same images.

    Attributes:
        rows: their numbers.
        prefix: how many tokens all of them begin with, choices included; every row has at least one more.
    """

    rows: tuple[int, ...]
    prefix: int


def shared_length(sequences: Sequence[tuple[int, ...]]) -> int:
    """Length of the longest common beginning of token sequences."""
    if not sequences:
        return 0
    # What the first and the last in lexical order have in common, all between them have too.
    first, last = min(sequences), max(sequences)
    return next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))


def form_groups(rows: Sequence[Row], image_token: int) -> list[Group]:
    """Rows by the images they show, in the order in which these first appear.

    Args:
        rows: of one batch.
        image_token: id of the image token. A row alone in its group shares nothing; its prefix ends after its last
            image, so that its question runs in one batch with those of other images.
    """
    members: dict[tuple[str, ...], list[int]] = {}
    for number, row in enumerate(rows):
        members.setdefault(row.images, []).append(number)
    return [_group([rows[number] for number in numbers], tuple(numbers), image_token) for numbers in members.values()]


def _group(rows: Sequence[Row], numbers: tuple[int, ...], image_token: int) -> Group:
    # One token of each row must be left to ask for the next one, and one before each choice.
    ends = [len(row.ids) - 1 for row in rows]
    ends += [len(choice.ids) - choice.scored - 1 for row in rows for choice in row.choices]
    if len(rows) == 1:
        ids = rows[0].ids
        after_image = len(ids) - ids[::-1].index(image_token) if image_token in ids else 0
        return Group(numbers, min(after_image, *ends))
    sequences = [row.ids for row in rows] + [choice.ids for row in rows for choice in row.choices]
    return Group(numbers, min(shared_length(sequences), *ends))


def same_rows(rows: Sequence[Row]) -> list[int]:
    """For each row the number of the first row that asks the very same; its own number if there is none before."""
    first: dict[tuple[object, ...], int] = {}
    return [
        first.setdefault((row.images, row.ids, row.budget, tuple(c.ids for c in row.choices)), number)
        for number, row in enumerate(rows)
    ]


def length_blocks(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Numbers of rows in blocks of like length, longest first.

    Args:
        lengths: of the rows.
        most: tokens in a block; a longer row is a block of its own.

    Returns:
        Blocks of at most `most` tokens in which no row is shorter than a quarter of the longest: rows run packed, only
        their attention to themselves and what they store are padded.
    """
    blocks: list[list[int]] = []
    held = 0
    for number in sorted(range(len(lengths)), key=lambda n: (-lengths[n], n)):
        held += lengths[number]
        if blocks and held <= most and 4 * lengths[number] >= lengths[blocks[-1][0]]:
            blocks[-1].append(number)
        else:
            blocks.append([number])
            held = lengths[number]
    return blocks
