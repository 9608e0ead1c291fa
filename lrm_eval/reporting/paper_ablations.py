"""Table 3 (task instructions), table 4 (language models) and figure 6 (ratio of non-English data)."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from lrm_eval.reporting.grid import Grid, GridCell, GridRow
from lrm_eval.reporting.names import interval, number, task_title
from lrm_eval.reporting.paper_main import BLANK, is_tiny, primary_rows, score_cell
from lrm_eval.reporting.paper_means import mean_over
from lrm_eval.reporting.published import LANGUAGES, NON_ENGLISH, PAPER, PublishedTable, load
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.reporting.gather import GatheredRun

# Names that stand for a line of table 3 where run.json does not say how a model was trained.
_VARIANTS = {"llava-tiny": "w/o all task instructions", "lrm-llava": "LRM-LLaVA"}


def training(one: GatheredRun) -> dict[str, str]:
    """How a run's model was trained, as far as run.json tells: `model.training`, all values as text."""
    model = one.manifest.get("model")
    told = model.get("training") if isinstance(model, dict) else None
    return {str(key): str(value) for key, value in told.items()} if isinstance(told, dict) else {}


def instructions_table(gathered: Sequence[GatheredRun], published: bool) -> Grid:
    """Table 3: without each task instruction; English and the mean of the nine other languages."""
    printed = load("table3_instruction_ablation_mmbench")
    methods = [line["method"] for line in printed.rows]
    theirs = {line["method"]: line for line in printed.rows} if published else {}
    ours: dict[str, list[GatheredRun]] = {}
    for one in gathered:
        ours.setdefault(training(one).get("variant") or _VARIANTS.get(one.name, ""), []).append(one)
    rows = []
    for method in methods:
        line = theirs.get(method)
        if line:
            rows.append(GridRow((GridCell(method), GridCell("published, MMBench"), *_printed_pair(printed, line))))
        rows += _lines(ours.get(method, []), (GridCell(method),))
        if not line and method not in ours:
            rows.append(GridRow((GridCell(method), *(GridCell(),) * 3)))
    left = [one.name for key, found in ours.items() if key not in methods for one in found]
    return Grid(
        "Table 3: what each task instruction brings",
        ("method", "source", "en", "mean of the others"),
        tuple(rows),
        _notes(gathered, published, left, "run.json, `model.training.variant`"),
        2,
        "instructions",
    )


def backbones_table(gathered: Sequence[GatheredRun], published: bool) -> Grid:
    """Table 4: language models, with none and with all of the task instructions."""
    printed = load("table4_language_models_mmbench")
    rows, left = [], []
    if published:
        for line in printed.rows:
            head = (GridCell(line["language_model"]), GridCell(line["instructions"]), GridCell("published, MMBench"))
            rows.append(GridRow((*head, *_printed_pair(printed, line))))
    arms: dict[tuple[str, str], list[GatheredRun]] = {}
    for one in gathered:
        told = training(one)
        if told.get("language_model") and told.get("instructions"):
            arms.setdefault((told["language_model"], told["instructions"]), []).append(one)
        else:
            left.append(one.name)
    for arm, runs in arms.items():
        rows += _lines(runs, tuple(GridCell(text) for text in arm))
    return Grid(
        "Table 4: language models",
        ("language model", "instructions", "source", "en", "mean of the others"),
        tuple(rows),
        _notes(gathered, published, left, "run.json, `model.training.language_model` and `.instructions`"),
        3,
        "backbones",
    )


def ratio_table(gathered: Sequence[GatheredRun], published: bool, languages: Sequence[str] = LANGUAGES) -> Grid:
    """Figure 6 as a table: the share of non-English data (percent of the English data) against the score."""
    rows, left = [], []
    for one in gathered:
        share = ratio_of(one)
        if share is None:
            left.append(one.name)
            continue
        for task in tasks_of(one):
            cells = primary_rows(one, task)
            if cells:
                head = (GridCell(f"{share:g}%"), GridCell(f"{one.name}, {task_title(task)}"))
                texts = tuple(score_cell(cells.get(tag)) for tag in languages)
                rows.append((share, GridRow((*head, *texts), ours=True)))
    notes = ["Figure 6 was published as a plot, not as numbers: this table holds our runs only."] if published else []
    if left:
        notes.append(
            "Left out, for run.json does not tell their share (`model.training.non_english_percent`): "
            f"{', '.join(left)}."
        )
    ordered = tuple(row for _, row in sorted(rows, key=lambda pair: pair[0]))
    title = "Figure 6: non-English data in percent of the English data"
    return Grid(title, ("share", "source", *languages), ordered, tuple(notes), 2, "ratio")


