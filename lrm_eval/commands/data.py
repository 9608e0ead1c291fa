"""`lrm-eval data`: download benchmarks, make and check language packs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.translation.storing import Made

app = typer.Typer(
    name="data",
    help="Download benchmarks; build, import, audit and verify language packs.",
    context_settings={"help_option_names": ["-h", "--help"]},
)

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="`lrm-eval tasks` lists them.")]
Langs = Annotated[str, typer.Option("--lang", "--langs", metavar="L,…", help="Tags or names: sw,am,hr.")]
Data = Annotated[
    str | None, typer.Option("--data", metavar="[TASK=]PATH", help="Local English data instead of the task's own.")
]
IncludePaths = Annotated[
    list[Path] | None, typer.Option("--include-path", metavar="DIR", help="Folder with more tasks and packs.")
]
Replace = Annotated[bool, typer.Option("--replace", help="Put the new pack in the place of one that is there.")]
Licence = Annotated[str, typer.Option("--licence", metavar="TEXT", help="Of the translation. Default: the data's.")]
Contact = Annotated[str, typer.Option("--contact", metavar="TEXT", help="Whom to ask about the translation.")]
Show = Annotated[int, typer.Option("--show", metavar="N", help="Findings printed of each check.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]


def _consoles(as_json: bool = False) -> tuple[Console, Console]:
    from rich.console import Console

    err = Console(stderr=True, width=None if sys.stderr.isatty() else 120)
    return err if as_json else Console(width=None if sys.stdout.isatty() else 120), err


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def _task(name: str, include_path: list[Path] | None) -> Task:
    from lrm_eval.tasks import load_task

    return load_task(name, include_path or ())


def _languages(spec: str) -> list[Language]:
    from lrm_eval.languages import all_languages, resolve

    return resolve(spec, [language.tag for language in all_languages() if language.tag != "en"])


def _source(task: Task, data: str | None) -> Path | None:
    return Path(data.removeprefix(f"{task.name}=")) if data else None


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

    out, _ = _consoles(json)
    chosen = [_task(name, include_path) for name in dict.fromkeys(tasks)]
    results: list[dict[str, Any]] = []
    for task in chosen:
        tags = [language.tag for language in _languages(langs)] if langs else list(task.languages)
        # A native task has a split a language, and its English is one language among others.
        wanted = (task.dataset_of(tag) for tag in (tags if task.native else ("en", *tags)))
        datasets = {(data.path, data.config, data.split): data for data in wanted}
        for dataset in datasets.values():
            if dataset.manual is not None:
                raise UsageError(f"{task.name}: {dataset.manual}; then give it with --data {task.name}=PATH")
            if dataset.path is None:
                _say(out, f"{task.name}: comes with the task, nothing to download")
                results.append({"task": task.name, "dataset": None, "files": []})
                continue
            known = hub.fetched(dataset) is not None
            found = hub.fetch(dataset)
            files = [str(path) for _, path in found.files]
            size = sum(path.stat().st_size for _, path in found.files)
            state = "is here already" if known else "downloaded"
            name = dataset.path if dataset.config == "default" else f"{dataset.path} ({dataset.config})"
            extent = f"{counted(len(files), 'file')}, {size / 1e6:.1f} MB, revision {found.revision}"
            _say(out, f"{task.name}: {name} {state}: {extent}")
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
        _print_json({"fetched": results})


@app.command(name="import")
def import_(
    task: TaskArgument,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE…", help="JSONL, TSV, CSV or parquet with translations. Not needed with --from."),
    ] = None,
    lang: Annotated[
        str, typer.Option("--lang", "--langs", metavar="L", help="The language of the texts; with --from, L,… too.")
    ] = "",
    provenance: Annotated[
        str | None,
        typer.Option(
            "--provenance",
            metavar="P",
            help="human, machine, either with -localized, machine-verified, lm, lm-verified, found, created.",
        ),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option("--from", metavar="NAME", help="A translation that is known (--from list): parrot, mhr, …"),
    ] = None,
    data: Data = None,
    first_pass: Annotated[
        bool, typer.Option("--first-pass", help="MMBench: take the first pass of a question and turn its options.")
    ] = False,
    part: Annotated[
        bool, typer.Option("--part", help="A part is enough: leave out what cannot be used or is not there.")
    ] = False,
    replace: Replace = False,
    licence: Licence = "",
    contact: Contact = "",
    include_path: IncludePaths = None,
    show: Show = 3,
) -> None:
    """Make a language pack from a table that somebody translated."""
    from lrm_eval.commands import importing

    out, err = _consoles()
    asked = _task(task, include_path)
    request = importing.Request(
        asked, tuple(files or ()), provenance, origin, _source(asked, data), first_pass, part, replace, licence, contact
    )
    if origin == importing.LIST:
        importing.print_sources(asked, out)
        return
    importing.import_languages(
        request,
        _languages(lang) if lang else [],
        out,
        err,
        lambda language, made: _finish(asked, language, made, out, show),
    )


@app.command()
def build(
    task: TaskArgument,
    langs: Langs,
    translator: Annotated[
        str | None,
        typer.Option(
            "--translator", metavar="SPEC", help="openai:MODEL (chat server), hf:NAME or hf:FOLDER, google:PROJECT."
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", metavar="URL", help="Chat server, up to and including /v1; Google: an endpoint."),
    ] = None,
    key_env: Annotated[
        str, typer.Option("--key-env", metavar="NAME", help="Environment variable that holds the server's key.")
    ] = "OPENAI_API_KEY",
    concurrency: Annotated[int, typer.Option("--concurrency", metavar="N", help="Requests at once.")] = 4,
    timeout: Annotated[float, typer.Option("--timeout", metavar="S", help="Seconds a server may take.")] = 120.0,
    device: Annotated[str | None, typer.Option("--device", metavar="D", help="cpu, cuda, … (hf:).")] = None,
    dtype: Annotated[str | None, typer.Option("--dtype", metavar="T", help="float32, bfloat16, float16 (hf:).")] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", metavar="N", help="Texts at once (hf:).")] = 16,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="M",
            help="template: by the task's lexicon alone; translator: without it; auto: both, the lexicon first.",
        ),
    ] = "auto",
    given: Annotated[
        Path | None,
        typer.Option("--given", metavar="FILE", help="Translations by people: CSV, TSV, PO, XLIFF. They win."),
    ] = None,
    glossary: Annotated[
        Path | None,
        typer.Option("--glossary", metavar="FILE", help="Terms and names: columns source, translation (empty: keep)."),
    ] = None,
    price: Annotated[
        str | None,
        typer.Option("--price", metavar="P", help="US dollars per million characters, or tokens sent,received."),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", metavar="USD", help="Send nothing if it may cost more.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what there is to do, its cost and time; stop.")
    ] = False,
    part: Annotated[
        bool, typer.Option("--part", help="A pack of what the task's lexicon words; the rest is left out of runs.")
    ] = False,
    data: Data = None,
    replace: Replace = False,
    licence: Licence = "",
    contact: Contact = "",
    include_path: IncludePaths = None,
    show: Show = 3,
) -> None:
    """Make language packs: by template where the task has a lexicon, else with a translator or from people's texts.

    A build that was stopped goes on where it was.
    """
    from lrm_eval.commands import building
    from lrm_eval.translation.glossary import EMPTY, read_glossary
    from lrm_eval.translation.translators import Options
    from lrm_eval.translation.workflow import Orders

    out, err = _consoles()
    asked = _task(task, include_path)
    terms = read_glossary(glossary) if glossary is not None else EMPTY
    options = Options(base_url, key_env, concurrency, timeout, device, dtype, batch_size, terms, price)
    orders = Orders(given, terms, method != "translator", replace, licence, contact, max_cost, dry_run)
    order = building.Build(asked, _languages(langs), method, translator, options, orders, _source(asked, data), part)
    if not building.build(order, out, err, lambda language, made: _show(asked, language, made, out, show)):
        raise typer.Exit(1)


@app.command()
def texts(
    task: TaskArgument,
    lang: Annotated[str, typer.Option("--lang", metavar="L", help="The language to translate into.")],
    path: Annotated[Path, typer.Option("--out", metavar="FILE", help="Ends in .csv, .tsv, .po, .xlf or .xliff.")],
    drafts: Annotated[bool, typer.Option("--drafts", help="Start from the texts of the pack that is there.")] = False,
    data: Data = None,
    include_path: IncludePaths = None,
) -> None:
    """Write the texts of a task to a file for people who translate; `build --given` takes it back."""
    from lrm_eval.commands.building import write_texts
    from lrm_eval.languages import get

    asked = _task(task, include_path)
    write_texts(asked, get(lang), path, _source(asked, data), drafts, _consoles()[0])


def _finish(task: Task, language: Language, made: Made, out: Console, show: int) -> None:
    if not _show(task, language, made, out, show):
        raise typer.Exit(1)


def _show(task: Task, language: Language, made: Made, out: Console, show: int) -> bool:
    from lrm_eval.translation.show import print_audit

    assert made.audit is not None, "a pack that was written was audited"
    print_audit(task.name, language, made.audit, out, show)
    _say(out, f"pack: {made.pack}")
    return made.audit.ok


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

    out, _ = _consoles(json)
    asked = _task(task, include_path)
    terms = read_glossary(glossary) if glossary is not None else EMPTY
    request = auditing.Request(
        asked,
        _languages(langs),
        pack,
        second,
        back,
        comet or comet_command is not None,
        comet_command,
        comet_model,
        terms,
        Options(base_url, key_env, glossary=terms),
        _source(asked, data),
    )
    found = auditing.reports(request)
    if json:
        _print_json({"audits": [auditing.as_dict(asked.name, report) for report in found]})
    else:
        auditing.show(request, found, out, show)
    for path in auditing.write(request, found, html, agreement):
        _say(out, str(path))
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
        [_task(name, include_path) for name in dict.fromkeys(tasks)] if tasks else list_tasks(include_path or ())
    )
    found = check(chosen)
    if json:
        _print_json(checks.as_json(found))
    else:
        checks.print_checks(found, _consoles()[0])
    if any(item.ok is False for item in found):
        raise typer.Exit(1)


def _say(console: Console, text: str) -> None:
    console.print(" ".join(text.split()), markup=False, highlight=False, soft_wrap=True)
