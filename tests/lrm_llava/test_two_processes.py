"""Two processes (FSDP2, gloo) train what one process trains."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lrm_llava_small_parts import save_small_data, small_training
from safetensors.torch import load_file
from transformers import LlavaForConditionalGeneration

from lrm_eval.errors import UsageError
from lrm_llava.export import export_state
from lrm_llava.training.setup import load_adapted
from lrm_llava.training.trainer import last_checkpoint

pytestmark = pytest.mark.slow

# Eight steps: an epoch has six, of which two are of text alone. One sample at a time, so that steps are accumulated.
STEPS = {"max_steps": 8, "save_every": 4, "micro_batch": 1, "checkpoint_activations": True}
PATIENCE = 900


def command(data: Path, out: Path, *more: str) -> list[str]:
    sets = {"backbone": "vicuna-7b", "vision": "vision", "language": "language", "stage2.batch": 4,
            "stage2.max_length": 256, "stage1.batch": 4, "stage1.micro_batch": 2, "stage1.max_steps": 4,
            "stage1.save_every": 2, "stage1.max_length": 256,
            **{f"stage2.{name}": str(value).lower() for name, value in STEPS.items()}}  # fmt: skip
    changes = [f"--set={name}={value}" for name, value in sets.items()]
    return [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "lrm_llava.cli",
        "train", "--recipe=tiny", "--stage=2", f"--data={data}", f"--out={out}", "--report-to=none", "--device=cpu",
        *changes, *more,
    ]  # fmt: skip


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


def together(data: Path, out: Path, *more: str) -> str:
    done = subprocess.run(
        command(data, out, *more), capture_output=True, text=True, timeout=PATIENCE, env=environment(), check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stderr


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return save_small_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def alone(data, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("alone")
    small_training(1, data, out)
    small_training(2, data, out, **STEPS)
    return out


@pytest.fixture(scope="module")
def both(data, alone, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("both")
    (out / "stage1").symlink_to(alone / "stage1")
    told = together(data, out)
    # The first process speaks for both.
    assert told.count("stage 2: training projector, language") == 1
    return out


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def lines(out: Path) -> list[dict]:
    return [line for line in json.loads((out / "stage2" / "final" / "log.json").read_text()) if "loss" in line]


def test_losses_gradients_and_weights_are_those_of_one_process(alone, both) -> None:
    one, two = lines(alone), lines(both)
    assert len(one) == len(two) == 8
    for left, right in zip(one, two, strict=True):
        assert left["loss"] == pytest.approx(right["loss"], abs=1e-5)
        assert left["grad_norm"] == pytest.approx(right["grad_norm"], rel=1e-4)
    before = weights(alone / "stage1" / "final")
    left, right = weights(alone / "stage2" / "final"), weights(both / "stage2" / "final")
    assert left.keys() == right.keys()
    for name, value in left.items():
        assert torch.allclose(value, right[name], atol=1e-5), name
    assert any((value - before[name]).abs().max() > 1e-3 for name, value in left.items())  # they did learn


def test_a_checkpoint_of_two_processes_loads_as_a_plain_llava(both) -> None:
    folder = both / "stage2" / "checkpoint-4"
    # Each of the two wrote its part of the optimizer's state: they were sharded, and not two copies of one model.
    assert len(list((folder / "optimizer_0").glob("*.distcp"))) == 2 and not (folder / "optimizer.pt").exists()
    _, info = LlavaForConditionalGeneration.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]


def test_two_processes_go_on_from_their_checkpoint_bit_for_bit(data, alone, both, tmp_path) -> None:
    (tmp_path / "stage1").symlink_to(alone / "stage1")
    (tmp_path / "stage2").mkdir()
    shutil.copy(both / "stage2" / "recipe.json", tmp_path / "stage2")
    shutil.copytree(both / "stage2" / "checkpoint-4", tmp_path / "stage2" / "checkpoint-4")
    assert "checkpoint-4" in together(data, tmp_path)
    again = weights(tmp_path / "stage2" / "final")
    assert all(torch.equal(again[name], value) for name, value in weights(both / "stage2" / "final").items())


def test_one_process_does_not_go_on_with_half_of_what_two_saved(data, alone, both, tmp_path) -> None:
    (tmp_path / "stage1").symlink_to(alone / "stage1")
    (tmp_path / "stage2").mkdir()
    shutil.copy(both / "stage2" / "recipe.json", tmp_path / "stage2")
    shutil.copytree(both / "stage2" / "checkpoint-4", tmp_path / "stage2" / "checkpoint-4")
    with pytest.raises(UsageError, match=r"saved by several processes .*go on with torchrun"):
        small_training(2, data, tmp_path, **STEPS)


def test_a_stop_ends_both_after_the_same_step_with_a_whole_checkpoint(data, alone, tmp_path) -> None:
    (tmp_path / "stage1").symlink_to(alone / "stage1")
    asked = command(data, tmp_path, "--set=stage2.max_steps=100000", "--set=stage2.save_every=100000")
    said = []
    with subprocess.Popen(
        asked, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(), bufsize=1
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            said.append(line)
            if "loss " in line:
                break
        running.terminate()
        said += running.stdout.readlines()
        assert running.wait(timeout=PATIENCE) != 0
    found = re.search(r"stopped at step (\d+) of 100000, saved", "".join(said))
    assert found, "".join(said)[-6000:]
    assert last_checkpoint(tmp_path / "stage2") == tmp_path / "stage2" / f"checkpoint-{found[1]}"


def test_adapters_are_trained_evaluated_and_merged_by_two_processes(data, alone, tmp_path) -> None:
    pytest.importorskip("peft", reason="peft is not installed: pip install -c constraints.txt peft")
    (tmp_path / "stage1").symlink_to(alone / "stage1")
    asked = ("--set=stage2.lora.rank=4", "--set=stage2.lora.dropout=0.0")
    # Both gather the weights, one asks the questions.
    together(data, tmp_path, *asked, "--eval-every=4", "--eval-tasks=tiny-pope", "--eval-limit=4")
    log = json.loads((tmp_path / "stage2" / "final" / "log.json").read_text())
    assert [line["step"] for line in log if "eval_tiny-pope_en" in line] == [4, 8]
    before, after = weights(alone / "stage1" / "final"), weights(tmp_path / "stage2" / "final")
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert any(name.startswith("language_model.") for name in changed)
    assert all("_proj" in name or "multi_modal_projector" in name for name in changed)
    adapted, _ = load_adapted(tmp_path / "stage2" / "checkpoint-8")
    assert all(torch.equal(after[name], value) for name, value in export_state(adapted).items())
