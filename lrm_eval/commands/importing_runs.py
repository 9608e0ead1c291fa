"""`lrm-eval import`: answers of other programs become runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lrm_eval.interop.recorded import Recorded

app = typer.Typer(
    name="import",
    help="Make a run of answers that another program gave.",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="One file a task and language.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The run folder: new, or of the same model.")]
Task = Annotated[str | None, typer.Option("--task", metavar="T", help="The task, where the file does not tell.")]
Lang = Annotated[str | None, typer.Option("--lang", metavar="L", help="Language of the questions. Default: en.")]
Model = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="Name in tables. Default: that of the file's folder.")
]
Part = Annotated[bool, typer.Option("--part", help="Score the answers that there are, though questions are missing.")]


@app.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


@app.command("lmms-samples")
def lmms_samples(
    files: Files,
    out: Out,
    data: Annotated[
        Path,
        typer.Option(
            "--data", metavar="PATH", help="The folder of `lrm-eval export lmms-eval`, or the data of lmms-eval's task."
        ),
    ],
    task: Task = None,
    lang: Lang = None,
    model: Model = None,
    part: Part = False,
) -> None:
    """Answers that lmms-eval logged (`--log_samples`)."""
    from lrm_eval.errors import UsageError
    from lrm_eval.interop.lmms_samples import is_export

    if not data.exists():
        raise UsageError(f"--data {data}: no such file or folder")
    read = _exported if is_export(data) else _of_task
    _record([read(file, data, task, lang) for file in files], files, out, model, "lmms-eval", part)


@app.command()
def vlmevalkit(files: Files, out: Out, task: Task = None, lang: Lang = None, model: Model = None) -> None:
    """Tables of VLMEvalKit (`<model>_<data set>.xlsx`, or TSV)."""
    _record([_of_task(file, None, task, lang) for file in files], files, out, model, "VLMEvalKit", part=False)


def _exported(file: Path, data: Path, task: str | None, lang: str | None) -> Recorded:
    from lrm_eval.errors import UsageError
    from lrm_eval.interop.lmms_samples import read_exported
    from lrm_eval.interop.recorded import Recorded
    from lrm_eval.tasks import load_task

    if task is not None or lang is not None:
        raise UsageError(f"{data} says which task and language {file.name} is: leave out --task and --lang")
    found = read_exported(file, data)
    known = load_task(found.task.task)
    return Recorded(known, found.task.language, found.pairs, file, found.data, found.task.questions)


def _of_task(file: Path, data: Path | None, task: str | None, lang: str | None) -> Recorded:
    from lrm_eval.data import load_samples
    from lrm_eval.errors import UsageError
    from lrm_eval.interop.recorded import Recorded
    from lrm_eval.languages import get
    from lrm_eval.predictions import read_predictions
    from lrm_eval.tasks import load_task

    if task is None:
        raise UsageError(f"which task does {file} answer? --task T")
    known, language = load_task(task), get(lang or "en")
    found = read_predictions(task, file, language=language, data=data)
    pairs = tuple(pair for each in found for pair in each.pairs)
    wanted = len(pairs)
    if data is not None:
        wanted = max(wanted, len(load_samples(known, language, source=data, images=False)))
    return Recorded(known, language.tag, pairs, file, data or file, wanted)


def _record(parts: list[Recorded], files: list[Path], out: Path, model: str | None, program: str, part: bool) -> None:
    from dataclasses import replace

    from rich.console import Console

    from lrm_eval import api
    from lrm_eval.commands import summary
    from lrm_eval.interop.recorded import record

    if part:
        parts = [replace(each, wanted=len(each.pairs)) for each in parts]
    name = model or files[0].resolve().parent.name
    folder = record(out, name, program, parts)
    result = api.rescore(folder.path)
    console = Console(emoji=False, width=None if sys.stdout.isatty() else 120)
    summary.print_run(result, console, "`--part` scores the answers that there are")
    if result.unfinished:
        raise typer.Exit(1)
