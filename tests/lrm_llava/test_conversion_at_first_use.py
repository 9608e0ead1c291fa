"""A checkpoint in the original LLaVA's format after `hf:`: converted once, kept, and answered by the LLaVA adapter."""

from __future__ import annotations

import json

import pytest
import torch
from lrm_llava_small_parts import llama_like_tokenizer, save_language, save_vision
from safetensors.torch import load_file, save_file

from lrm_eval.errors import UsageError
from lrm_eval.types import Request, Sample, TextPart
from model_adapters import load_model, resolve_model


@pytest.fixture
def original(tmp_path, monkeypatch):
    """PALO's layout: Llama's names, a projector, the tower only named."""
    monkeypatch.setenv("LRM_EVAL_CACHE", str(tmp_path / "cache"))
    vision = save_vision(tmp_path / "vision", layers=3)
    folder = save_language(tmp_path / "palo", llama_like_tokenizer())
    weights = load_file(folder / "model.safetensors")
    for name, shape in (("0.weight", (32, 16)), ("0.bias", (32,)), ("2.weight", (32, 32)), ("2.bias", (32,))):
        weights[f"model.mm_projector.{name}"] = torch.randn(*shape, generator=torch.Generator().manual_seed(3)) / 4
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "palo", "architectures": ["PaloForCausalLM"], "mm_vision_tower": str(vision),
        "mm_projector_type": "mlp2x_gelu", "mm_vision_select_layer": -2, "torch_dtype": "float32",
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def answered(folder, **options):
    adapter = load_model(resolve_model(f"hf:{folder}"), device="cpu", **options)
    sample = Sample("q", "tiny-mme", "en", "yes_no", "Is it red?", "yes")
    return adapter, next(adapter.generate([Request("q@en", (TextPart("Is it red?"),), sample, 4)]))


def test_it_is_converted_at_first_use_and_kept(original, tmp_path):
    adapter, response = answered(original)
    assert (response.error, adapter.fingerprint()["adapter"]) == (None, "llava")
    (kept,) = (tmp_path / "cache" / "converted").iterdir()
    written = (kept / "model.safetensors").stat().st_mtime_ns
    assert answered(original)[1].text == response.text
    assert (kept / "model.safetensors").stat().st_mtime_ns == written


def test_changed_weights_are_converted_anew(original, tmp_path):
    answered(original)
    weights = load_file(original / "model.safetensors")
    weights["lm_head.weight"] = -weights["lm_head.weight"]
    save_file(weights, original / "model.safetensors", metadata={"format": "pt"})
    answered(original)
    assert len(list((tmp_path / "cache" / "converted").iterdir())) == 2


def test_pickled_weights_are_read_only_when_allowed(original):
    torch.save(load_file(original / "model.safetensors"), original / "pytorch_model.bin")
    (original / "model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"only pickled weights \(\*\.bin\); if you trust their origin, add --allow-"):
        answered(original)
    assert answered(original, allow_pickle=True)[1].error is None
