"""Training of the tiny world: each stage changes exactly what the paper says, and the whole chain runs."""

import itertools
import json
import random

import pytest
import torch

from lrm_llava.tiny import questions as q
from lrm_llava.tiny.config import LanguageConfig, Phase, Piece, TinyRecipe
from lrm_llava.tiny.dialogues import Mix, corpus
from lrm_llava.tiny.grammar import languages, load_grammar
from lrm_llava.tiny.model import build_model, build_processor, parts, scale_projector, train_tokenizer
from lrm_llava.tiny.packing import Encoder
from lrm_llava.tiny.train import ATTENTION, answer_logits, by_length, image_batches, optimize
from lrm_llava.tiny.vision import scene_features
from lrm_llava.tiny.world import draw_scene

TAGS = languages()
RECIPE = TinyRecipe(language=LanguageConfig(vocab_size=1200, width=32, layers=2, heads=2, mlp=64))
PHASE = Phase(steps=3, rows=4, segments=3, lr=1e-3, warmup=1, pieces=(Piece(1.0, 0.5, 0.3, 0.2),))


@pytest.fixture(scope="module")
def world():
    rng = random.Random(1)
    scenes = [draw_scene(rng, "train") for _ in range(40)]
    tokenizer = train_tokenizer(corpus(TAGS, scenes[:8], 1), RECIPE.language.vocab_size)
    model = build_model(RECIPE, tokenizer)
    processor = build_processor(tokenizer, RECIPE)
    features = scene_features(model, processor, scenes, random.Random(2))
    model.set_attn_implementation({"text_config": ATTENTION})
    return scenes, features, tokenizer, model, processor


def changed(model, before) -> set[str]:
    return {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}


