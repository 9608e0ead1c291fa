"""Adapters: what they change, that they go on exactly, and that a merged model says the same."""

import importlib
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lrm_llava_small_parts import save_small_data, small_recipe, small_training
from safetensors.torch import load_file

from lrm_eval.errors import RunError, UsageError
from lrm_llava.exchange import export_checkpoint
from lrm_llava.lora import inject, merge, read_adapter_checkpoint, scale_of
from lrm_llava.recipes import Lora, load_recipe
from lrm_llava.training import train as training
from lrm_llava.training.setup import load_adapted, load_checkpoint

pytest.importorskip("peft", reason="peft is not installed: pip install -c constraints.txt peft")

LORA = Lora(rank=4, alpha=8.0, dropout=0.1)


def adapted(lora: Lora = LORA):
    found = small_recipe()
    return replace(found, stage2=replace(found.stage2, lora=lora, learning_rate=1e-2))


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return save_small_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out")
    small_training(1, data, out)
    told: list[str] = []
    small_training(2, data, out, told, found=adapted())
    assert any(line.startswith("stage 2: training projector, adapters of rank 4: ") for line in told)
    return out


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def logits(model) -> torch.Tensor:
    ids = torch.tensor([[1, *[model.config.image_token_id] * 16, 5, 6]])
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found: torch.Tensor = model.eval()(input_ids=ids, pixel_values=pixels).logits
    return found


def test_the_finished_model_differs_in_projector_and_the_adapted_matrices_alone(trained) -> None:
    before, after = weights(trained / "stage1" / "final"), weights(trained / "stage2" / "final")
    assert before.keys() == after.keys()  # a plain LLaVA: nothing of adapters in it
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert changed == {
        name for name in after
        if name.startswith("multi_modal_projector.") or (name.startswith("language_model.") and "_proj." in name)
    }  # fmt: skip


def test_a_checkpoint_holds_the_adapters_the_projector_and_where_they_belong(trained) -> None:
    folder = trained / "stage2" / "checkpoint-4"
    kept = load_file(folder / "trained.safetensors")
    assert {name.split(".")[-3 if "lora" in name else -2] for name in kept} == {
        "lora_A", "lora_B", "linear_1", "linear_2",
    }  # fmt: skip
    assert not (folder / "model.safetensors").exists()
    assert read_adapter_checkpoint(folder) == ((trained / "stage1" / "final").resolve(), LORA)


def test_a_merged_export_says_what_the_adapters_say(trained, tmp_path) -> None:
    checkpoint = trained / "stage2" / "checkpoint-4"
    with_adapters, _ = load_adapted(checkpoint)
    assert scale_of(with_adapters) == 2.0
    export_checkpoint(checkpoint, tmp_path / "out", "float32")
    plain, _ = load_checkpoint(tmp_path / "out")
    base, _ = load_checkpoint(trained / "stage1" / "final")
    said = logits(with_adapters)
    assert torch.allclose(said, logits(plain), atol=1e-5)
    assert not torch.allclose(said, logits(base), atol=1e-3)
    final = weights(trained / "stage2" / "final")
    assert all(torch.equal(final[name], value) for name, value in weights(tmp_path / "out").items())


def test_merging_is_that_of_peft(trained) -> None:
    model, _ = load_adapted(trained / "stage2" / "checkpoint-4")
    ours = merge(model.state_dict(), 2.0)
    tuners = importlib.import_module("peft.tuners.lora")
    for name, module in model.named_modules():
        if isinstance(module, tuners.LoraLayer):
            module.merge()
            assert torch.allclose(ours[f"{name}.weight"], module.base_layer.weight, atol=1e-7)


def test_two_and_two_steps_equal_four_bit_for_bit(data, trained, tmp_path, monkeypatch) -> None:
    (tmp_path / "stage1").symlink_to(trained / "stage1")
    end = training.CleanStop.on_step_end

    def stop_at_two(self, args, state, control, **more):
        if state.global_step == 2 and not self.stopped:
            os.kill(os.getpid(), signal.SIGTERM)
        return end(self, args, state, control, **more)

    with monkeypatch.context() as patch:
        patch.setattr(training.CleanStop, "on_step_end", stop_at_two)
        with pytest.raises(RunError, match="stopped at step 2 of 4"):
            small_training(2, data, tmp_path, found=adapted())
    again = weights(small_training(2, data, tmp_path, found=adapted()))
    assert all(torch.equal(again[name], value) for name, value in weights(trained / "stage2" / "final").items())


def test_fresh_adapters_change_nothing(trained) -> None:
    model, _ = load_checkpoint(trained / "stage1" / "final")
    before = logits(model)
    inject(model, LORA, 1)
    assert torch.equal(logits(model), before)


def test_adapters_are_set_from_the_command_line() -> None:
    found = load_recipe("paper-13b", ["stage2.lora.rank=128", "stage2.lora.alpha=64"])
    assert found.stage2.lora == Lora(rank=128, alpha=64.0)


def test_adapters_where_the_language_model_is_not_trained_are_refused(data, tmp_path) -> None:
    with pytest.raises(UsageError, match=r"stage1.lora.rank=4: stage 1 does not train the language model"):
        small_training(1, data, tmp_path, lora=LORA)


def test_a_checkpoint_of_adapters_is_no_model_to_start_from(data, trained, tmp_path) -> None:
    with pytest.raises(UsageError, match=r"holds adapters; `lrm-llava export .* OUT` merges them"):
        load_checkpoint(trained / "stage2" / "checkpoint-4")


@pytest.mark.parametrize("lora", [Lora(rank=-1), Lora(rank=4, alpha=0.0), Lora(rank=4, dropout=1.0)])
def test_numbers_that_make_no_adapter_are_refused(data, trained, tmp_path, lora) -> None:
    (tmp_path / "stage1").symlink_to(trained / "stage1")
    with pytest.raises(UsageError, match="make no adapter"):
        small_training(2, data, tmp_path, found=adapted(lora))


def test_without_peft_it_says_what_to_install(data, trained, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    (tmp_path / "stage1").symlink_to(trained / "stage1")
    with pytest.raises(UsageError, match="the package peft is not installed; `pip install peft`"):
        small_training(2, data, tmp_path, found=adapted())


def test_adapters_that_do_not_fit_their_model_are_named(trained, tmp_path) -> None:
    folder = tmp_path / "checkpoint-4"
    folder.mkdir()
    for name in ("lora.json", "trained.safetensors"):
        (folder / name).write_bytes((trained / "stage2" / "checkpoint-4" / name).read_bytes())
    (folder / "trained.safetensors").write_bytes(b"no tensors")
    with pytest.raises(UsageError, match=r"trained.safetensors: cannot be read"):
        load_adapted(folder)
    (folder / "lora.json").write_text("{}")
    with pytest.raises(UsageError, match=r"lora.json: cannot be read"):
        load_adapted(folder)
