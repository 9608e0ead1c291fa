"""Recipes: everything that decides a training, as data. `load_recipe(name)` gets one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.errors import unknown
from lrm_llava.overrides import override
from lrm_llava.recipes.model import Instructions, Lora, Recipe, Source, Stage, check_recipe
from lrm_llava.recipes.paper import RECIPES as _PAPER
from lrm_llava.recipes.tiny import TINY

if TYPE_CHECKING:
    from collections.abc import Iterable

RECIPES: dict[str, Recipe] = {**_PAPER, TINY.name: TINY}


def load_recipe(name: str, changes: Iterable[str] = ()) -> Recipe:
    """A recipe by its name, with changes such as `stage2.learning_rate=1e-5`.

    Raises:
        UsageError: no such recipe or field, or a value of another type or that no training can have.
    """
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES, "lrm-llava recipes")
    return check_recipe(override(RECIPES[name], changes))


__all__ = ["RECIPES", "Instructions", "Lora", "Recipe", "Source", "Stage", "load_recipe"]
