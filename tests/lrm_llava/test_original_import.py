"""Original-format checkpoints: the same logits as computed from the original layout by hand."""

import json
from pathlib import Path

import pytest
import torch
from lrm_llava_small_parts import llama_like_tokenizer, save_language, save_vision
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionModel, LlamaForCausalLM

from lrm_eval.errors import UsageError
from lrm_llava.importing import import_checkpoint


@pytest.fixture
def original(tmp_path) -> Path:
    """A checkpoint as haotian-liu/LLaVA saves one: Llama's names, model.mm_projector.{0,2}, the tower only named."""
    vision = save_vision(tmp_path / "vision", layers=3)
    folder = save_language(tmp_path / "llava", llama_like_tokenizer())
    generator = torch.Generator().manual_seed(3)
    weights = load_file(folder / "model.safetensors")
    for name, shape in (("0.weight", (32, 16)), ("0.bias", (32,)), ("2.weight", (32, 32)), ("2.bias", (32,))):
        weights[f"model.mm_projector.{name}"] = torch.randn(*shape, generator=generator) / 4
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "llava", "architectures": ["LlavaLlamaForCausalLM"], "mm_vision_tower": str(vision),
        "mm_projector_type": "mlp2x_gelu", "mm_vision_select_layer": -2, "mm_vision_select_feature": "patch",
        "mm_hidden_size": 16, "image_aspect_ratio": "pad",
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def by_hand(
    folder: Path, tower_folder: Path, pixels: torch.Tensor, before: list[int], after: list[int]
) -> torch.Tensor:
    """Logits straight from the original layout (llava_arch.py: encode_images, prepare_inputs_labels_for_multimodal)."""
    weights = load_file(folder / "model.safetensors")
    hidden = CLIPVisionModel.from_pretrained(tower_folder)(pixels, output_hidden_states=True).hidden_states[-2][:, 1:]
    first = hidden @ weights["model.mm_projector.0.weight"].T + weights["model.mm_projector.0.bias"]
    projected = torch.nn.functional.gelu(first) @ weights["model.mm_projector.2.weight"].T
    projected = projected + weights["model.mm_projector.2.bias"]
    table = weights["model.embed_tokens.weight"]
    embeds = torch.cat([table[before], projected[0], table[after]])[None]
    config = json.loads((folder / "config.json").read_text())
    keep = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
            "num_key_value_heads", "max_position_embeddings", "tie_word_embeddings")  # fmt: skip
    from transformers import LlamaConfig

    language = LlamaForCausalLM(LlamaConfig(**{name: config[name] for name in keep}))
    language.load_state_dict({name: value for name, value in weights.items() if "mm_projector" not in name})
    return language.eval()(inputs_embeds=embeds).logits


@torch.no_grad()
def test_the_imported_model_gives_the_original_layouts_logits(original) -> None:
    model, processor = import_checkpoint(original)
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    before, after = [1, 300, 301], [302, 303, 304, 305]
    wanted = by_hand(original, original.parent / "vision", pixels, before, after)
    image = model.config.image_token_id
    found = model.eval()(input_ids=torch.tensor([[*before, *[image] * 16, *after]]), pixel_values=pixels).logits
    torch.testing.assert_close(found[..., : wanted.shape[-1]], wanted, atol=1e-5, rtol=1e-5)
    assert processor.chat_template.startswith("{#- Source: haotian-liu/LLaVA")


@torch.no_grad()
def test_a_checkpoints_own_tower_replaces_the_one_its_config_names(original) -> None:
    # ShareGPT4V trained the tower's last layers and saves it under model.vision_tower.vision_tower.
    weights = load_file(original / "model.safetensors")
    tower = CLIPVisionModel.from_pretrained(original.parent / "vision")
    own = {name.removeprefix("vision_model."): value + 0.01 for name, value in tower.state_dict().items()}
    named = {f"model.vision_tower.vision_tower.vision_model.{name}": value for name, value in own.items()}
    save_file({**weights, **named}, original / "model.safetensors", metadata={"format": "pt"})
    model, _ = import_checkpoint(original)
    state = {name.removeprefix("vision_model."): v for name, v in model.model.vision_tower.state_dict().items()}
    assert all(torch.equal(state[name], value) for name, value in own.items())


def test_pickled_weights_are_read_only_when_allowed(original) -> None:
    torch.save(load_file(original / "model.safetensors"), original / "pytorch_model.bin")
    (original / "model.safetensors").unlink()
    with pytest.raises(UsageError, match="--allow-pickle"):
        import_checkpoint(original)
    assert import_checkpoint(original, allow_pickle=True)[0].config.model_type == "llava"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "gpt2"}, "not an original-format LLaVA"),
        ({"mm_projector_type": "linear"}, "only mlp2x_gelu"),
        ({"mm_vision_select_feature": "cls_patch"}, "'cls_patch', not patch"),
        ({"mm_vision_tower": "/nowhere/at/all"}, "vision tower /nowhere/at/all"),
        ({"hidden_size": 64}, "config.json says"),
        ({"num_hidden_layers": 3}, "weights are missing"),
    ],
)
def test_what_cannot_be_imported_is_one_line(original, change: dict, words: str) -> None:
    config = json.loads((original / "config.json").read_text())
    (original / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(UsageError, match=words) as caught:
        import_checkpoint(original)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_without_projector_and_a_damaged_one_are_refused(original) -> None:
    weights = load_file(original / "model.safetensors")
    save_file({k: v for k, v in weights.items() if "mm_projector" not in k}, original / "model.safetensors")
    with pytest.raises(UsageError, match="no projector"):
        import_checkpoint(original)
    (original / "model.safetensors").write_bytes(b"rubbish")
    with pytest.raises(UsageError, match="cannot be read"):
        import_checkpoint(original)