@pytest.mark.parametrize(("stage", "trained"), [(1, ("projector",)), (2, ("projector", "language"))])
def test_a_stage_changes_exactly_its_components(world, stage: int, trained: tuple[str, ...]) -> None:
    # Paper, "Training": stage 1 the projector alone, stage 2 projector and LLM, the encoder never.
    scenes, features, tokenizer, model, _ = world
    component = parts(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    batches = image_batches(
        scenes, features, Encoder(tokenizer, 9), PHASE, lambda _: Mix(TAGS, 0.5, 0.2), random.Random(3)
    )
    optimize(model, [p for name in trained for p in component[name].parameters()], batches, PHASE, lambda _: None, "x")
    wanted = {"multi_modal_projector"} | ({"language_model", "lm_head"} if stage == 2 else set())
    touched = changed(model, before)
    assert touched and all(any(part in name for part in wanted) for name in touched)
    assert any("multi_modal_projector" in name for name in touched)
    assert not any("vision_tower" in name for name in touched)
    if stage == 2:
        assert all(name in touched for name in before if "language_model.layers" in name)


def test_training_lowers_the_loss_on_what_it_repeats(world) -> None:
    scenes, features, tokenizer, model, _ = world
    encoder = Encoder(tokenizer, 9)
    rng = random.Random(4)
    one = next(image_batches(scenes, features, encoder, PHASE, lambda _: Mix(TAGS, 1.0, 0.0), rng))
    phase = Phase(steps=30, rows=4, segments=3, lr=3e-3, warmup=1, pieces=PHASE.pieces)
    losses = []
    component = parts(model)
    trained = [*component["projector"].parameters(), *component["language"].parameters()]
    first = optimize(
        model,
        trained,
        iter([one] * 2),
        Phase(steps=2, rows=4, segments=3, lr=1e-9, warmup=1, pieces=PHASE.pieces),
        losses.append,
        "x",
    )
    last = optimize(model, trained, iter([one] * 30), phase, losses.append, "x")
    assert last.loss < first.loss


def test_a_loss_that_is_not_a_number_stops_the_training(world) -> None:
    scenes, features, tokenizer, model, _ = world
    batches = image_batches(
        scenes, features * float("nan"), Encoder(tokenizer, 9), PHASE, lambda _: Mix(TAGS, 1.0, 0.0), random.Random(5)
    )
    with pytest.raises(FloatingPointError, match="step 0"):
        optimize(model, parts(model)["projector"].parameters(), batches, PHASE, lambda _: None, "x")


def test_the_projector_is_fitted_to_the_features(world) -> None:
    _, features, tokenizer, _, _ = world
    model = build_model(RECIPE, tokenizer)
    scale_projector(model, 50 * features + 7)
    with torch.no_grad():
        hidden = model.model.multi_modal_projector.linear_1(50 * features + 7)
    assert hidden.mean().abs() < 0.1 and 0.3 < hidden.std() < 3


@pytest.mark.slow
def test_the_whole_chain_makes_two_checkpoints_and_goes_on_where_it_stopped(tmp_path) -> None:
    from transformers import LlavaForConditionalGeneration
    from typer.testing import CliRunner

    from lrm_llava.cli import app

    small = [
        "scenes=40", "vision.steps=2", "vision.pool=500", "vision.batch=4", "text.steps=2", "stage1.steps=2",
        "stage2.steps=2", "text.rows=2", "stage1.rows=2", "stage2.rows=2",
    ]  # fmt: skip
    command = ["tiny", "build", "--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    command += [word for change in small for word in ("--set", change)]
    for _ in range(2):  # the second time everything is there already
        result = CliRunner().invoke(app, command, catch_exceptions=False)
        assert result.exit_code == 0
    for arm in ("lrm-llava", "llava-tiny"):
        folder = tmp_path / "out" / arm
        LlavaForConditionalGeneration.from_pretrained(folder)
        assert sum(path.stat().st_size for path in folder.glob("*.safetensors")) <= 10_000_000
        facts = json.loads((folder / "training.json").read_text())
        assert facts["recipe"]["stage2"]["steps"] == 2 and facts["arm"]["stage2"]["steps"] == 2


def test_batches_of_like_length_hold_every_row_once() -> None:
    rng = random.Random(4)
    rows = [([0] * 3, [([1] * rng.randrange(1, 50), 1)]) for _ in range(12)]
    chunks = by_length(rows, 4, rng)
    assert sorted(number for chunk in chunks for number in chunk) == list(range(12))
    spans = sorted(
        (min(lengths), max(lengths))
        for lengths in ([len(rows[number][1][0][0]) for number in chunk] for chunk in chunks)
    )
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_the_features_of_a_batch_belong_to_its_scenes(world) -> None:
    # Dealing rows out by length must not part an image from its questions: descriptions say which scene it is.
    scenes, _, tokenizer, _, _ = world
    numbered = torch.arange(len(scenes), dtype=torch.float32)[:, None, None].expand(-1, 9, 4)
    batches = image_batches(
        scenes, numbered, Encoder(tokenizer, 9), PHASE, lambda _: Mix(TAGS, 1.0, 1.0), random.Random(5)
    )
    for _ in range(6):
        batch, features = next(batches)
        for row in range(PHASE.rows):
            told = tokenizer.decode(batch.labels[row][batch.labels[row] != -100], skip_special_tokens=True)
            assert q.description(scenes[int(features[row, 0, 0])], load_grammar("en")) in told


def test_the_tokenizer_cuts_unspaced_scripts_letter_by_letter(world) -> None:
    tokenizer = world[2]
    pieces = [text for text, _ in tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str("图中有红色吗? ቀይ ካሬ é")]
    lengths = [len(bytes(piece, "utf-8")) for piece in pieces]
    assert len(pieces) == 10 and max(lengths[:6]) <= 6  # six letters of three bytes, two marks a byte at most


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # the compiler's own use of it
def test_the_compiled_language_model_gives_the_plain_ones_logits(world) -> None:
    scenes, features, tokenizer, model, _ = world
    batch, seen = next(
        image_batches(scenes, features, Encoder(tokenizer, 9), PHASE, lambda _: Mix(TAGS, 0.5, 0.2), random.Random(3))
    )
    with torch.no_grad():
        plain, _ = answer_logits(model, batch, seen)
        fast, _ = answer_logits(model, batch, seen, torch.compile(model.model.language_model.forward, dynamic=True))
    assert torch.allclose(plain, fast, atol=1e-4)
