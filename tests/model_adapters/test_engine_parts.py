from __future__ import annotations

import pytest
import torch
from tiny_checkpoint import make_request

from model_adapters.engine.attention import Grid, Pass, PrefixPart, attend, attend_plainly
from model_adapters.engine.grouping import form_groups, length_blocks, same_rows, shared_length
from model_adapters.engine.rows import Choice, Row
from model_adapters.engine.store import Store


def row(ids, images=("a",), choices=(), budget=4):
    return Row(make_request("q@en", "?"), "?", tuple(ids), images, (), budget, tuple(choices))


# Grouping -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sequences", "length"),
    [([(1, 2, 3), (1, 2, 4)], 2), ([(1, 2), (1, 2, 3)], 2), ([(1,), (2,)], 0), ([(5, 6)], 2), ([], 0), ([(), (1,)], 0)],
)
def test_the_common_beginning_is_found_by_tokens(sequences, length):
    assert shared_length(sequences) == length


def test_rows_are_grouped_by_their_images_and_not_by_their_tokens():
    rows = [row([9, 9, 1, 2]), row([9, 9, 1, 3], images=("b",)), row([9, 9, 1, 4])]
    groups = form_groups(rows, image_token=9)
    assert [group.rows for group in groups] == [(0, 2), (1,)]
    assert groups[0].prefix == 3


def test_each_row_keeps_a_token_of_its_own():
    groups = form_groups([row([9, 1, 2]), row([9, 1, 2, 3])], image_token=9)
    assert groups[0].prefix == 2


def test_a_row_alone_shares_up_to_its_image():
    assert form_groups([row([7, 9, 9, 1, 2, 3])], image_token=9)[0].prefix == 3
    assert form_groups([row([7, 1, 2], images=())], image_token=9)[0].prefix == 0


def test_a_choice_that_splits_the_prompts_last_tokens_shortens_the_prefix():
    # The choice is tokenised with the prompt and takes its last two tokens with it.
    rows = [row([9, 1, 2, 3, 4]), row([9, 1, 2, 3, 5], choices=[Choice("x", (9, 1, 2, 8), 1)])]
    assert form_groups(rows, image_token=9)[0].prefix == 2


def test_only_rows_that_ask_the_very_same_are_the_same():
    rows = [row([1, 2]), row([1, 2]), row([1, 2], images=("b",)), row([1, 2], budget=5), row([1, 3]), row([1, 2])]
    assert same_rows(rows) == [0, 0, 2, 3, 4, 0]


def test_blocks_hold_like_lengths_and_at_most_so_many_tokens():
    lengths = [10, 11, 40, 9, 38, 100, 5, 4]
    blocks = length_blocks(lengths, most=80)
    assert sorted(n for block in blocks for n in block) == list(range(len(lengths)))
    for block in blocks:
        longest = max(lengths[n] for n in block)
        assert longest == lengths[block[0]]
        assert len(block) == 1 or sum(lengths[n] for n in block) <= 80
        assert all(4 * lengths[n] >= longest for n in block)
    assert blocks[0] == [5]


# Attention ----------------------------------------------------------------------------------------------------


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("causal", [False, True])
def test_the_fused_kernel_agrees_with_plain_products(causal):
    q, k, v = (numbers(2, 3, 40, 16, seed=seed) for seed in range(3))
    for found, right in zip(
        attend(q, k, v, 0.25, None, causal), attend_plainly(q, k, v, 0.25, None, causal), strict=True
    ):
        torch.testing.assert_close(found, right, atol=1e-5, rtol=1e-5)


def test_the_fused_kernel_takes_a_bias_of_one_row_for_all_heads():
    q, k, v = numbers(2, 3, 4, 16), numbers(2, 3, 9, 16, seed=1), numbers(2, 3, 9, 16, seed=2)
    bias = torch.zeros(2, 1, 4, 9).masked_fill(numbers(2, 1, 4, 9, seed=3) > 0.3, -torch.inf)
    bias[..., 0] = 0
    for found, right in zip(attend(q, k, v, 0.25, bias), attend_plainly(q, k, v, 0.25, bias), strict=True):
        torch.testing.assert_close(found, right, atol=1e-5, rtol=1e-5)


