from __future__ import annotations

import pytest

from lrm_eval.errors import UsageError
from model_adapters import check_device
from model_adapters.memory import auto_batch_size


def no_cuda(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def cards(monkeypatch, count, bf16=True):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16)


def test_without_cuda_it_is_float32_on_the_cpu(monkeypatch):
    no_cuda(monkeypatch)
    assert check_device() == check_device("auto", "auto") == ("cpu", "float32")


def test_with_cuda_it_is_bfloat16_where_the_card_has_it(monkeypatch):
    cards(monkeypatch, 2)
    assert check_device() == ("cuda:0", "bfloat16")
    assert check_device("cuda:1", "fp32") == ("cuda:1", "float32")
    assert check_device("cpu") == ("cpu", "float32")
    cards(monkeypatch, 1, bf16=False)
    assert check_device() == ("cuda:0", "float16")


def test_cuda_that_is_not_there_is_refused(monkeypatch):
    no_cuda(monkeypatch)
    with pytest.raises(UsageError, match=r"device 'cuda': PyTorch .*; use --device cpu"):
        check_device("cuda")


def test_a_card_that_is_not_there_is_refused(monkeypatch):
    cards(monkeypatch, 2)
    with pytest.raises(UsageError, match="cuda:0 to cuda:1"):
        check_device("cuda:2")


def test_names_that_mean_nothing_are_refused_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'cuda'"):
        check_device("cude")
    with pytest.raises(UsageError, match="did you mean 'bfloat16'"):
        check_device("cpu", "bfloat")


LLAMA_7B = {
    "hidden_size": 4096, "num_attention_heads": 32, "num_hidden_layers": 32, "intermediate_size": 11008,
    "vocab_size": 32064,
}  # fmt: skip
TINY = {
    "hidden_size": 128, "num_attention_heads": 4, "num_hidden_layers": 4, "intermediate_size": 256, "vocab_size": 1500,
}  # fmt: skip


def test_the_automatic_batch_grows_with_the_device_and_is_at_least_one():
    sizes = [auto_batch_size(LLAMA_7B, 576, 14 * 10**9, 2, memory * 2**30) for memory in (8, 16, 24, 48, 80)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 1
    assert sizes[-1] == 64
    assert auto_batch_size(LLAMA_7B, 576, 28 * 10**9, 4, None) == 1
    assert auto_batch_size(TINY, 9, 5 * 10**6, 4, None) == 32
