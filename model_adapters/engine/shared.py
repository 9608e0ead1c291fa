"""Each image's common beginning once, its questions as one packed batch against that cache.

A batch goes through in four steps. Rows that show the same images form a group; what their tokens begin with in common
is read once and its keys and values are kept (`_read_prefixes`). What is left of each prompt runs packed, rows of like
length together, and gives the first answer token of every row (`_read_questions`). Rows that have not ended go on
together, a token a pass (`_go_on`). Choices are scored against what is kept (`_score`). In float32 the tokens are those
of transformers' `generate` with each prompt alone; tests hold it to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from model_adapters.engine.attention import Pass
from model_adapters.engine.grouping import form_groups, length_blocks, same_rows
from model_adapters.engine.layout import Prefix, Seat, own_grids, prefix_parts
from model_adapters.engine.rows import Answer
from model_adapters.engine.store import Store
from model_adapters.engine.trunk import Trunk
from model_adapters.memory import Halving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_adapters.engine.decoder import Decoder
    from model_adapters.engine.grouping import Group
    from model_adapters.engine.rows import Loaded, Row

# Room for answers beyond the prompt when a store is made; it doubles when an answer is longer.
_ROOM = 16
_LOGIT_ROWS = 512


class SharedEngine:
    """The shared-prefix engine. Greedy decoding only.

    Args:
        loaded: the model, of one of `trunk.FAMILIES`.
        rows: most rows at once.
        chunk: most tokens in one forward pass over prompts.
        trunk: runs the language model; by default the one for `trunk.FAMILIES`.
    """

    name = "shared"

    def __init__(self, loaded: Loaded, rows: int, chunk: int, trunk: Trunk | Decoder | None = None) -> None:
        self._loaded, self._chunk = loaded, chunk
        self._trunk = Trunk(loaded.model) if trunk is None else trunk
        self._halving = Halving(rows)
        self._prefixes: dict[int, Prefix] = {}

    @property
    def limit(self) -> int:
        """Most rows at once, as far as memory has shown it by now."""
        return self._halving.limit

    def fits(self, row: Row) -> bool:
        """Whether the row stays within a sliding window, if the model has one."""
        window = self._trunk.window
        longest = max([len(row.ids) + row.budget, *(len(choice.ids) for choice in row.choices)])
        return window is None or longest <= window

    def answer(self, rows: Sequence[Row]) -> list[Answer | None]:
        """An answer a row, in order; None where not even the row alone fits the memory."""
        first = same_rows(rows)
        unique = sorted(set(first))
        asked = [rows[number] for number in unique]
        seats: list[tuple[int, Seat]] = []
        for number, group in enumerate(self._groups(asked)):
            seats += [(unique[place], Seat(asked[place], number, group.prefix)) for place in group.rows]
        try:
            found = self._halving.run(seats, lambda piece: self._piece([seat for _, seat in piece]))
        finally:
            self._prefixes.clear()
        by_number = {number: answer for (number, _), answer in zip(seats, found, strict=True)}
        return [by_number[number] for number in first]

    def _piece(self, seats: Sequence[Seat]) -> list[Answer]:
        done = False
        fresh = [Seat(seat.row, seat.group, seat.prefix) for seat in seats]
        try:
            self._read_prefixes(fresh)
            self._read_questions(fresh)
            self._go_on(fresh)
            self._score(fresh)
            done = True
        finally:
            if not done:
                self._prefixes.clear()
        return [Answer(tuple(seat.new), tuple(seat.scores)) for seat in fresh]

    # Steps ----------------------------------------------------------------------------------------------------

    def _groups(self, rows: Sequence[Row]) -> list[Group]:
        return form_groups(rows, self._loaded.image_token_id)

    def _read_prefixes(self, seats: Sequence[Seat]) -> None:
        needed = {seat.group: seat for seat in seats if seat.prefix}
        self._prefixes = {group: prefix for group, prefix in self._prefixes.items() if group in needed}
        missing = [seat for group, seat in needed.items() if group not in self._prefixes]
        for block in length_blocks([seat.prefix for seat in missing], self._chunk):
            leaders = [missing[number] for number in block]
            store = Store(len(leaders), max(seat.prefix for seat in leaders))
            readers = [Seat(seat.row, seat.group, 0, store=store, place=place) for place, seat in enumerate(leaders)]
            self._forward(readers, [seat.row.ids[: seat.prefix] for seat in leaders], [])
            for place, seat in enumerate(leaders):
                self._prefixes[seat.group] = Prefix(store, place, seat.prefix)

    def _read_questions(self, seats: Sequence[Seat]) -> None:
        lengths = [len(seat.row.ids) - seat.prefix for seat in seats]
        for numbers in length_blocks(lengths, self._chunk):
            # In the order of their groups: what shares a prefix stands together.
            block = [seats[number] for number in sorted(numbers)]
            room = max(min(_ROOM, seat.row.budget) for seat in block)
            store = Store(len(block), lengths[numbers[0]] + room)
            for place, seat in enumerate(block):
                seat.store, seat.place = store, place
            tokens = [seat.row.ids[seat.prefix :] for seat in block]
            keep = [1 if seat.row.budget else 0 for seat in block]
            hidden = self._forward(block, tokens, keep)
            for seat, ids in zip(block, tokens, strict=True):
                seat.length = len(ids)
            asked = [seat for seat in block if seat.row.budget]
            if hidden is not None:
                self._take(asked, hidden)

    def _go_on(self, seats: Sequence[Seat]) -> None:
        active = [seat for seat in seats if self._goes_on(seat)]
        while active:
            for seat in active:
                assert seat.store is not None
                if seat.length >= seat.store.capacity:
                    seat.store.reserve(2 * seat.store.capacity)
            hidden = self._forward(active, [(seat.new[-1],) for seat in active], [1] * len(active))
            for seat in active:
                seat.length += 1
            assert hidden is not None
            self._take(active, hidden)
            active = [seat for seat in active if self._goes_on(seat)]

    def _goes_on(self, seat: Seat) -> bool:
        # What a model says beyond its context is noise and is cut off by the adapter.
        most = min(seat.row.budget, self._loaded.context - len(seat.row.ids))
        return len(seat.new) < most and seat.new[-1] not in self._loaded.end_token_ids

    def _take(self, seats: Sequence[Seat], hidden: torch.Tensor) -> None:
        for start in range(0, len(seats), _LOGIT_ROWS):
            best = self._trunk.logits(hidden[start : start + _LOGIT_ROWS]).argmax(-1).tolist()
            for seat, token in zip(seats[start : start + _LOGIT_ROWS], best, strict=True):
                seat.new.append(token)

    def _score(self, seats: Sequence[Seat]) -> None:
        for turn in range(max((len(seat.row.choices) for seat in seats), default=0)):
            asked = [seat for seat in seats if len(seat.row.choices) > turn]
            choices = [seat.row.choices[turn] for seat in asked]
            for seat in asked:
                assert seat.store is not None
                # From the token before the first that any choice scores: the prompt's last, as a rule. Each choice
                # writes over the one before it, and over what was generated.
                first = min(len(choice.ids) - choice.scored for choice in seat.row.choices) - 1
                seat.length = first - seat.prefix
                seat.store.reserve(max(len(choice.ids) for choice in seat.row.choices) - seat.prefix)
            tokens = [choice.ids[seat.prefix + seat.length : -1] for seat, choice in zip(asked, choices, strict=True)]
            hidden = self._forward(asked, tokens, [choice.scored for choice in choices])
            assert hidden is not None
            targets = [token for choice in choices for token in choice.ids[-choice.scored :]]
            logprobs = self._logprobs(hidden, targets)
            for seat, choice in zip(asked, choices, strict=True):
                seat.scores.append(tuple(logprobs[: choice.scored]))
                del logprobs[: choice.scored]

    def _logprobs(self, hidden: torch.Tensor, targets: list[int]) -> list[float]:
        found: list[float] = []
        for start in range(0, len(targets), _LOGIT_ROWS):
            scores = self._trunk.logits(hidden[start : start + _LOGIT_ROWS])
            wanted = torch.tensor(targets[start : start + _LOGIT_ROWS], device=scores.device)
            found += (scores.gather(-1, wanted[:, None])[:, 0] - scores.logsumexp(-1)).tolist()
        return found

    # One forward pass -----------------------------------------------------------------------------------------

    def _forward(
        self, seats: Sequence[Seat], tokens: Sequence[tuple[int, ...]], keep: Sequence[int]
    ) -> torch.Tensor | None:
        """Run the next tokens of each seat, which follow its `length` tokens in its store.

        Args:
            seats: those of one group stand together.
            tokens: of each seat.
            keep: of how many of each seat's last tokens the final hidden state is wanted.

        Returns:
            Final hidden states [sum of keep, D], in the order of the seats; None if none is wanted.
        """
        device = self._loaded.device
        starts = [0]
        for ids in tokens:
            starts.append(starts[-1] + len(ids))
        positions = [
            position
            for seat, ids in zip(seats, tokens, strict=True)
            for position in range(seat.position, seat.position + len(ids))
        ]
        kept = [
            place
            for number, count in enumerate(keep)
            for place in range(starts[number + 1] - count, starts[number + 1])
        ]
        embeds = self._embedded(seats, tokens)
        how = Pass(own_grids(seats, starts, embeds), *prefix_parts(seats, starts, self._prefixes, embeds))
        return self._trunk.run(
            embeds,
            torch.tensor(positions, device=device),
            how,
            torch.tensor(kept, device=device) if kept else None,
        )

    def _embedded(self, seats: Sequence[Seat], tokens: Sequence[tuple[int, ...]]) -> torch.Tensor:
        image = self._loaded.image_token_id
        ids = torch.tensor([token for some in tokens for token in some], device=self._loaded.device)
        embeds = self._trunk.embed(ids)
        features: list[torch.Tensor] = []
        for seat, some in zip(seats, tokens, strict=True):
            count = some.count(image)
            # An image token that was generated is a token as any other: only those of the prompt hold an image.
            if count and seat.length == 0 and seat.row.features:
                before = seat.row.ids[: seat.prefix].count(image)
                features.append(torch.cat(seat.row.features)[before : before + count])
        if features:
            embeds = embeds.masked_scatter((ids == image)[:, None], torch.cat(features).to(embeds.dtype))
        return embeds
