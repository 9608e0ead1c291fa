"""`lrm-llava train` and `lrm-llava cost`: from what was typed to what is done and printed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError, unknown
from lrm_llava.recipes import load_recipe
from lrm_llava.training.cost import paper_costs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.table import Table

    from lrm_llava.recipes import Recipe
    from lrm_llava.training.setup import Where

TRACKERS = ("auto", "tensorboard", "wandb", "none")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Slice:
    """What is evaluated on while training.

    Attributes:
        tasks: names, separated by commas; "" for nothing.
        languages: tags or names, separated by commas.
        limit: questions a task and language.
    """

    tasks: str
    languages: str
    limit: int


def train_command(
    recipe: str, stage: int, where: Where, changes: Sequence[str], device: str, report_to: str, taken: Slice,
    tell: Callable[[str], None],
) -> None:  # fmt: skip
    """Train a stage as the command line asks.

    Raises:
        UsageError: an unknown name, a package that is not installed, or half of an evaluation.
        RunError: as `train_stage`.
    """
    for what, value, valid in (("device", device, DEVICES), ("tracker", report_to, TRACKERS)):
        if value not in valid:
            raise unknown(what, value, valid)
    if report_to == "auto":
        report_to = "tensorboard" if find_spec("tensorboard") else "none"
    elif report_to != "none" and find_spec(report_to) is None:
        raise UsageError(
            f"--report-to {report_to}: the package {report_to} is not installed; `pip install {report_to}`, "
            "or --report-to none"
        )
    chosen = load_recipe(recipe, changes)
    if bool(taken.tasks) != bool(chosen.stage(stage).evaluate_every):
        missing = "--eval-every STEPS" if taken.tasks else "--eval-tasks TASKS"
        raise UsageError(f"evaluation while training needs {missing} too")
    from lrm_llava.faults import quiet
    from lrm_llava.training.evaluation import harness
    from lrm_llava.training.train import train_stage

    quiet()
    scores = where.out / f"stage{stage}" / "scores"
    evaluate = None
    if taken.tasks:
        evaluate = harness(scores, taken.tasks.split(","), taken.languages.split(","), taken.limit)
    train_stage(chosen, stage, where, tell, report_to=report_to, device=device, evaluate=evaluate)


def cost_table(recipe: Recipe, gpu: str, gpus: int, mfu: str, loss: float, text_tokens: str) -> Table:
    """The paper's two stages with a recipe, on paper.

    Raises:
        UsageError: a number that is none, or as `paper_costs`.
    """
    from rich.table import Column, Table

    given = _numbers("--mfu", mfu)
    if not 1 <= len(given) <= 2:
        raise UsageError(f"--mfu {mfu!r}: one number, or one for each stage: 0.5,0.45")
    shares = (given[0], given[-1])
    costs = paper_costs(recipe, gpu, gpus, shares, loss, tuple(_numbers("--text-tokens", text_tokens)))
    names = ("stage", "tokens", "operations", "MFU", "hours", "state GB", "typical GB", "longest GB")
    table = Table(*(Column(name, justify="right") for name in names), box=None)
    for number, (one, share) in enumerate(zip(costs, shares, strict=True), 1):
        table.add_row(
            str(number), f"{one.tokens / 1e9:.2f} G", f"{one.flops:.2e}", f"{share:.0%}", f"{one.hours:.1f}",
            f"{one.state:.0f}", f"{one.typical:.0f}", f"{one.longest:.0f}",
        )  # fmt: skip
    table.add_row("both", "", f"{sum(one.flops for one in costs):.2e}", "", f"{sum(one.hours for one in costs):.1f}")
    return table


def _numbers(option: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")] if text else []
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: numbers separated by a comma, e.g. 0.5,0.45") from error