def test_plain_products_agree_with_torch():
    q, k, v = (numbers(2, 3, 8, 16, seed=seed) for seed in range(3))
    right = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.25)
    torch.testing.assert_close(attend_plainly(q, k, v, 0.25, causal=True)[0], right)


@pytest.mark.parametrize("heads", [4, 8])
@pytest.mark.parametrize("history", [0, 3])
@pytest.mark.parametrize("grids", [False, True])
def test_prefix_and_own_tokens_together_equal_one_attention_over_both(heads, history, grids):
    """Two groups with prefixes of 7 and 5 tokens, three rows of 4, 2 and 3 new tokens."""
    kv, size, prefixes, counts, group = 4, 16, (7, 5), (4, 2, 3), (0, 0, 1)
    before = numbers(2, 7, kv, size, seed=5), numbers(2, 7, kv, size, seed=6)
    prefix = Store(2, 7)
    prefix.write(0, torch.arange(14), before[0].flatten(0, 1), before[1].flatten(0, 1))
    store = Store(3, 9)
    past = [(numbers(history, kv, size, seed=10 + r), numbers(history, kv, size, seed=20 + r)) for r in range(3)]
    for place, (keys, values) in enumerate(past):
        if history:
            store.write(0, torch.arange(history) + 9 * place, keys, values)
    query, key, value = numbers(9, heads, size), numbers(9, kv, size, seed=1), numbers(9, kv, size, seed=2)
    starts = [0, 4, 6, 9]
    seen = torch.full((3, 1), history) + torch.arange(4)
    bias = torch.zeros(3, 4, history + 4).masked_fill(torch.arange(history + 4) > seen[..., None], -torch.inf)[:, None]
    queries = torch.cat([torch.arange(n) + 4 * r for r, n in enumerate(counts)])
    places = torch.cat([torch.arange(n) + history + 9 * r for r, n in enumerate(counts)])
    own = Grid(store, None, queries, 4, history + 4, places, bias if history else None, causal=not history)
    how = Pass([own], [PrefixPart(prefix, 0, 7, 0, 6), PrefixPart(prefix, 1, 5, 6, 9)])
    if grids:
        # The same, both groups in one call: six and three tokens, seven and five keys.
        unseen = torch.arange(7) >= torch.tensor([7, 5])[:, None, None]
        hidden = torch.zeros(unseen.shape).masked_fill(unseen, -torch.inf)[:, None]
        how = Pass([own], [], [Grid(prefix, torch.arange(9), torch.arange(9), 6, 7, bias=hidden)])
    found = how.attend(0, query, key, value, 0.25)
    for r in range(3):
        length = prefixes[group[r]]
        mine = slice(starts[r], starts[r + 1])
        k, v = (
            torch.cat([before[i][group[r], :length], past[r][i], new[mine]]).transpose(0, 1)[None]
            for i, new in enumerate((key, value))
        )
        k, v = k.repeat_interleave(heads // kv, 1), v.repeat_interleave(heads // kv, 1)
        visible = torch.arange(k.shape[2]) <= (length + history + torch.arange(counts[r]))[:, None]
        mask = torch.zeros(visible.shape).masked_fill(~visible, -torch.inf)[None, None]
        right = attend_plainly(query[mine].transpose(0, 1)[None], k, v, 0.25, mask)[0]
        torch.testing.assert_close(found[mine], right[0].transpose(0, 1), atol=1e-5, rtol=1e-5)


def test_a_store_that_grows_keeps_what_is_in_it():
    store = Store(2, 3)
    keys, values = numbers(4, 2, 8), numbers(4, 2, 8, seed=1)
    store.write(0, torch.tensor([0, 1, 3, 4]), keys, values)
    store.reserve(10)
    found = store.read(0, 2)[0].transpose(1, 2)
    torch.testing.assert_close(found, keys.view(2, 2, 2, 8))


def test_reading_a_prefix_copies_nothing():
    store = Store(2, 3)
    store.write(0, torch.arange(6), numbers(6, 2, 8), numbers(6, 2, 8))
    first, second = store.read(0, 3, 1)[0], store.read(0, 3, 1)[0]
    assert first.data_ptr() == second.data_ptr()
    assert first.shape == (1, 2, 3, 8)
