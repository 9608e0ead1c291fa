"""The tiny recipe keeps to the paper's shares and can be changed from the command line."""

import pytest

from lrm_eval.errors import UsageError
from lrm_llava.overrides import override
from lrm_llava.tiny.config import TinyRecipe


def test_half_of_stage_1_and_stage_2_is_english() -> None:
    # Paper, "Training": English 50 %, the other languages the rest.
    assert TinyRecipe().stage1.english == pytest.approx(0.5, abs=0.01)
    assert TinyRecipe().stage2.english == pytest.approx(0.5, abs=0.01)


def test_text_is_english_heavy() -> None:
    assert 0.6 <= TinyRecipe().text.english <= 0.7


def test_every_phase_has_pieces_up_to_its_end() -> None:
    recipe = TinyRecipe()
    for phase in (recipe.text, recipe.stage1, recipe.stage2):
        ends = [piece.until for piece in phase.pieces]
        assert ends == sorted(ends) and ends[-1] == 1.0
        assert phase.piece(0.0) is phase.pieces[0] and phase.piece(0.999) is phase.pieces[-1]


def test_a_nested_field_is_overridden() -> None:
    recipe = override(TinyRecipe(), ["stage2.steps=12", "seed=3", "stage2.lr=1"])
    assert (recipe.stage2.steps, recipe.seed, recipe.stage2.lr) == (12, 3, 1.0)
    assert override(TinyRecipe(), ["stage2.lr=1e-5"]).stage2.lr == 1e-5  # a string to YAML


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("stage2.stepz=12", "did you mean 'steps'"),
        ("stage2.steps", "not of the form"),
        ("stage2.steps=many", "steps is a int"),
        ("seed.steps=3", "has no fields"),
        ("seed=[", "cannot be read"),
        ("stage2.lr=nan", "lr is a float"),
        ("stage2.lr=.inf", "lr is a float"),
    ],
)
def test_a_wrong_override_says_what_is_wrong(change: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        override(TinyRecipe(), [change])
