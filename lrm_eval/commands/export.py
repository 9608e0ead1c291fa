"""`lrm-eval export`: runs in the forms of other programs."""

from __future__ import annotations

import sys
from pathlib import Path
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


Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]


@app.command()
def vlmevalkit(
    run: Run,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PATH", help="File. Default: <run>/<model>_<task>_<lang>.xlsx.")
    ] = None,
    lang: Annotated[
        str | None, typer.Option("--lang", metavar="L", help="Default: the run's only language, or en.")
    ] = None,
    task: Annotated[str | None, typer.Option("--task", metavar="T", help="Default: the first of its form.")] = None,
) -> None:
    """Write the answers to MME, POPE, SEED-Bench or MMBench as VLMEvalKit's table (xlsx)."""
    from lrm_eval import languages
    from lrm_eval.errors import UsageError
    from lrm_eval.exports.mmbench import workbook
    from lrm_eval.exports.vlmevalkit import file_name, table_rows
    from lrm_eval.runs import RunFolder
    from lrm_eval.runs.files import write_atomic

    if out is not None and out.suffix.lower() != ".xlsx":
        raise UsageError(f"--out {out}: a table of VLMEvalKit ends in .xlsx")
    folder = RunFolder.open(run)
    cell, rows = table_rows(folder, None if lang is None else languages.get(lang).tag, task)
    path = out or folder.path / file_name(str(folder.manifest()["model"]["name"]), cell)
    write_atomic(path, workbook(rows))
    sys.stdout.write(f"{path}: {len(rows)} rows\n")


@app.command("lmms-eval")
def lmms_eval(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New folder, for `lmms-eval --include_path DIR`.")],
    tasks: Annotated[str, typer.Option("--tasks", metavar="T,…", help="`lrm-eval tasks` lists them.")],
    langs: Annotated[str, typer.Option("--langs", metavar="L,…", help="As for `lrm-eval run`.")],
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="TASK=PATH", help="Local data of the task: folder, parquet, TSV, JSONL."),
    ] = None,
    rules: Annotated[
        str, typer.Option("--rules", metavar="official|multilingual", help="How answers are read there.")
    ] = "multilingual",
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="Questions per task and language, whole groups.")
    ] = None,
    include_path: Annotated[
        list[Path] | None, typer.Option("--include-path", metavar="DIR", help="Folder with more tasks and languages.")
    ] = None,
) -> None:
    """Write tasks that lmms-eval runs, with the prompts and scores of this harness."""
    from lrm_eval.commands import options
    from lrm_eval.errors import unknown
    from lrm_eval.exports.lmms_eval import export_lmms_eval
    from lrm_eval.exports.selection import choose
    from lrm_eval.types import RULES

    if rules not in RULES:
        raise unknown("rules", rules, RULES)
    chosen, languages = choose(
        options.split(tasks) or [], langs, dict(options.parse_data(data or [])), include_path or ()
    )
    made = export_lmms_eval(folder, chosen, languages, rules, limit)
    for each in made:
        sys.stdout.write(f"{each.name}: {each.questions} questions\n")
    names = ",".join(each.name for each in made)
    sys.stdout.write(f"lmms-eval --model … --include_path {folder} --tasks {names}\n")


@app.command()
def eee(
    run: Run,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Root of the data base: data/… is written in it.")],
    organization: Annotated[str, typer.Option("--organization", metavar="NAME", help="Who ran the evaluation.")],
    model_id: Annotated[
        str, typer.Option("--model-id", metavar="DEVELOPER/MODEL", help="Default: the hub's name of the weights.")
    ] = "",
    relationship: Annotated[
        str,
        typer.Option(
            "--relationship",
            metavar="R",
            help="To the model's developer: first_party, third_party, collaborative, other.",
        ),
    ] = "third_party",
    samples: Annotated[
        bool, typer.Option("--samples", help="With questions and answers: mind the benchmark's licence.")
    ] = False,
) -> None:
    """Write the scores in the form of Every Eval Ever."""
    from lrm_eval.exports.eee import Reporter, evaluation
    from lrm_eval.runs import RunFolder
    from lrm_eval.runs.files import write_atomic

    reporter = Reporter(organization, relationship, model_id)  # type: ignore[arg-type]  # checked there
    made = evaluation(RunFolder.open(run), reporter, samples)
    # The aggregate last: it names the samples, and must not stand there without them.
    for path in reversed(list(made.files)):
        write_atomic(out / path, made.files[path])
    aggregate = next(iter(made.files))
    tail = f", {made.samples} questions" if samples else ""
    sys.stdout.write(f"{out / aggregate}: {made.scores} scores{tail}\n")


@app.command()
def hub(
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="A data set repository; made if need be.")],
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Run folders.")],
    responses: Annotated[
        bool,
        typer.Option("--responses", help="With questions and answers: mind the benchmark's licence."),
    ] = False,
    public: Annotated[bool, typer.Option("--public", help="A repository made now can be seen by everybody.")] = False,
) -> None:
    """Put scores and readings into a data set repository of the Hugging Face hub."""
    from lrm_eval.exports.hub import push
    from lrm_eval.runs import RunFolder

    address, count = push(repository, [RunFolder.open(run) for run in runs], responses, public)
    sys.stdout.write(f"{address}: {count} files\n")
