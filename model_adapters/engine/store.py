"""Keys and values of rows of tokens: written by place, read as views."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Store:
    """Keys and values of R rows of at most C tokens, layer by layer; made when a layer first writes.

    Args:
        rows: R.
        capacity: C.
    """

    def __init__(self, rows: int, capacity: int) -> None:
        self.rows, self.capacity = rows, capacity
        self._layers: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def reserve(self, capacity: int) -> None:
        """Make room for more tokens a row; what is there stays. Flat places change."""
        if capacity <= self.capacity:
            return
        old, self.capacity = self.capacity, capacity
        for layer, pair in self._layers.items():
            grown = []
            for flat in pair:
                wide = flat.new_zeros(self.rows, capacity, *flat.shape[1:])
                wide[:, :old] = flat.view(self.rows, old, *flat.shape[1:])
                grown.append(wide.flatten(0, 1))
            self._layers[layer] = grown[0], grown[1]

    def write(self, layer: int, places: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> None:
        """Put keys and values [N, H_kv, D] at flat places [N] (row x C + column)."""
        if layer not in self._layers:
            shape = (self.rows * self.capacity, *key.shape[1:])
            # Zeros: what padding reads must be finite, for 0 x infinity is not 0.
            self._layers[layer] = key.new_zeros(shape), value.new_zeros(shape)
        keys, values = self._layers[layer]
        keys.index_copy_(0, places, key)
        values.index_copy_(0, places, value)

    def read(self, layer: int, length: int, row: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Views of keys and values [R, H_kv, length, D], or [1, H_kv, length, D] of one row. Nothing is copied."""
        rows = slice(None) if row is None else slice(row, row + 1)
        keys, values = (
            flat.view(self.rows, self.capacity, *flat.shape[1:])[rows, :length].transpose(1, 2)
            for flat in self._layers[layer]
        )
        return keys, values
