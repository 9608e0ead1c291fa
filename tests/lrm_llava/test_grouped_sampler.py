"""Batches of one modality and of like length."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrm_llava.training.sampler import GroupedSampler, grouped_order

lengths = st.lists(st.integers(-90, 90).filter(bool), min_size=1, max_size=120).map(np.array)


@settings(max_examples=60, deadline=None)
@given(lengths, st.integers(1, 9), st.integers(0, 3))
def test_no_batch_mixes_samples_with_and_without_an_image_and_every_sample_is_seen(found, batch, epoch) -> None:
    order = grouped_order(found, batch, 1, epoch, pool=2)
    assert len(order) % batch == 0
    signs = np.sign(found[order]).reshape(-1, batch)
    assert (signs == signs[:, :1]).all()
    assert set(order) == set(range(len(found)))
    # Only what fills up the last batch of a modality is seen twice.
    assert len(order) - len(found) < 2 * batch


def test_an_order_is_the_same_for_the_same_seed_and_another_for_another_epoch() -> None:
    found = np.arange(1, 101)
    assert (grouped_order(found, 4, 1, 0) == grouped_order(found, 4, 1, 0)).all()
    assert (grouped_order(found, 4, 1, 0) != grouped_order(found, 4, 1, 1)).any()
    sampler = GroupedSampler(found, 4, 1)
    first = list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) != first and len(sampler) == len(first) == 100


def test_batches_hold_samples_of_like_length() -> None:
    found = np.random.default_rng(1).integers(10, 2000, 6400)
    order = grouped_order(found, 64, 1, 0)
    grouped = found[order].reshape(-1, 64)
    padding = 1 - grouped.sum() / (grouped.max(1) * 64).sum()
    plain = found.reshape(-1, 64)
    assert padding < 0.05 < 1 - plain.sum() / (plain.max(1) * 64).sum()


@pytest.mark.parametrize("sign", [1, -1])
def test_fewer_samples_than_a_batch_fill_it_again(sign: int) -> None:
    assert len(grouped_order(np.array([5, 6]) * sign, 8, 1, 0)) == 8
