"""Table 1 (four benchmarks in ten languages) and table 2 (agreement of two translations)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lrm_eval.reporting.grid import Grid, GridCell, GridRow
from lrm_eval.reporting.names import benchmark_of, interval, number, task_title
from lrm_eval.reporting.published import LANGUAGES, PAPER, load
from lrm_eval.reporting.separable import standings
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.reporting.gather import GatheredRun
    from lrm_eval.translation.agreement import Agreement
    from lrm_eval.types import ScoreRow

_BENCHMARKS = ("mme", "pope", "seedbench", "mmbench")
BLANK = "Blank: neither published nor among these runs."


def main_table(gathered: Sequence[GatheredRun], published: bool, languages: Sequence[str] = LANGUAGES) -> Grid:
    """Table 1: blocks of benchmarks, lines of models, columns of languages.

    In each column of a block the best of our runs is bold, and those that are not separable from it are underlined
    (`lrm_eval.reporting.separable`). Published numbers have no intervals and can be tested against nothing: they
    are never marked.
    """
    rows: list[GridRow] = []
    printed = load("table1_main") if published else None
    for benchmark in _BENCHMARKS:
        lines: list[GridRow] = []
        for line in printed.rows if printed else ():
            if printed and line["benchmark"] == benchmark:
                cells = (GridCell(number(printed.number(line, tag)) if line.get(tag) else "") for tag in languages)
                lines.append(GridRow((GridCell(line["model"]), GridCell("published"), *cells)))
        rows += _block(task_title(benchmark), [*lines, *_our_lines(gathered, benchmark, languages)])
    # Tiny tasks are other questions: blocks of their own, never beside published numbers.
    for task in _other_tasks(gathered):
        rows += _block(f"{task_title(task)} (not comparable with the paper)", _our_lines(gathered, task, languages))
    ten = tuple(languages) == LANGUAGES
    title = "Table 1: four benchmarks in ten languages" if ten else "Four benchmarks in the form of table 1"
    columns = ("model", "source", *languages)
    return Grid(title, columns, tuple(rows), (*_main_notes(gathered, published, languages), BLANK), 2, "main")


def _block(title: str, lines: Sequence[GridRow]) -> list[GridRow]:
    return [GridRow((GridCell(title),), head=True), *lines] if lines else []


def _other_tasks(gathered: Sequence[GatheredRun]) -> list[str]:
    tasks = {row.task for one in gathered for row in one.rows if row.condition == DEFAULT_CONDITION} - {*_BENCHMARKS}
    place = {f"tiny-{name}": index for index, name in enumerate(_BENCHMARKS)}
    return sorted(tasks, key=lambda task: (place.get(task, len(place)), task))


def _main_notes(gathered: Sequence[GatheredRun], published: bool, languages: Sequence[str]) -> list[str]:
    notes = [
        "MME: perception, maximum 2000; POPE: mean F1; SEED-Bench: image accuracy; MMBench: CircularEval accuracy."
    ]
    if published:
        notes.append(f"Published: numbers as printed in {PAPER}; they have no intervals.")
    if gathered:
        notes.append(
            "Ours: multilingual rules, 95 % intervals in brackets. Of our runs the best in a column is bold, and "
            "those that are not separable from it on the same questions are marked too (underlined or in italics)."
        )
        others = sorted({row.language for one in gathered for row in one.rows} - set(languages))
        if others:
            which = "Not among the paper's ten languages" if tuple(languages) == LANGUAGES else "Not asked for"
            notes.append(f"{which} and so not shown: {', '.join(others)}.")
    return notes


def _our_lines(gathered: Sequence[GatheredRun], task: str, languages: Sequence[str]) -> list[GridRow]:
    found: dict[str, dict[str, tuple[GatheredRun, ScoreRow]]] = {}
    for one in gathered:
        cells = primary_rows(one, task)
        if cells.keys() & set(languages):
            found.setdefault(one.name, {}).update({tag: (one, row) for tag, row in cells.items()})
    places = {tag: standings({model: own[tag] for model, own in found.items() if tag in own}) for tag in languages}
    lines = []
    for model, own in found.items():
        texts = tuple(score_cell(own[tag][1] if tag in own else None, places[tag].get(model, "")) for tag in languages)
        lines.append(GridRow((GridCell(model), GridCell("ours"), *texts), ours=True))
    return lines


def primary_rows(one: GatheredRun, task: str) -> dict[str, ScoreRow]:
    """The headline rows of a run on a task by language: multilingual rules, default condition."""
    return {
        row.language: row
        for row in reversed(one.rows)
        if row.task == task and row.rules == "multilingual" and row.primary and row.condition == DEFAULT_CONDITION
    }


def score_cell(row: ScoreRow | None, standing: str = "") -> GridCell:
    """A score with its interval; blank where there is none."""
    if row is None or row.value is None or not math.isfinite(row.value):
        return GridCell()
    return GridCell(number(row.value), standing == "best", interval(row.ci_low, row.ci_high), standing == "near")


def bleu_table(agreements: Sequence[Agreement], published: bool) -> Grid:
    """Table 2: how far two translations of each benchmark agree, mean over languages.

    Args:
        agreements: measured by `lrm-eval data audit --second`; none for the published numbers alone.
        published: puts the paper's own numbers into the table.
    """
    printed = load("table2_translation_bleu") if published else None
    column = "avg_bleu_google_vs_gpt4o_9_languages"
    values = {line["benchmark"]: printed.number(line, column) for line in printed.rows} if printed else {}
    tasks = [*_BENCHMARKS, *sorted({one.task for one in agreements} - set(_BENCHMARKS))]
    rows = []
    for task in tasks:
        theirs = (GridCell("" if values.get(task) is None else number(values[task], 2)),) if printed else ()
        ours = _agreed([one for one in agreements if one.task == task]) if agreements else ()
        rows.append(GridRow((GridCell(task_title(task)), *theirs, *ours), ours=bool(ours)))
    measured = ("BLEU", "chrF2++", "languages") if agreements else ()
    notes = []
    if printed:
        notes.append(f"Published: Google Translate against GPT-4o, mean of nine languages, as printed in {PAPER}.")
    for pair in dict.fromkeys((one.first, one.second) for one in agreements):
        notes.append(f"Ours: {pair[0]} against {pair[1]}, means over the languages named.")
    signatures: dict[str, list[str]] = {}
    for one in agreements:
        for signature in (f"BLEU {one.bleu_signature}", f"chrF2++ {one.chrf_signature}"):
            signatures.setdefault(signature, []).append(one.language)
    notes += [f"{signature}: {', '.join(sorted(set(tags)))}." for signature, tags in signatures.items()]
    if not agreements:
        notes.append("Ours: `lrm-eval data audit TASK --langs … --second … --agreement FILE`, then name the file here.")
    columns = ("benchmark", *(("published",) if printed else ()), *measured)
    return Grid("Table 2: agreement of two translations", columns, tuple(rows), tuple(notes), 1, "bleu")


def _agreed(found: Sequence[Agreement]) -> tuple[GridCell, ...]:
    if not found:
        return (GridCell(), GridCell(), GridCell())
    means = (sum(getattr(one, name) for one in found) / len(found) for name in ("bleu", "chrf"))
    tags = ", ".join(sorted(one.language for one in found))
    return (*(GridCell(number(mean, 2)) for mean in means), GridCell(f"{len(found)}: {tags}"))


def is_tiny(task: str) -> bool:
    """Whether a task is a bundled form of a benchmark."""
    return benchmark_of(task) != task
