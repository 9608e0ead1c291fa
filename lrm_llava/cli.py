"""The command `lrm-llava`: making and training LRM-LLaVA."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from lrm_llava.ablations.command import ablate
from lrm_llava.data.command import build as build_data
from lrm_llava.data.command import translate

app = typer.Typer(
    name="lrm-llava", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
tiny = typer.Typer(no_args_is_help=True, help="The tiny world: a trained LRM-LLaVA from nothing, on two CPU cores.")
app.add_typer(tiny, name="tiny")
training_data = typer.Typer(no_args_is_help=True, help="Training data: mixed to a recipe, and checked.")
app.add_typer(training_data, name="data")
training_data.command()(translate)
training_data.command()(build_data)

app.command()(ablate)

Work = Annotated[Path, typer.Option(help="Folder for everything made on the way; a killed build goes on from it.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Change the recipe, e.g. --set stage2.steps=4000.")]


def _log(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


@app.command()
def recipes() -> None:
    """List the recipes: the settings of the paper, and a tiny one."""
    from rich.console import Console
    from rich.table import Column, Table

    from lrm_llava.recipes import RECIPES

    name = Column("recipe", no_wrap=True)
    table = Table(name, "backbone", "langs", "other:en", "MVQA, EP-VQA, BVQA", box=None)
    for recipe in RECIPES.values():
        shares = recipe.stage2.instructions
        table.add_row(
            recipe.name, recipe.backbone, str(len(recipe.languages)), f"{recipe.non_english:.0%}",
            f"{shares.mvqa:.2f}, {shares.ep_vqa:.2f}, {shares.bvqa:.2f}",
        )  # fmt: skip
    Console().print(table)


@app.command()
def train(
    recipe: Annotated[str, typer.Option(help="A name that `lrm-llava recipes` lists.")],
    stage: Annotated[int, typer.Option(min=1, max=2, help="1: projector; 2: projector and language model.")],
    data: Annotated[Path, typer.Option(help="What `lrm-llava data build` made, images beside.")],
    out: Annotated[Path, typer.Option(help="stage1/ and stage2/ are made in it; a stopped training goes on.")],
    start: Annotated[Path | None, typer.Option("--from", help="A LLaVA checkpoint to start from.")] = None,
    changes: Set = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    report_to: Annotated[
        str, typer.Option(help="tensorboard, wandb or none; auto is tensorboard if installed.")
    ] = "auto",
    eval_every: Annotated[int, typer.Option(min=0, help="Steps between evaluations; 0: the recipe's.")] = 0,
    eval_tasks: Annotated[str, typer.Option(help="Tasks to evaluate on while training.")] = "",
    eval_langs: Annotated[str, typer.Option(help="Languages for it.")] = "en",
    eval_limit: Annotated[int, typer.Option(min=1, help="Questions a task and language.")] = 50,
) -> None:
    """Train one stage of a recipe; the finished model, in stageN/final, loads as a plain LLaVA."""
    from lrm_llava.training.command import Slice, train_command
    from lrm_llava.training.setup import Where

    every = [f"stage{stage}.evaluate_every={eval_every}"] if eval_every else []
    taken = Slice(eval_tasks, eval_langs, eval_limit)
    train_command(recipe, stage, Where(data, out, start), [*(changes or []), *every], device, report_to, taken, _log)


@app.command()
def cost(
    recipe: Annotated[str, typer.Option(help="A name that `lrm-llava recipes` lists.")] = "paper-13b",
    gpu: Annotated[str, typer.Option(help="a800, a100, h800, h100 or h200.")] = "a800",
    gpus: Annotated[int, typer.Option(help="How many.")] = 8,
    mfu: Annotated[str, typer.Option(help="Share of the datasheet's peak in stage 1 and 2.")] = "0.5,0.45",
    loss: Annotated[float, typer.Option(help="Share of the time lost to communication.")] = 0.1,
    text_tokens: Annotated[str, typer.Option(help="Tokens of a sample beside its image, in stage 1 and 2.")] = "",
    changes: Set = None,
) -> None:
    """What the paper's full training costs on paper: operations, hours, and memory of a GPU."""
    from rich.console import Console

    from lrm_llava.recipes import load_recipe
    from lrm_llava.training.command import cost_table

    Console().print(cost_table(load_recipe(recipe, changes or []), gpu, gpus, mfu, loss, text_tokens))


@training_data.command(name="show")
def show_data(
    data: Annotated[Path, typer.Argument(help="What `lrm-llava data build` made.")],
    recipe: Annotated[str, typer.Option(help="A name that `lrm-llava recipes` lists.")],
    stage: Annotated[int, typer.Option(min=1, max=2)],
    sample: Annotated[list[int] | None, typer.Option(help="Its number from 1; give it again for more.")] = None,
    model: Annotated[Path | None, typer.Option(help="A LLaVA checkpoint whose tokenizer and template to use.")] = None,
    changes: Set = None,
) -> None:
    """Print samples as the model sees them; what it is supervised on is green and in brackets."""
    from rich.console import Console

    from lrm_llava.recipes import load_recipe
    from lrm_llava.training.show import show_samples

    console = Console(soft_wrap=True, highlight=False)
    for head, text in show_samples(load_recipe(recipe, changes or []), stage, data, sample or [1, 2, 3], model):
        console.print(head, style="cyan")
        if text is not None:
            console.print(text)


