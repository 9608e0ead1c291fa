"""`lrm-llava data translate` and `build` as their user sees them."""

from __future__ import annotations

import sys
import time
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from lrm_eval.languages import Language
    from lrm_eval.translation.estimate import Estimate
    from lrm_llava.data.translate import Todo

_EVERY = 10.0  # seconds between lines where there is no terminal


class Watcher:
    """Plan and cost before anything is sent; then a bar on a terminal, a line every ten seconds elsewhere."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._done = self._total = 0
        self._begin = self._last = 0.0

    def planned(self, language: Language, todo: Todo, cost: Estimate) -> None:
        """See `Observer`."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from lrm_eval.translation.estimate import shown

        kept = f", {todo.cached:,} from the cache" if todo.cached else ""
        kept += f", {todo.people:,} by people" if todo.people else ""
        unusable = f" ({todo.unusable:,} cannot be trained on)" if todo.unusable else ""
        _say(f"{language.name}: {todo.records:,} records{unusable}, {todo.texts:,} texts{kept}")
        if todo.left and not cost.seconds:  # nobody but people translates
            _say(f"{todo.left:,} without a translation")
        elif todo.left:
            _say(f"{todo.left:,} to translate in {todo.calls:,} calls, {todo.characters:,} characters: {shown(cost)}")
        self._done, self._total = 0, todo.left
        self._begin = self._last = time.monotonic()
        console = Console(stderr=True)
        if console.is_terminal and todo.left:
            columns = (TextColumn(language.tag), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=console)
            self._bar.add_task("", total=todo.left)
            self._bar.start()

    def advance(self, texts: int) -> None:
        """See `Observer`."""
        self._done += texts
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0], texts)
            return
        now = time.monotonic()
        if now - self._last > _EVERY:
            self._last = now
            left = (self._total - self._done) * (now - self._begin) / self._done
            _say(f"{self._done:,} of {self._total:,} texts, about {left / 60:.0f} min left")

    def ended(self) -> None:
        """See `Observer`."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def translate(
    file: Annotated[Path, typer.Argument(help="LLaVA conversations: a JSON array or JSON lines.")],
    langs: Annotated[str, typer.Option("--langs", "--lang", help="Tags or names: sw,am,hr.")],
    translator: Annotated[
        str | None,
        typer.Option(help="openai:MODEL (chat server), hf:NAME or hf:FOLDER (seq2seq), google:PROJECT."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="LANG.jsonl goes there; by default translations/NAME beside the file.")
    ] = None,
    given: Annotated[
        Path | None, typer.Option(help="Translations by people: CSV, TSV, PO, XLIFF. They win; alone they are enough.")
    ] = None,
    texts: Annotated[
        Path | None, typer.Option(help="Write the texts to a file for people (.csv, .tsv, .po, .xliff), and stop.")
    ] = None,
    glossary: Annotated[Path | None, typer.Option(help="Terms and names: columns source, translation.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Chat server, up to and including /v1.")] = None,
    key_env: Annotated[str, typer.Option(help="Environment variable with the server's key.")] = "OPENAI_API_KEY",
    concurrency: Annotated[int, typer.Option(help="Requests at once.")] = 4,
    timeout: Annotated[float, typer.Option(help="Seconds a server may take.")] = 120.0,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, … (hf:).")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16, float16 (hf:).")] = None,
    batch_size: Annotated[int, typer.Option(help="Texts at once (hf:).")] = 16,
    price: Annotated[
        str | None, typer.Option(help="US dollars per million characters, or tokens sent,received.")
    ] = None,
    max_cost: Annotated[float | None, typer.Option(help="Send nothing if it may cost more (US dollars).")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what there is to do and what it costs; stop.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="In place of a translation that is there.")] = False,
) -> None:
    """Translate conversations for `lrm-llava data build`; cost first, and a run that stopped goes on.

    Code, formulas, `<image>`, the letters of options and format instructions are kept from the translator.
    """
    from lrm_eval.commands.data_options import languages_of
    from lrm_eval.errors import RunError, UsageError
    from lrm_eval.translation.glossary import EMPTY, read_glossary
    from lrm_eval.translation.texts import read_given
    from lrm_eval.translation.translators import Options, Translator, make_translator
    from lrm_eval.translation.translators.people import PeopleOnly
    from lrm_llava.data.for_people import write_for_people
    from lrm_llava.data.translate import Orders, translate_file

    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    languages = languages_of(langs)
    if len(languages) > 1 and (given is not None or texts is not None):
        raise UsageError("--given and --texts are files in one language: name one with --lang")
    if texts is not None:
        count = write_for_people(file, texts, languages[0])
        where = f" --out {out}" if out is not None else ""
        back = f"lrm-llava data translate {file}{where} --lang {languages[0].tag} --given {texts}"
        _say(f"{texts}: {count:,} texts; when it is back: {back}")
        return
    terms = read_glossary(glossary) if glossary is not None else EMPTY
    maker: Translator
    if translator is not None:
        options = Options(
            base_url, key_env, concurrency, timeout, device, dtype, batch_size, terms, price, conversations=True
        )
        maker = make_translator(translator, options)
    elif given is not None:
        maker = PeopleOnly(given)
    else:
        raise UsageError("who translates? --translator openai:MODEL, hf:NAME or google:PROJECT, or --given FILE")
    folder = out or file.parent / "translations" / file.stem
    unfinished = []
    for language in languages:
        people = read_given(given, language) if given is not None else {}
        sentences = translator is not None and translator.startswith("hf:")
        orders = Orders(people, terms, sentences, replace, max_cost, dry_run)
        outcome = translate_file(file, folder, language, maker, Watcher(), orders)
        doubtful = ", ".join(f"{name} {count:,}" for name, count in outcome.kinds.most_common())
        marked = f"; {outcome.marked:,} marked as doubtful ({doubtful})" if outcome.marked else ""
        if outcome.path is not None:
            _say(f"{outcome.path}: {outcome.written:,} records{marked}")
        if outcome.failures is not None:
            _say(f"{language.tag}: {outcome.left_out:,} records left out, first {outcome.first}")
            unfinished.append(str(outcome.failures))
    if unfinished:
        raise RunError(
            f"texts without a translation are in {', '.join(unfinished)}: fill in the column 'translation' and add "
            "--given FILE, or type the same again"
        )


def build(
    recipe: Annotated[str, typer.Option(help="A name that `lrm-llava recipes` lists.")],
    stage: Annotated[int, typer.Option(min=1, max=2)],
    sources: Annotated[Path, typer.Option(help="Folder with the sources' files, images and translations/.")],
    out: Annotated[Path | None, typer.Option(help="stage1/ and stage2/ are made in it; by default in SOURCES.")] = None,
    format_: Annotated[
        str, typer.Option("--format", help="jsonl, or webdataset: tars that hold the images too.")
    ] = "jsonl",
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Change the recipe, e.g. --set stage2.steps=4000.")
    ] = None,
) -> None:
    """Mix sources and translations to a recipe; a stopped build goes on at its last whole shard."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from lrm_llava.data.build import build_stage
    from lrm_llava.data.shards import format_of
    from lrm_llava.recipes import load_recipe

    form = format_of(format_)
    columns = (SpinnerColumn(), TextColumn("records"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        job = bar.add_task("records", total=None)
        total = build_stage(
            load_recipe(recipe, changes or []), stage, sources, out or sources, _log,
            lambda count: bar.advance(job, count), form=form,
        )  # fmt: skip
    english = sum(count for (_, _, instruction), count in total.samples.items() if not instruction)
    every = sum(total.samples.values())
    _log(f"stage {stage}: {every:,} samples, {english / max(every, 1):.1%} of them plain English")
    for reason, count in total.dropped.most_common():
        _log(f"left out {count:,}: {reason} (first: {total.examples[reason]})")
    if total.marked:
        _log(f"{sum(total.marked.values()):,} translations that are marked as doubtful were used")


def _log(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


def _say(line: str) -> None:
    sys.stdout.write(f"{' '.join(line.split())}\n")
    sys.stdout.flush()
