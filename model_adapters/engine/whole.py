"""The shared-prefix engine for any architecture: images are read by the whole model, questions by its decoder.

What a model does with an image (positions in three dimensions, features for several layers, image tokens that see each
other) happens in its own forward, once an image, and what is left of it are keys, values and how far positions moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from model_adapters.engine.decoder import Decoder
from model_adapters.engine.grouping import Group, form_groups
from model_adapters.engine.layout import Prefix
from model_adapters.engine.shared import SharedEngine
from model_adapters.engine.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_adapters.engine.layout import Seat
    from model_adapters.engine.rows import Loaded, Row


class WholeEngine(SharedEngine):
    """`SharedEngine` for the architectures of `decoder.ARCHITECTURES`. Greedy decoding only.

    Args:
        loaded: the model.
        rows: most rows at once.
        chunk: most tokens in one forward pass over questions.

    Attributes:
        images, image_tokens: read so far; an image that is read twice counts twice.
    """

    def __init__(self, loaded: Loaded, rows: int, chunk: int) -> None:
        super().__init__(loaded, rows, chunk, Decoder(loaded.model))
        self.images = self.image_tokens = 0

    def _groups(self, rows: Sequence[Row]) -> list[Group]:
        """As `form_groups`; where an image comes after the common beginning each row is a group of its own."""
        image = self._loaded.image_token_id
        found: list[Group] = []
        for group in form_groups(rows, image):
            if any(image in rows[number].ids[group.prefix :] for number in group.rows):
                for number in group.rows:
                    alone = form_groups([rows[number]], image)[0]
                    found.append(Group((number,), alone.prefix))
            else:
                found.append(group)
        return found

    def _read_prefixes(self, seats: Sequence[Seat]) -> None:
        needed = {seat.group: seat for seat in seats if seat.prefix}
        self._prefixes = {group: prefix for group, prefix in self._prefixes.items() if group in needed}
        for group, seat in needed.items():
            if group not in self._prefixes:
                self._prefixes[group] = self._read(seat.row, seat.prefix)
        for seat in seats:
            if seat.prefix:
                seat.shift = self._prefixes[seat.group].shift

    def _read(self, row: Row, length: int) -> Prefix:
        from transformers import DynamicCache

        device, model = self._loaded.device, self._loaded.model.model
        # Without the model's configuration: a sliding layer's own cache would forget.
        cache = DynamicCache()
        ids = torch.tensor([row.ids[:length]], device=device)  # [1, P]
        inputs = {
            # Types of tokens go with the tokens, pixels stay whole.
            name: (value[:, :length] if name.endswith("token_type_ids") else value).to(
                device, self._loaded.model.dtype if value.is_floating_point() else None
            )
            for name, value in row.inputs.items()
        }
        model(input_ids=ids, attention_mask=torch.ones_like(ids), past_key_values=cache, use_cache=True, **inputs)
        self.images += len(row.images)
        self.image_tokens += row.ids[:length].count(self._loaded.image_token_id)
        store = Store(1, length)
        places = torch.arange(length, device=device)
        for number, layer in enumerate(cache.layers):
            store.write(number, places, layer.keys[0].transpose(0, 1), layer.values[0].transpose(0, 1))
        moved = getattr(model, "rope_deltas", None)
        return Prefix(store, 0, length, int(moved[0]) if moved is not None and row.images else 0)