@training_data.command(name="check")
def check_data(
    data: Annotated[Path, typer.Argument(help="What `lrm-llava data build` made.")],
    stage: Annotated[int, typer.Option(min=1, max=2)],
    against: Annotated[
        str, typer.Option(help="Benchmarks to look for in it, e.g. mme,pope,seedbench,mmbench; none by default.")
    ] = "",
    benchmark_data: Annotated[
        list[str] | None, typer.Option("--data", help="TASK=PATH: local data of a benchmark.")
    ] = None,
) -> None:
    """Broken images, empty turns, wrong language, duplicates, contamination; status 1 if anything was found."""
    from lrm_llava.data.report import check_stage

    if not check_stage(data, stage, [name for name in against.split(",") if name], benchmark_data or [], _log):
        raise typer.Exit(1)


Dtype = Annotated[str, typer.Option(help="bfloat16, float16 or float32.")]


@app.command()
def export(checkpoint: Path, out: Path, dtype: Dtype = "bfloat16") -> None:
    """Write a checkpoint in the layout of llava-hf/llava-1.5, which transformers and servers read."""
    from lrm_llava.exchange import export_checkpoint
    from lrm_llava.faults import quiet

    quiet()
    _log(export_checkpoint(checkpoint, out, dtype))


@app.command(name="import")
def import_(
    checkpoint: Path,
    out: Path,
    vision: Annotated[
        str | None, typer.Option(help="Folder or id of the tower, if not what config.json names.")
    ] = None,
    dtype: Dtype = "bfloat16",
    allow_pickle: Annotated[bool, typer.Option("--allow-pickle", help="Read *.bin weights.")] = False,
) -> None:
    """Turn an original-format LLaVA (LLaVA-1.5, LVIS-Instruct4V, ShareGPT4V) into the same layout."""
    from lrm_llava.exchange import import_original
    from lrm_llava.faults import quiet

    quiet()
    _log(import_original(checkpoint, out, vision, dtype, allow_pickle))


analysis = typer.Typer(no_args_is_help=True, help="What a model has learnt, looked at from inside.")
app.add_typer(analysis, name="analyze")


@analysis.callback()
def analyze_group() -> None:
    """Keeps `alignment` a command of its own while it is the only one."""


@analysis.command()
def alignment(
    model: Annotated[list[str], typer.Option(help="A preset or hf:FOLDER; give it again to compare.")],
    out: Annotated[Path, typer.Option(help="alignment.json, figure.png and figure.svg go there.")] = Path("alignment"),
    samples: Annotated[
        Path | None, typer.Option(help="JSON lines: id, image, texts by language; by default drawn tiny scenes.")
    ] = None,
    count: Annotated[int, typer.Option(min=3, help="Samples at most.")] = 1000,
    layer: Annotated[int, typer.Option(min=0, help="Of the language model; 0: the embeddings.")] = 0,
    seed: int = 0,
) -> None:
    """Images and texts in the model's space: centroid distance, CKA, neighbours, retrieval; figure 5 of the paper."""
    from rich.console import Console
    from rich.table import Table

    from lrm_llava.analysis.alignment import MEASURES, analyze, rows

    found = analyze(model, out, _log, samples, count, layer, seed)
    table = Table("model", "lang", *MEASURES.values(), box=None)
    for row in rows(found):
        table.add_row(*row)
    Console().print(table)


@tiny.command()
def build(
    work: Work = Path("build/tiny"),
    out: Annotated[Path | None, typer.Option(help="Where the checkpoints go; by default into the package.")] = None,
    changes: Set = None,
) -> None:
    """Train tower, language model and both arms, and install the two checkpoints."""
    from lrm_llava.overrides import override
    from lrm_llava.tiny.build import ARMS, build_base, train_arms
    from lrm_llava.tiny.config import TinyRecipe
    from lrm_llava.tiny.install import install

    recipe = override(TinyRecipe(), changes or [])
    build_base(recipe, work, _log)
    train_arms(work, ARMS, changes or [])
    install(recipe, work, out, _log)


@tiny.command()
def arm(name: str, work: Work = Path("build/tiny"), changes: Set = None) -> None:
    """Train one arm from a finished base: lrm-llava or llava-tiny."""
    import torch

    from lrm_eval.errors import unknown
    from lrm_llava.overrides import override
    from lrm_llava.tiny.build import ARMS, train_arm
    from lrm_llava.tiny.config import TinyRecipe

    if name not in ARMS:
        raise unknown("arm", name, ARMS)
    torch.set_num_threads(1)
    train_arm(name, override(TinyRecipe(), changes or []), work, _log)


@tiny.command()
def data(
    out: Annotated[
        Path | None, typer.Option(help="The tasks folder to write into; by default the bundled one.")
    ] = None,
    seed: int = 20262,  # of the bundled ones: drawn after the last decision about the recipe
) -> None:
    """Draw the four tiny benchmarks from held-out scenes: images, English questions, eleven language packs."""
    from lrm_eval.resources import tasks_dir
    from lrm_llava.tiny.install import write_benchmarks

    write_benchmarks(out or tasks_dir(), seed, _log)


@tiny.command()
def parts(out: Path) -> None:
    """Write vision tower and language model of the bundled lrm-llava as two plain checkpoints, for recipe tiny."""
    from lrm_llava.tiny.export import write_parts

    write_parts(out, _log)


@tiny.command()
def conversations(
    out: Path,
    count: Annotated[int, typer.Option(min=1, help="Scenes: one image and three questions each.")] = 2000,
    seed: int = 20251,
) -> None:
    """Write the tiny world as LLaVA conversations with translations, for `lrm-llava data build --recipe tiny`."""
    from lrm_llava.tiny.export import write_conversations

    write_conversations(out, count, seed, _log)


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
