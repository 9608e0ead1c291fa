"""Attention of packed tokens: to the tokens before them in their own row, and to the prefix of their group.

The two parts are computed apart and joined by their log-sum-exp, so that a prefix stands in memory once, however many
rows attend to it. Source: the split softmax of FlashAttention (Dao et al. 2022, arXiv 2205.14135, section 3.1), used
over a shared prefix as in Hydragen (Juravsky et al. 2024, arXiv 2402.05099, section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from model_adapters.engine.store import Store

NAME = "lrm_shared_prefix"


@dataclass(slots=True)
class Grid:
    """Tokens of a pass laid out by the rows of one store, padded, to attend to these rows.

    Attributes:
        store: whose keys and values are attended to.
        tokens: which tokens of the pass, [n]; None: all of them.
        queries: flat places in a grid of R x width, [n]; None: the tokens fill it in order.
        width: most tokens of a row.
        length: most keys of a row.
        places: flat places in the store where their own keys and values go, [n]; None: nowhere.
        bias: [R, 1, width or 1, length], 0 or -inf; None: all keys, or causal.
        causal: the tokens are the first ones of their rows, and each sees itself and those before.
    """

    store: Store
    tokens: torch.Tensor | None
    queries: torch.Tensor | None
    width: int
    length: int
    places: torch.Tensor | None = None
    bias: torch.Tensor | None = None
    causal: bool = False


@dataclass(slots=True)
class PrefixPart:
    """Tokens start to stop of a pass attend to the first `length` tokens of one row of a store."""

    store: Store
    row: int
    length: int
    start: int
    stop: int


@dataclass(slots=True)
class Pass:
    """How the tokens of one forward pass see each other.

    Attributes:
        own: where each token's own row lies; every token is in exactly one of them.
        prefix: attention to prefixes by one group after the other; each token is in at most one part.
        prefix_grids: the same for many groups with few tokens each, all of a store at once.
        keys_only: layer of which nothing but keys and values is needed; -1 for none.
    """

    own: list[Grid]
    prefix: list[PrefixPart] = field(default_factory=list)
    prefix_grids: list[Grid] = field(default_factory=list)
    keys_only: int = -1

    def attend(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float
    ) -> torch.Tensor:
        """Attention of query [N, H, D] with new key and value [N, H_kv, D], [N, H, D]."""
        for part in self.own:
            assert part.places is not None
            chosen = (key, value) if part.tokens is None else (key[part.tokens], value[part.tokens])
            part.store.write(layer, part.places, *chosen)
        if layer == self.keys_only:
            return query
        out, lse = self._grids(self.own, layer, query, scale)
        if not self.prefix and not self.prefix_grids:
            return out
        there, there_lse = self._prefix(layer, query, scale)
        # exp(b) / (exp(a) + exp(b)) = sigmoid(b - a)
        weight = torch.sigmoid(there_lse - lse)[..., None]
        return torch.lerp(out.float(), there.float(), weight).to(out.dtype)

    def _prefix(self, layer: int, query: torch.Tensor, scale: float) -> tuple[torch.Tensor, torch.Tensor]:
        out, lse = self._grids(self.prefix_grids, layer, query, scale)
        for part in self.prefix:
            keys, values = part.store.read(layer, part.length, part.row)
            tokens = slice(part.start, part.stop)
            folded = _fold(query[None, tokens], keys.shape[1])
            got, got_lse = attend(folded, keys, values, scale)
            out[tokens] = _unfold(got, part.stop - part.start)[0]
            lse[tokens] = _unfold(got_lse[..., None], part.stop - part.start)[0, ..., 0]
        return out, lse

    @staticmethod
    def _grids(grids: list[Grid], layer: int, query: torch.Tensor, scale: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Attention [N, H, D] and its log-sum-exp [N, H]; 0 and -inf where a token is in none of the grids."""
        if len(grids) == 1 and grids[0].tokens is None:
            return _grid(grids[0], layer, query, scale)
        out, lse = torch.zeros_like(query), query.new_full(query.shape[:2], -torch.inf, dtype=torch.float32)
        for part in grids:
            assert part.tokens is not None
            out[part.tokens], lse[part.tokens] = _grid(part, layer, query[part.tokens], scale)
        return out, lse


