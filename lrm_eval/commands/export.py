"""`lrm-eval export`: runs in the forms of other programs."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  # typer reads the annotations
from typing import Annotated

import typer

app = typer.Typer(
    name="export",
    help="Write a run in the form of another program.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


@app.command()
def mmbench(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder with MMBench in it.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PATH", help="File. Default: <run>/submission-<task>-<lang>.xlsx.")
    ] = None,
    lang: Annotated[
        str | None, typer.Option("--lang", metavar="L", help="Default: the run's only language, or en.")
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", metavar="T", help="Default: mmbench, or the only task of its form.")
    ] = None,
    predictions: Annotated[
        str,
        typer.Option("--predictions", metavar="raw|letter", help="What the model wrote, or the letter read from it."),
    ] = "raw",
) -> None:
    """Write MMBench's submission file (xlsx, as VLMEvalKit does), for splits with or without gold answers."""
    from lrm_eval import languages
    from lrm_eval.errors import UsageError
    from lrm_eval.exports.mmbench import submission_rows, workbook
    from lrm_eval.runs import RunFolder
    from lrm_eval.runs.files import write_atomic

    if out is not None and out.suffix.lower() != ".xlsx":
        raise UsageError(f"--out {out}: a submission ends in .xlsx")
    folder = RunFolder.open(run)
    tag = None if lang is None else languages.get(lang).tag
    cell, rows = submission_rows(folder, tag, predictions, task)  # type: ignore[arg-type]  # checked there
    path = out or folder.path / f"submission-{cell.task}-{cell.language}.xlsx"
    write_atomic(path, workbook(rows))
    sys.stdout.write(f"{path}: {len(rows)} rows\n")
