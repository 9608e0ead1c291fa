"""The command `lrm-llava`: making and training LRM-LLaVA."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="lrm-llava", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
tiny = typer.Typer(no_args_is_help=True, help="The tiny world: a trained LRM-LLaVA from nothing, on two CPU cores.")
app.add_typer(tiny, name="tiny")

Work = Annotated[Path, typer.Option(help="Folder for everything made on the way; a killed build goes on from it.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Change the recipe, e.g. --set stage2.steps=4000.")]


def _log(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


@tiny.command()
def build(
    work: Work = Path("build/tiny"),
    out: Annotated[Path | None, typer.Option(help="Where the checkpoints go; by default into the package.")] = None,
    changes: Set = None,
) -> None:
    """Train tower, language model and both arms, and install the two checkpoints."""
    from lrm_llava.tiny.build import ARMS, build_base, train_arms
    from lrm_llava.tiny.config import TinyRecipe
    from lrm_llava.tiny.install import install
    from lrm_llava.tiny.overrides import override

    recipe = override(TinyRecipe(), changes or [])
    build_base(recipe, work, _log)
    train_arms(work, ARMS, changes or [])
    install(recipe, work, out, _log)


@tiny.command()
def arm(name: str, work: Work = Path("build/tiny"), changes: Set = None) -> None:
    """Train one arm from a finished base: lrm-llava or llava-tiny."""
    import torch

    from lrm_eval.errors import unknown
    from lrm_llava.tiny.build import ARMS, train_arm
    from lrm_llava.tiny.config import TinyRecipe
    from lrm_llava.tiny.overrides import override

    if name not in ARMS:
        raise unknown("arm", name, ARMS)
    torch.set_num_threads(1)
    train_arm(name, override(TinyRecipe(), changes or []), work, _log)


@tiny.command()
def data(
    out: Annotated[
        Path | None, typer.Option(help="The tasks folder to write into; by default the bundled one.")
    ] = None,
    seed: int = 20251,
) -> None:
    """Draw the four tiny benchmarks from held-out scenes: images, English questions, eleven language packs."""
    from lrm_eval.resources import tasks_dir
    from lrm_llava.tiny.install import write_benchmarks

    write_benchmarks(out or tasks_dir(), seed, _log)


@tiny.command()
def card() -> None:
    """Run both bundled models on all tiny tasks in all languages and write their model cards."""
    from lrm_llava.tiny.card import write_cards

    write_cards(_log)


def main() -> None:
    """Entry point: a user's mistake is one line and an exit status, never a traceback."""
    from lrm_eval.commands.entry import call

    raise SystemExit(call(app, sys.argv[1:]))


if __name__ == "__main__":
    main()
