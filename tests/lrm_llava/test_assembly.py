"""The model from its parts."""

import pytest
import torch
from lrm_llava_small_parts import llama_like_tokenizer, save_language, save_vision
from safetensors.torch import load_file
from transformers import LlamaForCausalLM, LlavaForConditionalGeneration, LlavaProcessor
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from lrm_eval.errors import UsageError
from lrm_llava.assembly import assemble, components, is_checkpoint, set_trainable
from lrm_llava.backbones import load_backbone
from lrm_llava.export import export_model, export_state


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    root = tmp_path_factory.mktemp("parts")
    return save_vision(root / "vision"), save_language(root / "language", llama_like_tokenizer())


@pytest.fixture(scope="module")
def assembled(parts):
    return assemble(str(parts[0]), str(parts[1]), load_backbone("vicuna-7b"))


def test_the_parts_keep_their_weights(parts, assembled) -> None:
    model, _ = assembled
    tower = load_file(parts[0] / "model.safetensors")
    own = model.model.vision_tower.state_dict()
    assert all(torch.equal(own[name.removeprefix("vision_model.")], value) for name, value in tower.items()
               if name.removeprefix("vision_model.") in own)  # fmt: skip
    language = LlamaForCausalLM.from_pretrained(parts[1])
    rows = language.config.vocab_size
    assert torch.equal(model.model.language_model.embed_tokens.weight[:rows], language.model.embed_tokens.weight)
    assert torch.equal(model.lm_head.weight[:rows], language.lm_head.weight)


def test_image_and_pad_are_the_first_tokens_after_the_vocabulary_and_the_table_is_padded(parts, assembled) -> None:
    # llava-hf/llava-1.5-7b-hf: <image> 32000, <pad> 32001 after Llama's 32000, table of 32064 = 501 * 64 rows.
    model, processor = assembled
    before = len(llama_like_tokenizer())
    assert processor.tokenizer.convert_tokens_to_ids(["<image>", "<pad>"]) == [before, before + 1]
    assert model.config.image_token_id == before
    assert model.get_input_embeddings().num_embeddings % 64 == 0
    assert model.lm_head.out_features == model.get_input_embeddings().num_embeddings


def test_images_are_padded_to_a_square_as_llava_does(assembled) -> None:
    assert isinstance(assembled[1].image_processor, LlavaImageProcessorPil)
    assert assembled[1].image_processor.do_pad


def test_a_deep_tower_is_read_at_its_last_layer_but_one(parts, tmp_path) -> None:
    deep, _ = assemble(str(save_vision(tmp_path / "deep", layers=6)), str(parts[1]), load_backbone("vicuna-7b"))
    assert deep.config.vision_feature_layer == -2


@pytest.mark.parametrize("names", [("projector",), ("projector", "language")])
def test_exactly_the_named_components_are_trained(assembled, names) -> None:
    model, _ = assembled
    count = set_trainable(model, names)
    trained = {id(parameter) for parameter in model.parameters() if parameter.requires_grad}
    wanted = {id(parameter) for name in names for parameter in components(model)[name]}
    assert trained == wanted and count == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert sum(len(found) for found in components(model).values()) == len(list(model.parameters()))


def test_the_vision_tower_is_never_trained(assembled) -> None:
    with pytest.raises(UsageError, match="frozen in both stages"):
        set_trainable(assembled[0], ("vision",))
    with pytest.raises(UsageError, match="did you mean 'projector'"):
        set_trainable(assembled[0], ("projecter",))


def test_missing_parts_are_one_line(parts, tmp_path) -> None:
    with pytest.raises(UsageError, match="vision tower"):
        assemble(str(tmp_path), str(parts[1]), load_backbone("vicuna-7b"))
    with pytest.raises(UsageError, match="language model"):
        assemble(str(parts[0]), str(tmp_path), load_backbone("vicuna-7b"))


def test_a_language_model_without_the_end_token_of_its_template_is_refused(parts) -> None:
    with pytest.raises(UsageError, match=r"has no '<\|eot_id\|>'"):
        assemble(str(parts[0]), str(parts[1]), load_backbone("llama3-8b"))


# The names of llava-hf/llava-1.5-7b-hf (its model.safetensors.index.json), for two layers each instead of 24 and 32.
_TOWER_LAYER = (
    "layer_norm1.bias", "layer_norm1.weight", "layer_norm2.bias", "layer_norm2.weight", "mlp.fc1.bias",
    "mlp.fc1.weight", "mlp.fc2.bias", "mlp.fc2.weight", "self_attn.k_proj.bias", "self_attn.k_proj.weight",
    "self_attn.out_proj.bias", "self_attn.out_proj.weight", "self_attn.q_proj.bias", "self_attn.q_proj.weight",
    "self_attn.v_proj.bias", "self_attn.v_proj.weight",
)  # fmt: skip
_LANGUAGE_LAYER = (
    "input_layernorm.weight", "mlp.down_proj.weight", "mlp.gate_proj.weight", "mlp.up_proj.weight",
    "post_attention_layernorm.weight", "self_attn.k_proj.weight", "self_attn.o_proj.weight",
    "self_attn.q_proj.weight", "self_attn.v_proj.weight",
)  # fmt: skip
GOLDEN = sorted(
    [
        "language_model.lm_head.weight", "language_model.model.embed_tokens.weight", "language_model.model.norm.weight",
        "multi_modal_projector.linear_1.bias", "multi_modal_projector.linear_1.weight",
        "multi_modal_projector.linear_2.bias", "multi_modal_projector.linear_2.weight",
        "vision_tower.vision_model.embeddings.class_embedding",
        "vision_tower.vision_model.embeddings.patch_embedding.weight",
        "vision_tower.vision_model.embeddings.position_embedding.weight",
        "vision_tower.vision_model.post_layernorm.bias", "vision_tower.vision_model.post_layernorm.weight",
        "vision_tower.vision_model.pre_layrnorm.bias", "vision_tower.vision_model.pre_layrnorm.weight",
        *(f"language_model.model.layers.{n}.{name}" for n in (0, 1) for name in _LANGUAGE_LAYER),
        *(f"vision_tower.vision_model.encoder.layers.{n}.{name}" for n in (0, 1) for name in _TOWER_LAYER),
    ]
)  # fmt: skip


def test_an_exported_model_has_exactly_the_names_of_llava_1_5(assembled) -> None:
    assert sorted(export_state(assembled[0])) == GOLDEN


def test_an_exported_model_comes_back_whole_and_exports_the_same_again(assembled, tmp_path) -> None:
    model, processor = assembled
    export_model(model, processor, tmp_path / "out", card="# card\n")
    again, info = LlavaForConditionalGeneration.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    ids = torch.tensor([[1, *[model.config.image_token_id] * 16, 5, 6]])
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        left = model.eval()(input_ids=ids, pixel_values=pixels).logits
        right = again.eval()(input_ids=ids, pixel_values=pixels).logits
    assert torch.equal(left, right)
    assert sorted(export_state(again)) == GOLDEN
    assert is_checkpoint(tmp_path / "out") and (tmp_path / "out" / "README.md").is_file()
    found = LlavaProcessor.from_pretrained(tmp_path / "out")
    assert found.chat_template == processor.chat_template


def test_an_export_never_overwrites(assembled, tmp_path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(UsageError, match="not empty"):
        export_model(*assembled, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
