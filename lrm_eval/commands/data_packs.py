"""`lrm-eval data build`, `texts` and `import`: the verbs that make language packs."""

from __future__ import annotations

from functools import partial
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from lrm_eval.commands.data_options import (
    Contact,
    Data,
    DataOfTasks,
    IncludePaths,
    Langs,
    Licence,
    Replace,
    Show,
    TaskArgument,
    TasksArgument,
    consoles,
    finish,
    languages_of,
    show_pack,
    source_of,
    sources_of,
    task_of,
)
from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.translation.storing import Made


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

    out, err = consoles()
    asked = task_of(task, include_path)
    request = importing.Request(
        asked,
        tuple(files or ()),
        provenance,
        origin,
        source_of(asked, data),
        first_pass,
        part,
        replace,
        licence,
        contact,
    )
    if origin == importing.LIST:
        importing.print_sources(asked, out)
        return
    importing.import_languages(
        request,
        languages_of(lang) if lang else [],
        out,
        err,
        lambda language, made: finish(asked, language, made, out, show),
    )


def build(
    tasks: TasksArgument,
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
    data: DataOfTasks = None,
    replace: Replace = False,
    licence: Licence = "",
    contact: Contact = "",
    include_path: IncludePaths = None,
    show: Show = 3,
) -> None:
    """Make language packs: by template where the task has a lexicon, else with a translator or from people's texts.

    Several tasks are built one after the other. A build that was stopped goes on where it was.
    """
    from lrm_eval.commands import building
    from lrm_eval.translation.glossary import EMPTY, read_glossary
    from lrm_eval.translation.translators import Options
    from lrm_eval.translation.workflow import Orders

    out, err = consoles()
    asked = [task_of(name, include_path) for name in dict.fromkeys(tasks.replace(",", " ").split())]
    if not asked:
        raise UsageError("which task? `lrm-eval tasks` lists them")
    sources = sources_of(asked, data or ())
    if given is not None and len(asked) > 1:
        raise UsageError("--given names the texts of one task: name one task")
    terms = read_glossary(glossary) if glossary is not None else EMPTY
    options = Options(base_url, key_env, concurrency, timeout, device, dtype, batch_size, terms, price)
    orders = Orders(given, terms, method != "translator", replace, licence, contact, max_cost, dry_run)
    fine = True
    for task in asked:
        order = building.Build(
            task, languages_of(langs), method, translator, options, orders, sources.get(task.name), part
        )
        fine &= building.build(order, out, err, partial(_told, task, out, show))
    if not fine:
        raise typer.Exit(1)


def _told(task: Task, out: Console, show: int, language: Language, made: Made) -> bool:
    return show_pack(task, language, made, out, show)


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

    asked = task_of(task, include_path)
    write_texts(asked, get(lang), path, source_of(asked, data), drafts, consoles()[0])
