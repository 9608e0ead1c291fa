"""Values of a recipe that no training can have are refused before anything is read."""

import pytest

from lrm_eval.errors import UsageError
from lrm_llava.recipes import RECIPES, load_recipe
from lrm_llava.recipes.model import check_recipe


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_is_fine(name) -> None:
    check_recipe(RECIPES[name])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["languages=[sw,en]"], "English comes first"),
        (["languages=[]"], "English comes first"),
        (["languages=[en,sw,sw]"], "each of them once"),
        (["languages=[en,no]"], "languages is a list of str, and False is none"),
        (["non_english=-1"], "non_english=-1.0 is below 0"),
        (["precision=fp8"], "precision=fp8 is not one of bf16, fp32"),
        (["stage2.sources=[a]"], "sources is a list of Source, and 'a' is none"),
        (["stage2.instructions.mvqa=-1"], "shares are at least 0"),
        ([f"stage2.instructions.{name}=0" for name in ("mvqa", "ep_vqa", "bvqa")], "not all of them 0"),
        (["stage2.trains=[]"], "nothing would change"),
        (["stage2.learning_rate=-1e-5"], "stage2.learning_rate=-1e-05 is not above 0"),
        (["stage1.max_steps=-4"], "stage1.max_steps=-4 is not at least 0"),
        (["stage1.save_every=0"], "stage1.save_every=0 is not at least 1"),
        (["stage1.warmup=7"], "stage1.warmup=7.0 is not a share from 0 to 1"),
    ],
)
def test_what_cannot_be_trained_with_is_named(changes, words) -> None:
    with pytest.raises(UsageError, match=words):
        load_recipe("tiny", changes)
