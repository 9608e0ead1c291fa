"""A model whose layers lie on several devices. On a machine without GPUs these are its memory and its disk."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from tiny_checkpoint import ragged_requests

from lrm_eval.errors import UsageError
from model_adapters import llava_loading, load_model, resolve_model
from model_adapters.devices import device_memory, is_spread, placement

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.types import Response

# accelerate moves tensors between the two by hooks on each module, as it does between two GPUs.
MEMORY_AND_DISK = {
    "model.vision_tower": "disk",
    "model.multi_modal_projector": "cpu",
    "model.language_model": "cpu",
    "lm_head": "disk",
}


def answers(folder: Path, **options: object) -> tuple[dict[str, Response], str]:
    adapter = load_model(resolve_model(f"hf:{folder}"), dtype="float32", **options)  # type: ignore[arg-type]
    try:
        found = {response.key: response for response in adapter.generate(ragged_requests(choices=("yes", "no")))}
        return found, str(adapter.settings()["engine"])
    finally:
        adapter.close()


def test_a_spread_model_gives_the_answers_of_one_device(llava_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, engine = answers(llava_folder)
    assert engine == "shared"
    monkeypatch.setattr(llava_loading, "placement", lambda device, device_map: MEMORY_AND_DISK)
    spread, engine = answers(llava_folder, device_map="auto")
    assert engine == "plain"
    assert {key: one.text for key, one in spread.items()} == {key: one.text for key, one in whole.items()}
    for key, one in spread.items():
        for mine, theirs in zip(one.choices, whole[key].choices, strict=True):
            assert mine.logprob_sum == pytest.approx(theirs.logprob_sum, abs=1e-4)


def test_the_shared_engine_cannot_be_asked_for(llava_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llava_loading, "placement", lambda device, device_map: MEMORY_AND_DISK)
    with pytest.raises(UsageError, match="engine 'shared' cannot be had: its layers lie on several devices"):
        answers(llava_folder, device_map="auto", engine="shared")


def test_without_a_gpu_auto_is_the_cpu(llava_folder: Path) -> None:
    assert placement("cpu", "auto") == placement("cpu", "one") == {"": "cpu"}
    assert placement("cuda:0", "auto") == "auto"
    assert placement("cuda:1", "one") == {"": "cuda:1"}
    _, engine = answers(llava_folder, device="auto", device_map="auto")
    assert engine == "shared"


def test_a_map_and_one_device_exclude_each_other(llava_folder: Path) -> None:
    with pytest.raises(UsageError, match="--device-map auto spreads a model over all GPUs: leave out --device cuda:1"):
        answers(llava_folder, device="cuda:1", device_map="auto")
    with pytest.raises(UsageError, match="unknown device map 'balanced'"):
        answers(llava_folder, device_map="balanced")


def test_memory_is_that_of_all_devices_that_hold_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    sizes = {0: 80, 1: 40, 2: 24}
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: SimpleNamespace(total_memory=sizes[number]))
    one = SimpleNamespace(hf_device_map={"": torch.device("cuda:1")})
    two = SimpleNamespace(hf_device_map={"a": 0, "b": 2, "c": "cpu"})
    assert device_memory("cuda:1", one) == 40
    assert device_memory("cuda:0", two) == 104
    assert device_memory("cuda:2", SimpleNamespace()) == 24
    assert device_memory("cpu", two) is None
    assert (is_spread(one), is_spread(two), is_spread(SimpleNamespace())) == (False, True, False)
