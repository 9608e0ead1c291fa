"""How the tokens of one pass are laid out over stores: rows of their own, and the prefixes of their groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from model_adapters.engine.attention import Grid, PrefixPart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_adapters.engine.rows import Row
    from model_adapters.engine.store import Store

# From how many groups on, and up to how many tokens each, a padded call for all is less than a call a group.
_MANY_GROUPS, _FEW_TOKENS = 4, 64


@dataclass(frozen=True, slots=True)
class Prefix:
    """The keys and values of a group's common beginning: the first `length` tokens of one row of a store.

    What follows is at the position of its place in the row plus `shift`.
    """

    store: Store
    row: int
    length: int
    shift: int = 0


@dataclass(slots=True)
class Seat:
    """A row on its way.

    Attributes:
        row: what is asked.
        group: number of its group.
        prefix: tokens of the group's common beginning.
        shift: what is added to the positions of the tokens after it, for image tokens that share positions.
        store: where its own keys and values lie, in row `place`.
        place: row of the store.
        length: its own tokens that are in the store and count.
        new: generated tokens.
        scores: of its choices so far.
    """

    row: Row
    group: int
    prefix: int
    shift: int = 0
    store: Store | None = None
    place: int = 0
    length: int = 0
    new: list[int] = field(default_factory=list)
    scores: list[tuple[float, ...]] = field(default_factory=list)

    @property
    def position(self) -> int:
        """Position of its next token."""
        return self.prefix + self.length + self.shift


def own_grids(seats: Sequence[Seat], starts: Sequence[int], like: torch.Tensor) -> list[Grid]:
    """Where each seat's next tokens go in its store, and what of it they see.

    Args:
        seats: whose tokens run, packed.
        starts: where each seat's tokens begin, and at the end how many there are.
        like: a tensor of the pass, for type and device.
    """
    by_store: dict[int, list[int]] = {}
    for number, seat in enumerate(seats):
        by_store.setdefault(id(seat.store), []).append(number)
    return [_own_grid(seats, numbers, starts, len(by_store) == 1, like) for numbers in by_store.values()]


def _own_grid(
    seats: Sequence[Seat], numbers: list[int], starts: Sequence[int], alone: bool, like: torch.Tensor
) -> Grid:
    store, device = seats[numbers[0]].store, like.device
    assert store is not None
    counts = [starts[number + 1] - starts[number] for number in numbers]
    width = max(counts)
    length = max(seats[number].length + count for number, count in zip(numbers, counts, strict=True))
    packed: list[int] = []
    queries: list[int] = []
    places: list[int] = []
    history = [0] * store.rows
    for number, count in zip(numbers, counts, strict=True):
        seat = seats[number]
        history[seat.place] = seat.length
        packed += range(starts[number], starts[number + 1])
        queries += range(seat.place * width, seat.place * width + count)
        first = seat.place * store.capacity + seat.length
        places += range(first, first + count)
    bias = None
    if any(history):
        seen = torch.tensor(history, device=device)[:, None] + torch.arange(width, device=device)  # [R, W]
        bias = _bias(torch.arange(length, device=device) > seen[..., None], like.dtype)
    return Grid(
        store=store,
        tokens=None if alone else torch.tensor(packed, device=device),
        queries=None if queries == list(range(store.rows * width)) else torch.tensor(queries, device=device),
        width=width,
        length=length,
        places=torch.tensor(places, device=device),
        bias=bias,
        causal=bias is None,
    )


def prefix_parts(
    seats: Sequence[Seat], starts: Sequence[int], prefixes: Mapping[int, Prefix], like: torch.Tensor
) -> tuple[list[PrefixPart], list[Grid]]:
    """Which tokens see which prefix: group by group, or many groups of few tokens in one grid.

    Args:
        seats: whose tokens run, packed; those of one group stand together.
        starts: where each seat's tokens begin, and at the end how many there are.
        prefixes: by number of the group.
        like: a tensor of the pass, for type and device.
    """
    parts: list[PrefixPart] = []
    for number, seat in enumerate(seats):
        if not seat.prefix:
            continue
        prefix = prefixes[seat.group]
        if parts and parts[-1].stop == starts[number] and seats[number - 1].group == seat.group:
            parts[-1].stop = starts[number + 1]
        else:
            parts.append(PrefixPart(prefix.store, prefix.row, prefix.length, starts[number], starts[number + 1]))
    by_store: dict[int, list[PrefixPart]] = {}
    for part in parts:
        by_store.setdefault(id(part.store), []).append(part)
    grids: list[Grid] = []
    for some in by_store.values():
        # Many groups of few tokens each, as in decoding: one padded call costs less than a call a group.
        if len(some) >= _MANY_GROUPS and max(part.stop - part.start for part in some) <= _FEW_TOKENS:
            grids.append(_prefix_grid(some, like))
            parts = [part for part in parts if part not in some]
    return parts, grids


def _prefix_grid(parts: Sequence[PrefixPart], like: torch.Tensor) -> Grid:
    store, device = parts[0].store, like.device
    width, length = max(part.stop - part.start for part in parts), max(part.length for part in parts)
    lengths = [length] * store.rows
    for part in parts:
        lengths[part.row] = part.length
    bias = None
    if min(lengths) < length:
        ends = torch.tensor(lengths, device=device)[:, None, None]
        bias = _bias(torch.arange(length, device=device) >= ends, like.dtype)
    queries = [part.row * width + turn for part in parts for turn in range(part.stop - part.start)]
    return Grid(
        store=store,
        tokens=torch.tensor([token for part in parts for token in range(part.start, part.stop)], device=device),
        queries=None if queries == list(range(store.rows * width)) else torch.tensor(queries, device=device),
        width=width,
        length=length,
        bias=bias,
    )


def _bias(hidden: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A bias [R, 1, W, length] that hides what is true in [R, W, length]."""
    bias = torch.zeros(hidden.shape, dtype=dtype, device=hidden.device)
    return bias.masked_fill(hidden, -torch.inf)[:, None]
