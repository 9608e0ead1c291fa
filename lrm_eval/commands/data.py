"""`lrm-eval data`: download benchmarks, make and check language packs."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrm_eval.commands import data_packs
from lrm_eval.commands.data_options import (
    Data,
    IncludePaths,
    Json,
    Langs,
    Show,
    TaskArgument,
    consoles,
    languages_of,
    print_json,
    say,
    source_of,
    task_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.tasks.model import Task

app = typer.Typer(
    name="data",
    help="Download benchmarks; build, import, audit and verify language packs.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


@app.command()
def fetch(
    tasks: Annotated[list[str], typer.Argument(metavar="TASK…", help="`lrm-eval tasks` lists them.")],
    langs: Annotated[
        str | None,
        typer.Option("--lang", "--langs", metavar="L,…", help="Only what these languages need. Default: all there is."),
    ] = None,
    include_path: IncludePaths = None,
    json: Json = False,
) -> None:
    """Download the data of tasks from the model hub and lock its revision."""
    from lrm_eval.data import hub
    from lrm_eval.errors import UsageError
    from lrm_eval.translation.show import counted

    out, _ = consoles(json)
    chosen = [task_of(name, include_path) for name in dict.fromkeys(tasks)]
    results: list[dict[str, Any]] = []
    for task in chosen:
        tags = [language.tag for language in languages_of(langs)] if langs else list(task.languages)
        # A native task has a split a language, and its English is one language among others.
        wanted = (task.dataset_of(tag) for tag in (tags if task.native else ("en", *tags)))
        datasets = {(data.path, data.config, data.split): data for data in wanted}
        for dataset in datasets.values():
            if dataset.manual is not None:
                raise UsageError(f"{task.name}: {dataset.manual}; then give it with --data {task.name}=PATH")
            if dataset.path is None:
                say(out, f"{task.name}: comes with the task, nothing to download")
                results.append({"task": task.name, "dataset": None, "files": []})
                continue
            known = hub.fetched(dataset) is not None
            found = hub.fetch(dataset)
            files = [str(path) for _, path in found.files]
            size = sum(path.stat().st_size for _, path in found.files)
            state = "is here already" if known else "downloaded"
            name = dataset.path if dataset.config == "default" else f"{dataset.path} ({dataset.config})"
            extent = f"{counted(len(files), 'file')}, {size / 1e6:.1f} MB, revision {found.revision}"
            say(out, f"{task.name}: {name} {state}: {extent}")
            results.append(
                {
                    "task": task.name,
                    "dataset": dataset.path,
                    "config": dataset.config,
                    "revision": found.revision,
                    "bytes": size,
                    "files": files,
                }
            )
    if json:
        print_json({"fetched": results})


app.command(name="import")(data_packs.import_)
app.command()(data_packs.build)
app.command()(data_packs.texts)


@app.command()
def audit(
    task: TaskArgument,
    langs: Langs,
    pack: Annotated[
        str | None,
        typer.Option("--pack", metavar="FILE", help="A pack, {lang} for the language. Default: what a run would use."),
    ] = None,
    second: Annotated[
        str | None,
        typer.Option("--second", metavar="PACK|SPEC", help="Another translation, to measure how far both agree."),
    ] = None,
    agreement: Annotated[
        Path | None, typer.Option("--agreement", metavar="FILE", help="Where the agreement goes, for `table bleu`.")
    ] = None,
    back: Annotated[
        str | None, typer.Option("--back", metavar="SPEC", help="A translator, to translate back into English.")
    ] = None,
    comet: Annotated[bool, typer.Option("--comet", help="Score the questions with COMET, without references.")] = False,
    comet_command: Annotated[
        str | None, typer.Option("--comet-command", metavar="FILE", help="Its program comet-score.")
    ] = None,
    comet_model: Annotated[
        str | None, typer.Option("--comet-model", metavar="NAME", help="A model of COMET's.")
    ] = None,
    glossary: Annotated[
        Path | None, typer.Option("--glossary", metavar="FILE", help="Terms and names to keep to.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="A page, the worst items first.")] = None,
    base_url: Annotated[str | None, typer.Option("--base-url", metavar="URL", help="Of the translators.")] = None,
    key_env: Annotated[str, typer.Option("--key-env", metavar="NAME", help="Holds the key.")] = "OPENAI_API_KEY",
    data: Data = None,
    include_path: IncludePaths = None,
    show: Show = 3,
    json: Json = False,
) -> None:
    """Hold language packs against the English data. Exit status 1 if there are errors; warnings do not count."""
    from lrm_eval.commands import auditing
    from lrm_eval.translation.glossary import EMPTY, read_glossary
    from lrm_eval.translation.translators import Options

    out, _ = consoles(json)
    asked = task_of(task, include_path)
    terms = read_glossary(glossary) if glossary is not None else EMPTY
    request = auditing.Request(
        asked,
        languages_of(langs),
        pack,
        second,
        back,
        comet or comet_command is not None,
        comet_command,
        comet_model,
        terms,
        Options(base_url, key_env, glossary=terms),
        source_of(asked, data),
    )
    found = auditing.reports(request)
    if json:
        print_json({"audits": [auditing.as_dict(asked.name, report) for report in found]})
    else:
        auditing.show(request, found, out, show)
    for path in auditing.write(request, found, html, agreement):
        say(out, str(path))
    if not all(report.audit.ok for report in found):
        raise typer.Exit(1)


@app.command()
def verify(
    tasks: Annotated[list[str] | None, typer.Argument(metavar="TASK…", help="Default: all.")] = None,
    include_path: IncludePaths = None,
    json: Json = False,
) -> None:
    """Check the hashes of language packs and of downloaded data."""
    from lrm_eval.commands import checks
    from lrm_eval.tasks import list_tasks
    from lrm_eval.translation.verify import verify as check

    chosen: Sequence[Task] = (
        [task_of(name, include_path) for name in dict.fromkeys(tasks)] if tasks else list_tasks(include_path or ())
    )
    found = check(chosen)
    if json:
        print_json(checks.as_json(found))
    else:
        checks.print_checks(found, consoles()[0])
    if any(item.ok is False for item in found):
        raise typer.Exit(1)
