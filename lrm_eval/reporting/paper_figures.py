"""Figures 1 and 6 of the LRM-LLaVA paper as PNG, SVG or PDF, from published numbers and from runs.

Figure 1 is a radar of one task's score per language, figure 6 the score per language against the ratio of
non-English data. Both are drawn with matplotlib, which is imported here alone.
"""

from __future__ import annotations

import io
import logging
import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from lrm_eval import errors
from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.names import benchmark_of, language, metric_label, metric_unit, plain, task_title
from lrm_eval.reporting.paper_ablations import ratio_of, tasks_of
from lrm_eval.reporting.paper_main import is_tiny, primary_rows
from lrm_eval.reporting.published import LANGUAGES, PAPER, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.reporting.gather import GatheredRun
    from lrm_eval.reporting.source import RunSource
    from lrm_eval.types import ScoreRow

FigureName: TypeAlias = Literal["radar", "ratio"]
FIGURES: tuple[FigureName, ...] = get_args(FigureName)
FORMATS = ("png", "svg", "pdf")
MOST_MODELS = 6
# Okabe and Ito's colours, which colour-blind readers tell apart; markers and dashes say the same again.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#444a50")
MARKERS = "os^DvP"
# Published models in the order in which they give way to ours, last first.
_FIRST = ("LRM-LLaVA", "LLaVA-v1.5", "ShareGPT4V", "Qwen-VL-Chat", "LVIS-Instruct4V", "InstructBLIP")
_STYLE: Any = {
    "text.parse_math": False,  # a model's name may hold a dollar sign
    "font.family": ["DejaVu Sans", "Noto Sans CJK SC", "Noto Sans Ethiopic"],
    "svg.hashsalt": "lrm-eval",  # the same numbers give the same file
    "pdf.fonttype": 42,
    "font.size": 9,
}


@dataclass(frozen=True, slots=True)
class Series:
    """One closed line of a radar: a value per language, None where there is none."""

    name: str
    values: tuple[float | None, ...]
    published: bool


def paper_figure(
    name: str,
    runs: Sequence[RunSource] = (),
    published: bool = False,
    fmt: str = "pdf",
    *,
    task: str | None = None,
    languages: Sequence[str] | None = None,
) -> bytes:
    """Figure 1 (`radar`) or figure 6 (`ratio`).

    Args:
        name: radar or ratio.
        runs: run folders.
        published: draws the paper's own numbers too; of figure 6 there are none.
        fmt: png, svg or pdf.
        task: whose scores; by default MME, or tiny-mme if the runs have no MME.
        languages: by default the paper's ten as far as anything drawn has them, or else those of the runs.

    Raises:
        UsageError: unknown names, nothing to draw, more than six models, tiny tasks beside published numbers.
        RunError: a run has no scores, or nothing that this figure could show.
    """
    if name not in FIGURES:
        raise errors.unknown("figure", name, FIGURES)
    if fmt not in FORMATS:
        raise errors.unknown("format", fmt, FORMATS)
    if name == "ratio" and not runs:
        raise errors.UsageError("figure 6 was published as a plot, without numbers: name runs for `figure ratio`")
    if not runs and not published:
        raise errors.UsageError("nothing to draw: name runs, or type `lrm-eval figure radar --published`")
    gathered = gather(runs) if runs else []
    chosen = task or _default_task(gathered)
    # Its first import in a home folder writes a cache of fonts and says so on standard error.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    from matplotlib import rc_context

    with rc_context(_STYLE), warnings.catch_warnings():
        # A sign that no font here has is drawn as a box; that is no error of the figure.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        if name == "ratio":
            return _saved(_ratio(gathered, chosen, languages), fmt)
        return _saved(_radar(gathered, published, chosen, languages), fmt)


def _default_task(gathered: Sequence[GatheredRun]) -> str:
    found = [task for one in gathered for task in tasks_of(one)]
    for wanted in ("mme", "tiny-mme"):
        if wanted in found or not found:
            return wanted
    return found[0]


