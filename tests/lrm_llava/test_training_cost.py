"""Operations and memory counted from sizes, held against real models and against what torch counts."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

from lrm_eval.errors import UsageError
from lrm_llava.assembly import components, set_trainable
from lrm_llava.lora import inject
from lrm_llava.recipes import Lora, load_recipe
from lrm_llava.training.cost import CARDS, GEOMETRIES, Load, paper_costs, stage_cost, state_bytes, working_bytes
from lrm_llava.training.geometry import Geometry

STAGES = {number: load_recipe("paper-13b").stage(number) for number in (1, 2)}
ADAPTED = load_recipe("paper-13b", ["stage2.lora.rank=4"]).stage2


def config(tied: bool = False, key_heads: int = 2) -> LlavaConfig:
    return LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2, image_size=32,
            patch_size=8, projection_dim=16,
        ),
        text_config=LlamaConfig(
            vocab_size=96, hidden_size=64, intermediate_size=80, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=key_heads, tie_word_embeddings=tied,
        ),
        image_token_index=95, vision_feature_layer=-1, image_seq_length=16, tie_word_embeddings=tied,
    )  # fmt: skip


def model(**changes):
    made = LlavaForConditionalGeneration(config(**changes))
    made.set_attn_implementation("eager")
    return made


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("key_heads", [1, 4])
def test_weights_are_those_of_a_real_model(tied: bool, key_heads: int) -> None:
    made = model(tied=tied, key_heads=key_heads)
    sizes = Geometry.of(made.config)
    real = {name: sum(p.numel() for p in found) for name, found in components(made).items()}
    assert real == {"vision": sizes.tower, "projector": sizes.projector, "language": sizes.language}


def test_sizes_of_the_papers_models() -> None:
    # The number of parameters on the card of llava-hf/llava-1.5-7b-hf.
    assert GEOMETRIES["vicuna-7b"].weights == 7_063_427_072
    # Meta's cards: 13,015,864,320 of Llama 2 13B with 32,000 rows, 8,030,261,248 of Llama 3 8B with 128,256.
    assert GEOMETRIES["llama2-13b"].language - 2 * 64 * 5120 == 13_015_864_320
    assert GEOMETRIES["llama3-8b"].language - 2 * 64 * 4096 == 8_030_261_248
    # CLIP ViT-L/14 at 336 pixels without its projection (transformers' CLIPVisionModel).
    assert GEOMETRIES["vicuna-7b"].tower == 303_507_456


@pytest.mark.parametrize("stage", [STAGES[1], STAGES[2], ADAPTED], ids=["projector", "whole", "adapters"])
def test_operations_are_those_that_torch_counts(stage) -> None:
    made = model()
    if stage.lora.rank:
        inject(made, stage.lora, 0)
    set_trainable(made, stage.trains)
    sizes, rows, length = Geometry.of(made.config), 2, 24
    assert sizes.trained(stage) == sum(p.numel() for p in made.parameters() if p.requires_grad)
    ids = torch.full((rows, length), 5)
    ids[:, 1:17] = 95
    with FlopCounterMode(display=False) as counter:
        made(input_ids=ids, pixel_values=torch.randn(rows, 3, 32, 32), labels=ids, use_cache=False).loss.backward()
    # torch multiplies whole squares of attention here, of which the upper half is masked: T^2 pairs, not T^2 / 2.
    expected = sizes.flops(rows * length, rows, rows * length**2, stage)
    if stage.lora.rank:
        # In the first layer nothing before the adapters of query, key and value needs a gradient: the projector does.
        assert counter.get_total_flops() == pytest.approx(expected, rel=0.002)
        return
    assert counter.get_total_flops() == expected


def test_a_step_by_hand() -> None:
    # One layer, D 4, F 8, 2 heads of 2, V 10, no image: matrices 4 * (4*4) + 3 * (4*8) = 160, output 40.
    sizes = Geometry(layers=1, width=4, mlp=8, heads=2, key_heads=2, head_size=2, rows=10)
    assert sizes.layer == 160
    # 6 * 200 a token; 3 * 4 * 4 a pair; 3 tokens see 4.5 pairs (T^2 / 2).
    assert sizes.flops(3, 0, 4.5, STAGES[2]) == 6 * 200 * 3 + 48 * 4.5
    assert sizes.flops(3, 0, 4.5, STAGES[1]) == 4 * 200 * 3 + 48 * 4.5


def test_hours_by_hand() -> None:
    recipe, sizes = load_recipe("paper-13b"), GEOMETRIES["vicuna-13b"]
    one = stage_cost(recipe, 2, Load(1000, 424.0), CARDS["a800"], 8, 0.5, 0.2, sizes)
    assert one.tokens == 1_000_000  # 576 of the image and 424 of text, a thousand times
    needed = sizes.flops(1_000_000, 1000, 1000 * 1000**2 / 2, recipe.stage2)
    assert one.hours == pytest.approx(needed / (8 * 312e12 * 0.5 * 0.8) / 3600)
    # 6 operations a weight of matrices and token, and little else: within 4 % of 6 N D.
    assert needed == pytest.approx(6 * sizes.language * 1_000_000, rel=0.04)


def test_half_the_gpus_take_twice_as_long_and_hold_twice_as_much() -> None:
    recipe = load_recipe("paper-13b")
    eight, four = (paper_costs(recipe, "a800", gpus, (0.5, 0.5), 0.0) for gpus in (8, 4))
    assert [two.hours / one.hours for one, two in zip(eight, four, strict=True)] == pytest.approx([2, 2])
    assert [two.state / one.state for one, two in zip(eight, four, strict=True)] == pytest.approx([2, 2])


def test_memory_by_hand() -> None:
    # 13.35 G weights: fp32 53.4 GB; gradients and Adam's two moments 156.6 GB of the 13.05 G that stage 2 trains.
    sizes = GEOMETRIES["vicuna-13b"]
    trained = sizes.trained(STAGES[2])
    assert state_bytes(sizes, trained, 8) / 1e9 == pytest.approx((53.41 + 156.58) / 8, rel=0.001)
    # A layer's input kept of every layer, 2 bytes: 40 * 5120 * 2 a token more with 40 layers than with none.
    deeper = Geometry(**{**vars(sizes), "layers": 41})
    assert working_bytes(deeper, 1000, True) - working_bytes(sizes, 1000, True) == 2 * 5120 * 1000
    # Without checkpointing all 40 layers keep what only one of them kept.
    assert working_bytes(sizes, 1000, False) > 2 * working_bytes(sizes, 1000, True)


def test_adapters_need_less_memory_and_arithmetic() -> None:
    whole, adapted = (
        paper_costs(load_recipe("paper-13b", changes), "a800", 8, (0.5, 0.5), 0.0)[1]
        for changes in ([], ["stage2.lora.rank=128"])
    )
    assert adapted.state < whole.state / 2 and adapted.flops < 0.75 * whole.flops
    # LLaVA-1.5's script trains 500,695,040 adapter weights of its 13B (rank 128).
    assert GEOMETRIES["vicuna-13b"].adapters(128) == 500_695_040


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"card": "a8000"}, "unknown GPU 'a8000': did you mean 'a800'"),
        ({"mfus": (0.5, 1.5)}, "--mfu is above 0 and at most 1"),
        ({"gpus": 0}, "--gpus at least 1"),
        ({"loss": 1.0}, "--loss at least 0 and below 1"),
        ({"text_tokens": (3.0,)}, "--text-tokens takes two numbers"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(changes, message: str) -> None:
    asked = {"card": "a800", "gpus": 8, "mfus": (0.5, 0.45), "loss": 0.1, **changes}
    with pytest.raises(UsageError, match=message):
        paper_costs(load_recipe("paper-13b"), **asked)


def test_a_backbone_of_unknown_size_is_named() -> None:
    with pytest.raises(UsageError, match="the sizes of backbone tiny are not known"):
        paper_costs(load_recipe("tiny"), "a800", 8, (0.5, 0.45), 0.1)


def test_the_tokens_of_a_rank_are_its_lora() -> None:
    assert ADAPTED.lora == Lora(rank=4)