def _grid(part: Grid, layer: int, query: torch.Tensor, scale: float) -> tuple[torch.Tensor, torch.Tensor]:
    rows, width = part.store.rows, part.width
    grid = query
    if part.queries is not None:
        grid = query.new_zeros(rows * width, *query.shape[1:])
        grid.index_copy_(0, part.queries, query)
    grid = grid.view(rows, width, *query.shape[1:])  # [R, W, H, D]
    keys, values = part.store.read(layer, part.length)
    groups = query.shape[1] // keys.shape[1]
    if part.causal:
        if groups > 1:
            keys, values = keys.repeat_interleave(groups, 1), values.repeat_interleave(groups, 1)
        out, lse = attend(grid.transpose(1, 2), keys, values, scale, causal=True)
        out, lse = out.transpose(1, 2), lse.transpose(1, 2)
    else:
        bias = part.bias
        if bias is not None and groups > 1 and bias.shape[2] > 1:
            bias = bias.repeat(1, 1, groups, 1)
        got, got_lse = attend(_fold(grid, keys.shape[1]), keys, values, scale, bias)
        out, lse = _unfold(got, width), _unfold(got_lse[..., None], width)[..., 0]
    out, lse = out.reshape(rows * width, *query.shape[1:]), lse.reshape(rows * width, query.shape[1])
    return (out, lse) if part.queries is None else (out[part.queries], lse[part.queries])


def _fold(query: torch.Tensor, kv_heads: int) -> torch.Tensor:
    """[B, T, H, D] -> [B, H_kv, G T, D]: heads that share keys become queries, so that no key is repeated."""
    batch, width, heads, size = query.shape
    return query.view(batch, width, kv_heads, heads // kv_heads, size).permute(0, 2, 3, 1, 4).flatten(2, 3)


def _unfold(folded: torch.Tensor, width: int) -> torch.Tensor:
    """[B, H_kv, G T, D] -> [B, T, H, D]."""
    batch, kv_heads, rows, size = folded.shape
    apart = folded.reshape(batch, kv_heads, rows // width, width, size)
    return apart.permute(0, 3, 1, 2, 4).flatten(2, 3)


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scale: float,
    bias: torch.Tensor | None = None,
    causal: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention and its log-sum-exp, by the device's fused kernel where it has one.

    Args:
        query: [B, H, T, D].
        key: [B, H, S, D].
        value: [B, H, S, D].
        scale: of the scores.
        bias: added to the scores, [B, 1, T or 1, S].
        causal: query t sees keys 0 to t; T is S then.

    Returns:
        [B, H, T, D] and, in float32, [B, H, T].
    """
    if query.device.type == "cpu":
        found = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, 0.0, causal, attn_mask=None if bias is None else bias.to(query.dtype), scale=scale
        )
        return found[0], found[1]
    if bias is None and query.device.type == "cuda" and flash_is_trusted(query.device, query.dtype, query.shape[-1]):
        found = torch.ops.aten._scaled_dot_product_flash_attention(query, key, value, 0.0, causal, False, scale=scale)
        return found[0], found[1]
    return attend_plainly(query, key, value, scale, bias, causal)


def attend_plainly(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scale: float,
    bias: torch.Tensor | None = None,
    causal: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """As `attend`, by matrix products: any device, any type; what the fused kernels are checked against."""
    scores = (query @ key.transpose(-1, -2)).float() * scale
    if bias is not None:
        scores = scores + bias
    if causal:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(later, -torch.inf)
    lse = scores.logsumexp(-1)
    return (scores - lse[..., None]).exp().to(value.dtype) @ value, lse


_trusted: dict[tuple[str, torch.dtype, int], bool] = {}


def flash_is_trusted(device: torch.device, dtype: torch.dtype, size: int) -> bool:
    """Whether the CUDA flash kernel takes heads of this size and agrees with the plain products on a small example.

    The kernel's entry point is internal to PyTorch: a version that changes it must cost speed, never answers.
    """
    wanted = (str(device), dtype, size)
    if wanted not in _trusted:
        _trusted[wanted] = dtype in (torch.float16, torch.bfloat16) and size % 8 == 0 and _agrees(device, dtype, size)
    return _trusted[wanted]


def _agrees(device: torch.device, dtype: torch.dtype, size: int) -> bool:
    numbers = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(1, 2, 64, size, generator=numbers).to(device, dtype) for _ in range(3))
    scale = size**-0.5
    for causal in (False, True):
        try:
            found = torch.ops.aten._scaled_dot_product_flash_attention(q, k, v, 0.0, causal, False, scale=scale)
        except (RuntimeError, TypeError, AttributeError, NotImplementedError):
            return False
        right = attend_plainly(q.float(), k.float(), v.float(), scale, causal=causal)
        near = [torch.allclose(a.float(), b, atol=0.05) for a, b in zip(found[:2], right, strict=True)]
        if not all(near):
            return False
    return True


def _forward(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    shared_pass: Pass | None = None,
    **others: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Transformers' attention interface: query [1, H, N, D], key and value [1, H_kv, N, D] -> [1, N, H, D]."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if shared_pass is None:
        plain: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **others
        )
        return plain
    q, k, v = (part[0].transpose(0, 1).contiguous() for part in (query, key, value))
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return shared_pass.attend(module.layer_idx, q, k, v, scale)[None], None


def register() -> str:
    """Make the attention known to transformers; without a `Pass` it is its SDPA attention, masks included.

    Returns:
        The name for `set_attn_implementation`.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, _forward)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    return NAME