def radar_series(
    gathered: Sequence[GatheredRun], published: bool, task: str, languages: Sequence[str] | None
) -> tuple[tuple[str, ...], list[Series], list[str]]:
    """What a radar shows.

    Returns:
        The languages of the axes, the lines, and the published models left out for want of room.

    Raises:
        UsageError: more than six runs; a tiny task beside published numbers; a task that was not published.
        RunError: fewer than three languages: a radar of two is a line.
    """
    rows: dict[str, dict[str, ScoreRow]] = {}
    for one in gathered:
        own = {tag: row for tag, row in primary_rows(one, task).items() if row.value is not None}
        if own:
            rows.setdefault(one.name, {}).update(own)
    if len(rows) > MOST_MODELS:
        raise errors.UsageError(f"a radar of {len(rows)} models cannot be read: name at most {MOST_MODELS} runs")
    if gathered and not rows:
        raise errors.RunError(f"none of these runs has a score on {task}; `--task` chooses another one")
    printed = _published(task) if published else {}
    present = {tag for cells in rows.values() for tag in cells} | {tag for cells in printed.values() for tag in cells}
    axes = tuple(languages or [tag for tag in LANGUAGES if tag in present] or sorted(present))
    if len([tag for tag in axes if tag in present]) < 3:
        axes = tuple(languages or sorted(present, key=lambda tag: (tag != "en", tag)))
    if len(axes) < 3:
        raise errors.RunError(f"a radar needs at least three languages, here are {', '.join(axes) or 'none'}")
    lines = [Series(name, _along(axes, {t: r.value for t, r in cells.items()}), False) for name, cells in rows.items()]
    order = [*(name for name in _FIRST if name in printed), *(name for name in printed if name not in _FIRST)]
    room = MOST_MODELS - len(lines)
    lines += [Series(name, _along(axes, printed[name]), True) for name in order[:room]]
    return axes, lines, order[room:]


def _along(axes: Sequence[str], values: dict[str, float | None] | dict[str, float]) -> tuple[float | None, ...]:
    return tuple(values.get(tag) for tag in axes)


def _published(task: str) -> dict[str, dict[str, float]]:
    if is_tiny(task):
        raise errors.UsageError(f"{task} asks other questions than the published numbers: draw it without --published")
    printed = load("table1_main")
    found = {}
    for line in printed.rows:
        if line["benchmark"] == task:
            values = {tag: printed.number(line, tag) for tag in LANGUAGES}
            found[line["model"]] = {tag: value for tag, value in values.items() if value is not None}
    if not found:
        raise errors.UsageError(f"the paper has no numbers on {task}: draw it without --published")
    return found


def _radar(gathered: Sequence[GatheredRun], published: bool, task: str, languages: Sequence[str] | None) -> Any:
    axes, lines, left_out = radar_series(gathered, published, task, languages)
    figure = _figure((5.6, 5.2))
    axis = figure.add_subplot(projection="polar")
    angles = [2 * math.pi * place / len(axes) for place in range(len(axes))]
    for place, one in enumerate(lines):
        values = [math.nan if value is None else value for value in one.values]
        axis.plot(
            [*angles, angles[0]],
            [*values, values[0]],
            color=COLORS[place],
            marker=MARKERS[place],
            markersize=4,
            linewidth=1.4,
            linestyle="--" if one.published else "-",
            label=f"{plain(one.name)} (published)" if one.published else plain(one.name),
        )
    known = [value for one in lines for value in one.values if value is not None]
    low, high = _limits(known)
    axis.set_ylim(low, high)
    axis.set_theta_zero_location("N")
    axis.set_theta_direction(-1)
    axis.set_xticks(angles, [f"{language(tag).name}" for tag in axes])
    axis.tick_params(axis="x", pad=8)
    axis.tick_params(axis="y", labelsize=7)
    axis.grid(color="#d0d3cf", linewidth=0.6)
    axis.spines["polar"].set_color("#9aa0a6")
    metric = _metric(gathered, task)
    told = f"{task_title(task)}, {metric}; rings begin at {low:g}."
    if any(one.published for one in lines):
        told += f" Published: {PAPER}."
    if left_out:
        told += f" Left out for want of room: {', '.join(left_out)}."
    _legend(figure, axis, told)
    return figure


