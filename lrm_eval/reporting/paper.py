"""The tables of the LRM-LLaVA paper, with our runs beside the published numbers.

What a table is called follows the paper: `main` is table 1, `bleu` table 2, `instructions` table 3, `backbones`
table 4, `ratio` figure 6. Nothing is filled in: what was neither published nor run is blank, and a note says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from lrm_eval import errors
from lrm_eval.reporting import grid as forms
from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.grid import Grid, GridCell, GridRow
from lrm_eval.reporting.names import benchmark_of, interval, number, task_title
from lrm_eval.reporting.published import PAPER, load
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lrm_eval.reporting.gather import GatheredRun
    from lrm_eval.reporting.source import RunSource
    from lrm_eval.types import ScoreRow

TableName: TypeAlias = Literal["main", "bleu", "instructions", "backbones", "ratio"]
TABLES: tuple[TableName, ...] = get_args(TableName)
TableFormat: TypeAlias = Literal["latex", "md", "csv", "html"]
TABLE_FORMATS: tuple[TableFormat, ...] = get_args(TableFormat)

# The order of the paper's tables; "Sp" in the paper is es.
LANGUAGES = ("en", "cs", "de", "fr", "hr", "it", "ro", "ru", "es", "zh")
NON_ENGLISH = LANGUAGES[1:]
_BENCHMARKS = ("mme", "pope", "seedbench", "mmbench")
# Names that stand for a line of table 3 where run.json does not say how a model was trained.
_VARIANTS = {"llava-tiny": "w/o all task instructions", "lrm-llava": "LRM-LLaVA"}
_BLANK = "Blank: neither published nor among these runs."


def paper_table(name: str, runs: Sequence[RunSource] = (), published: bool = False, fmt: str = "latex") -> str:
    """One of the paper's tables.

    Args:
        name: main, bleu, instructions, backbones or ratio.
        runs: run folders; how a model was trained is read from run.json (`model.training`: variant,
            language_model, instructions, non_english_percent), or from the model's name.
        published: puts the paper's own numbers into the table.
        fmt: latex, md, csv or html.

    Raises:
        UsageError: unknown table or format; neither runs nor `published`.
        RunError: a run has no scores.
    """
    if name not in TABLES:
        raise errors.unknown("table", name, TABLES)
    if fmt not in TABLE_FORMATS:
        raise errors.unknown("format", fmt, TABLE_FORMATS)
    if not runs and not published:
        raise errors.UsageError(
            f"table {name!r} has nothing to show: name runs, "
            f"or type `lrm-eval table {name} --published` for the paper's numbers"
        )
    gathered = gather(runs) if runs else []
    builders: dict[str, Callable[[Sequence[GatheredRun], bool], Grid]] = {
        "main": main_table,
        "bleu": bleu_table,
        "instructions": instructions_table,
        "backbones": backbones_table,
        "ratio": ratio_table,
    }
    writers = {"latex": forms.to_latex, "md": forms.to_markdown, "csv": forms.to_csv, "html": forms.to_html}
    return writers[fmt](builders[name](gathered, published))


def main_table(gathered: Sequence[GatheredRun], published: bool) -> Grid:
    """Table 1: blocks of benchmarks, lines of models, the ten languages.

    In each block the best of our runs is bold together with every run whose 95 % interval overlaps its own (a
    conservative reading of "not separable"); published numbers have no intervals and are never bold.
    """
    rows: list[GridRow] = []
    printed = load("table1_main") if published else None
    for benchmark in _BENCHMARKS:
        lines: list[GridRow] = []
        if printed:
            for line in printed.rows:
                if line["benchmark"] == benchmark:
                    cells = (GridCell(number(printed.number(line, tag)) if line.get(tag) else "") for tag in LANGUAGES)
                    lines.append(GridRow((GridCell(line["model"]), GridCell("published"), *cells)))
        lines += _our_lines(gathered, benchmark)
        if lines:
            rows += [GridRow((GridCell(task_title(benchmark)),), head=True), *lines]
    # Tiny tasks are other questions: blocks of their own, never beside published numbers.
    for benchmark in _BENCHMARKS:
        lines = _our_lines(gathered, f"tiny-{benchmark}")
        if lines:
            title = f"{task_title(f'tiny-{benchmark}')} (not comparable with the paper)"
            rows += [GridRow((GridCell(title),), head=True), *lines]
    notes = [
        "MME: perception, maximum 2000; POPE: mean F1; SEED-Bench: image accuracy; MMBench: CircularEval accuracy."
    ]
    if printed:
        notes.append(f"Published: numbers as printed in {PAPER}; they have no intervals.")
    if gathered:
        notes.append(
            "Ours: multilingual rules, 95 % intervals in brackets; "
            "bold: the best of our runs and those whose interval overlaps its own."
        )
        others = sorted({row.language for one in gathered for row in one.rows} - set(LANGUAGES))
        if others:
            notes.append(f"Not among the paper's ten languages and so not shown: {', '.join(others)}.")
    return Grid(
        "Table 1: four benchmarks in ten languages",
        ("model", "source", *LANGUAGES),
        tuple(rows),
        (*notes, _BLANK),
        2,
        "main",
    )


def _block_title(benchmark: str) -> str:
    return task_title(benchmark)


def _our_lines(gathered: Sequence[GatheredRun], task: str) -> list[GridRow]:
    found: dict[str, dict[str, ScoreRow]] = {}
    for one in gathered:
        cells = primary_rows(one, task)
        if cells.keys() & set(LANGUAGES):
            found.setdefault(one.name, {}).update(cells)
    strong = {
        (model, tag) for tag in LANGUAGES for model in _not_beaten({m: c[tag] for m, c in found.items() if tag in c})
    }
    lines = []
    for model, cells in found.items():
        texts = tuple(_score_cell(cells.get(tag), (model, tag) in strong and len(found) > 1) for tag in LANGUAGES)
        lines.append(GridRow((GridCell(model), GridCell("ours"), *texts), ours=True))
    return lines


def primary_rows(one: GatheredRun, task: str) -> dict[str, ScoreRow]:
    """The headline rows of a run on a task by language: multilingual rules, default condition."""
    return {
        row.language: row
        for row in one.rows
        if row.task == task and row.rules == "multilingual" and row.primary and row.condition == DEFAULT_CONDITION
    }


def _not_beaten(rows: Mapping[str, ScoreRow]) -> set[str]:
    valued = {model: row for model, row in rows.items() if row.value is not None}
    if not valued:
        return set()
    best = max(valued.values(), key=lambda row: row.value or 0.0)
    return {model for model, row in valued.items() if row.value == best.value or _overlap(row, best)}


def _overlap(row: ScoreRow, best: ScoreRow) -> bool:
    # Without an interval nothing can be told apart: an honest table then calls nobody beaten.
    return row.ci_high is None or best.ci_low is None or row.ci_high >= best.ci_low


def _score_cell(row: ScoreRow | None, strong: bool = False) -> GridCell:
    if row is None or row.value is None:
        return GridCell()
    return GridCell(number(row.value), strong, interval(row.ci_low, row.ci_high))


def bleu_table(gathered: Sequence[GatheredRun], published: bool) -> Grid:
    """Table 2: agreement of two translations of each benchmark, mean BLEU over nine languages."""
    printed = load("table2_translation_bleu") if published else None
    values = (
        {line["benchmark"]: printed.number(line, "avg_bleu_google_vs_gpt4o_9_languages") for line in printed.rows}
        if printed
        else {}
    )
    rows = []
    for benchmark in _BENCHMARKS:
        theirs = (GridCell("" if values.get(benchmark) is None else number(values[benchmark], 2)),) if printed else ()
        ours = (GridCell(_measured_bleu(gathered, benchmark)),) if gathered else ()
        rows.append(GridRow((GridCell(task_title(benchmark)), *theirs, *ours)))
    columns = ("benchmark", *(("published",) if printed else ()), *(("ours",) if gathered else ()))
    notes = (
        [f"Published: Google Translate against GPT-4o, mean of nine languages, as printed in {PAPER}."]
        if printed
        else []
    )
    if gathered and not any(_measured_bleu(gathered, benchmark) for benchmark in _BENCHMARKS):
        notes.append(
            "Ours is blank: none of these runs holds a measured agreement of two translations "
            "(run.json, `translation_bleu`)."
        )
    return Grid("Table 2: BLEU between two translations", columns, tuple(rows), tuple(notes), 1, "bleu")


def _measured_bleu(gathered: Sequence[GatheredRun], benchmark: str) -> str:
    for one in gathered:
        told = one.manifest.get("translation_bleu")
        if isinstance(told, dict) and isinstance(told.get(benchmark), int | float):
            return number(float(told[benchmark]), 2)
    return ""


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
            cells = tuple(GridCell(number(printed.number(line, column))) for column in ("en", "avg_non_english"))
            rows.append(GridRow((GridCell(method), GridCell("published, MMBench"), *cells)))
        rows += [row for one in ours.get(method, []) for row in _pair_lines(one, (GridCell(method),))]
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
            cells = tuple(GridCell(number(printed.number(line, column))) for column in ("en", "avg_non_english"))
            rows.append(
                GridRow(
                    (
                        GridCell(line["language_model"]),
                        GridCell(line["instructions"]),
                        GridCell("published, MMBench"),
                        *cells,
                    )
                )
            )
    for one in gathered:
        told = training(one)
        if told.get("language_model") and told.get("instructions"):
            rows += _pair_lines(one, (GridCell(told["language_model"]), GridCell(told["instructions"])))
        else:
            left.append(one.name)
    return Grid(
        "Table 4: language models",
        ("language model", "instructions", "source", "en", "mean of the others"),
        tuple(rows),
        _notes(gathered, published, left, "run.json, `model.training.language_model` and `.instructions`"),
        3,
        "backbones",
    )


def ratio_table(gathered: Sequence[GatheredRun], published: bool) -> Grid:
    """Figure 6 as a table: the share of non-English data (percent of the English data) against the score."""
    rows, left = [], []
    for one in gathered:
        share = training(one).get("non_english_percent")
        if not share:
            left.append(one.name)
            continue
        for task in _tasks(one):
            cells = primary_rows(one, task)
            if cells:
                texts = tuple(_score_cell(cells.get(tag)) for tag in LANGUAGES)
                rows.append(
                    (
                        float(share),
                        GridRow(
                            (GridCell(f"{float(share):g}%"), GridCell(f"{one.name}, {task_title(task)}"), *texts),
                            ours=True,
                        ),
                    )
                )
    notes = (
        ["Figure 6 was published as a plot, not as numbers: this table holds our runs only."]
        if published or not rows
        else []
    )
    if left:
        notes.append(
            "Left out, for run.json does not tell their share (`model.training.non_english_percent`): "
            f"{', '.join(left)}."
        )
    ordered = tuple(row for _, row in sorted(rows, key=lambda pair: pair[0]))
    return Grid(
        "Figure 6: non-English data in percent of the English data",
        ("share", "source", *LANGUAGES),
        ordered,
        tuple(notes),
        2,
        "ratio",
    )


def training(one: GatheredRun) -> dict[str, str]:
    """How a run's model was trained, as far as run.json tells: `model.training`, all values as text."""
    model = one.manifest.get("model")
    told = model.get("training") if isinstance(model, dict) else None
    return {str(key): str(value) for key, value in told.items()} if isinstance(told, dict) else {}


def _tasks(one: GatheredRun) -> list[str]:
    return list(dict.fromkeys(row.task for row in one.rows if row.condition == DEFAULT_CONDITION))


def _pair_lines(one: GatheredRun, head: tuple[GridCell, ...]) -> list[GridRow]:
    """English and the mean of the other languages of the paper: on mmbench, or on every tiny task there is."""
    lines = []
    tasks = [task for task in _tasks(one) if task == "mmbench"] or [
        task for task in _tasks(one) if benchmark_of(task) != task
    ]
    for task in tasks:
        cells = primary_rows(one, task)
        others = [cells[tag].value for tag in NON_ENGLISH if tag in cells]
        known = [value for value in others if value is not None]
        # Only the paper's whole set may be called its mean: over fewer languages it would be another number.
        mean = GridCell(number(sum(known) / len(known))) if len(known) == len(NON_ENGLISH) else GridCell()
        source = GridCell(f"ours ({one.name}), {task_title(task)}")
        lines.append(GridRow((*head, source, _score_cell(cells.get("en")), mean), ours=True))
    return lines


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
    return (*notes, _BLANK)