def ratio_of(one: GatheredRun) -> float | None:
    """Non-English data in percent of the English data that a run's model was trained on; None if it is not told."""
    try:
        return float(training(one)["non_english_percent"])
    except (KeyError, ValueError):
        return None


def tasks_of(one: GatheredRun) -> list[str]:
    """The tasks of a run under the default condition, in the order of its scores."""
    return list(dict.fromkeys(row.task for row in one.rows if row.condition == DEFAULT_CONDITION))


def _printed_pair(printed: PublishedTable, line: dict[str, str]) -> tuple[GridCell, ...]:
    values = (printed.number(line, column) for column in ("en", "avg_non_english"))
    return tuple(GridCell("" if value is None else number(value)) for value in values)


def _lines(runs: Sequence[GatheredRun], head: tuple[GridCell, ...]) -> list[GridRow]:
    """English and the mean of the paper's other languages, a line a run and task; and, of several runs, their mean."""
    lines: list[GridRow] = []
    pairs: dict[str, list[tuple[float | None, float | None]]] = {}
    for one in runs:
        # Real MMBench where there is any; else every tiny task.
        tasks = [task for task in tasks_of(one) if task == "mmbench"] or [t for t in tasks_of(one) if is_tiny(t)]
        for task in tasks:
            cells = primary_rows(one, task)
            known = [row.value for tag in NON_ENGLISH if (row := cells.get(tag)) is not None and row.value is not None]
            # Only the paper's whole set may be called its mean: over fewer languages it would be another number.
            mean = sum(known) / len(known) if len(known) == len(NON_ENGLISH) else None
            english = cells["en"].value if "en" in cells else None
            pairs.setdefault(task, []).append((english, mean))
            source = GridCell(f"ours ({one.name}), {task_title(task)}")
            last = GridCell() if mean is None else _mean_cell(one, task, mean)
            lines.append(GridRow((*head, source, score_cell(cells.get("en")), last), ours=True))
    for task, values in pairs.items():
        if len(values) > 1:
            source = GridCell(f"ours, mean of {len(values)} runs, {task_title(task)}")
            cells_of = tuple(_over_runs([pair[place] for pair in values]) for place in (0, 1))
            lines.append(GridRow((*head, source, *cells_of), ours=True))
    return lines


def _mean_cell(one: GatheredRun, task: str, mean: float) -> GridCell:
    """The mean over the nine languages; its interval where the answers are there to draw from."""
    found = mean_over(one, task, NON_ENGLISH)
    return GridCell(number(mean), small="" if found is None else interval(found.ci_low, found.ci_high))


def _over_runs(values: Sequence[float | None]) -> GridCell:
    """The mean over runs, with a 95 % t interval that covers the luck of training as well as of the questions."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return GridCell()
    from scipy.special import stdtrit

    mean = statistics.fmean(known)
    half = float(stdtrit(len(known) - 1, 0.975)) * statistics.stdev(known) / len(known) ** 0.5
    return GridCell(number(mean), small=interval(mean - half, mean + half))


def _notes(gathered: Sequence[GatheredRun], published: bool, left: Sequence[str], told_by: str) -> tuple[str, ...]:
    notes = []
    if published:
        notes.append(f"Published: MMBench, as printed in {PAPER}; without intervals.")
    if gathered:
        notes.append(
            "Mean of the others: the paper's nine other languages, blank unless a run has them all. "
            "Tiny tasks are not comparable with MMBench."
        )
    if left:
        notes.append(f"Left out, for it is not told how they were trained ({told_by}): {', '.join(left)}.")
    return (*notes, BLANK)