def _metric(gathered: Sequence[GatheredRun], task: str) -> str:
    row = next((row for one in gathered for row in primary_rows(one, task).values()), None)
    name = (
        row.metric
        if row
        else {"mme": "perception", "pope": "f1", "seedbench": "accuracy"}.get(task, "circular_accuracy")
    )
    unit = metric_unit(benchmark_of(task), name)
    return f"{metric_label(name)} ({'MME points' if unit == 'points' else 'percent'})"


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Round ends of an axis that holds all values; it begins at 0 unless all of them are far from it."""
    low, high = min(values), max(values)
    step = 10 ** math.floor(math.log10(max(high, 1.0))) / 5
    floor = math.floor(low / step) * step if low > high / 3 else 0.0
    if floor >= low:
        floor = max(0.0, floor - step)
    return floor, max(math.ceil(high / step) * step, floor + step)


def _ratio(gathered: Sequence[GatheredRun], task: str, languages: Sequence[str] | None) -> Any:
    points: dict[str, list[tuple[float, ScoreRow]]] = {}
    for one in gathered:
        share = ratio_of(one)
        for tag, row in primary_rows(one, task).items():
            if share is not None and row.value is not None and tag in (languages or LANGUAGES):
                points.setdefault(tag, []).append((share, row))
    shares = sorted({share for found in points.values() for share, _ in found})
    if len(shares) < 2:
        raise errors.RunError(
            f"figure 6 needs runs of at least two ratios on {task} (run.json, `model.training.non_english_percent`); "
            f"these tell of {', '.join(f'{share:g} %' for share in shares) or 'none'}"
        )
    figure = _figure((5.6, 4.2))
    axis = figure.add_subplot()
    order = [tag for tag in (languages or LANGUAGES) if tag in points]
    for place, tag in enumerate(order):
        means = [_mean([row.value for share, row in points[tag] if share == at]) for at in shares]
        axis.plot(
            shares,
            means,
            color=COLORS[place % len(COLORS)],
            marker=MARKERS[place % len(MARKERS)],
            markersize=4,
            linewidth=2.2 if tag == "en" else 1.2,
            linestyle="-" if place < len(COLORS) else ":",
            label=language(tag).name,
        )
        for share, row in points[tag]:
            if row.ci_low is not None and row.ci_high is not None:
                axis.plot([share, share], [row.ci_low, row.ci_high], color=COLORS[place % len(COLORS)], alpha=0.3)
    axis.set_xticks(shares, [f"{share:g}%" for share in shares])
    axis.set_xlabel("non-English data, percent of the English data")
    axis.set_ylabel(_metric(gathered, task))
    axis.spines[["top", "right"]].set_visible(False)
    _legend(
        figure,
        axis,
        f"{task_title(task)}; bars: 95 % intervals over images. Our runs; the paper's plot has no numbers.",
    )
    return figure


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def _legend(figure: Any, axis: Any, told: str) -> None:
    import textwrap

    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=_columns(labels), frameon=False, fontsize=8)
    figure.suptitle("\n".join(textwrap.wrap(told, 92)), fontsize=7, color="#5b636c")


def _columns(labels: Sequence[str]) -> int:
    return max(1, min(len(labels), 90 // (max(map(len, labels), default=1) + 8), 5))


def _saved(figure: Any, fmt: str) -> bytes:
    out = io.BytesIO()
    dates = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    figure.savefig(out, format=fmt, dpi=200, metadata=dates[fmt])
    return out.getvalue()
