"""Paired differences between runs, corrected over everything that is shown.

    run folders -> align.share (per task and language) -> plans -> statistics.difference -> holm -> Comparison

Nobody is called better who is not: a verdict needs a corrected p-value of at most 5 % and an interval without 0.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from lrm_eval.comparison.align import CellOf, load_cell, share
from lrm_eval.comparison.model import ALPHA, CORRECTIONS, MEAN, Comparison, Correction, Line, Pair, Verdict
from lrm_eval.errors import UsageError, unknown
from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.names import metric_unit, order_languages, percent, plain
from lrm_eval.reporting.view import UNPARSED_MARK
from lrm_eval.runs.folder import benchmarks, categories
from lrm_eval.types import RULES, Item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.comparison.align import Asked
    from lrm_eval.reporting.gather import GatheredRun
    from lrm_eval.runs.folder import RunFolder
    from lrm_eval.scorers import Metric
    from lrm_eval.statistics.joint import Joint
    from lrm_eval.types import Rules

_CIRCULAR = "mmbench"
_Key: TypeAlias = tuple[str, str]
"""("first" or "second", language)."""
_Sides: TypeAlias = "tuple[Mapping[str, Asked], Mapping[str, Asked]]"


@dataclass(frozen=True, slots=True)
class _Plan:
    """A line before it is computed."""

    line: Line
    together: Joint[_Key]
    first: Mapping[_Key, float]
    second: Mapping[_Key, float]


def compare(
    folders: Sequence[RunFolder],
    *,
    common: bool = False,
    all_pairs: bool = False,
    rules: Rules = "multilingual",
    correction: Correction = "holm",
    seed: int = 0,
) -> Comparison:
    """Holds runs against each other on their headline metrics.

    Args:
        folders: two runs or more.
        common: compares the questions that both runs were asked alike; without it, runs that were not asked
            the same are refused.
        all_pairs: every run against every other; without it, each against the first.
        rules: how answers were read.
        correction: "holm" (the chance of even one false finding) or "bh" (the share of false findings).
        seed: of the intervals.

    Raises:
        UsageError: fewer than two runs, one twice, unknown rules or correction; runs that cannot be compared.
        RunError: a run without scores, or a damaged file.
    """
    if rules not in RULES:
        raise unknown("rules", rules, RULES)
    if correction not in CORRECTIONS:
        raise unknown("correction", correction, CORRECTIONS)
    if len(folders) < 2:
        raise UsageError("one run alone has nothing to be compared with: type `lrm-eval compare RUN RUN`")
    gathered = _named(gather(folders))
    places = [(0, later) for later in range(1, len(folders))]
    if all_pairs:
        places = [(one, other) for one in range(len(folders)) for other in range(one + 1, len(folders))]
    drafts = [_plans(folders[i], folders[j], gathered[i], gathered[j], common, rules, seed) for i, j in places]
    tests = sum(len(plans) for plans, _ in drafts)
    pairs = _corrected([(_computed(plans, tests), pair) for plans, pair in drafts], correction)
    counted = sum(line.adjusted is not None for pair in pairs for line in pair.lines)
    models = tuple((one.name, str(one.run.path)) for one in gathered)
    return Comparison(models, rules, correction, pairs, counted)


def _named(gathered: list[GatheredRun]) -> list[GatheredRun]:
    counts = Counter(one.name for one in gathered)
    return [
        one if counts[one.name] == 1 else replace(one, name=f"{one.name} [{plain(one.run.path.name)}] #{place}")
        for place, one in enumerate(gathered, 1)
    ]


def _plans(
    first: RunFolder,
    second: RunFolder,
    one: GatheredRun,
    other: GatheredRun,
    common: bool,
    rules: Rules,
    seed: int,
) -> tuple[list[_Plan], Pair]:
    """What will be compared, and what cannot be.

    Raises:
        UsageError: the runs share no cell; or a cell differs and `common` was not asked for.
    """
    names = (one.name, other.name)
    kinds = benchmarks(one.manifest)
    here, there = set(first.cells()), set(second.cells())
    left_out = [f"{cell}: only in {name}" for name, cells in zip(names, (here - there, there - here), strict=True)
                for cell in sorted(cells)]  # fmt: skip
    reduced: list[str] = []
    answers: dict[tuple[str, str, str], _Sides] = {}
    wrong: list[str] = []
    for cell in sorted(here & there):
        kind = kinds.get(cell.task, "")
        if kind != benchmarks(other.manifest).get(cell.task):
            left_out.append(f"{cell}: another benchmark in each run")
            continue
        sides = (load_cell(first, cell, rules), load_cell(second, cell, rules))
        found = share(*sides, kind, names)
        if found.fatal or (found.reasons and not common):
            (left_out if common else wrong).append(f"{cell}: {found.fatal or ', '.join(found.reasons)}")
            continue
        if not found.ids:
            left_out.append(f"{cell}: no question in common ({', '.join(found.reasons)})")
            continue
        if found.reasons:
            reduced.append(f"{cell}: {len(found.ids)} questions in common ({', '.join(found.reasons)})")
        answers[cell.task, cell.condition, cell.language] = _restricted(sides, found.ids)
    if wrong:
        _refuse(names, wrong)
    if not answers:
        why = f" ({'; '.join(left_out[:4])}{'; …' if len(left_out) > 4 else ''})" if left_out else ""
        raise UsageError(f"{names[0]} and {names[1]} have no question in common{why}")
    plans = _cell_plans(answers, one, other, rules, seed)
    planned = {plan.line.task for plan in plans}
    left_out += [
        f"{task}: no headline metric" for task in dict.fromkeys(key[0] for key in answers) if task not in planned
    ]
    return plans, Pair(*names, (), tuple(left_out), tuple(reduced), answers)


def _refuse(names: tuple[str, str], wrong: Sequence[str]) -> None:
    shown = "; ".join(wrong[:4])
    more = f"; and {len(wrong) - 4} more" if len(wrong) > 4 else ""
    raise UsageError(
        f"{names[0]} and {names[1]} cannot be compared: {shown}{more}. `--common` compares what both were asked alike"
    )


def _restricted(sides: tuple[CellOf, CellOf], ids: Sequence[str]) -> _Sides:
    first, second = sides
    return {one: first.asked[one] for one in ids}, {one: second.asked[one] for one in ids}


def _cell_plans(
    answers: Mapping[tuple[str, str, str], _Sides],
    one: GatheredRun,
    other: GatheredRun,
    rules: Rules,
    seed: int,
) -> list[_Plan]:
    from lrm_eval.statistics.joint import joint

    plans: list[_Plan] = []
    kinds = benchmarks(one.manifest)
    for task, condition in dict.fromkeys((task, condition) for task, condition, _ in answers):
        tags = order_languages(key[2] for key in answers if key[:2] == (task, condition))
        metrics: dict[str, dict[_Key, Metric]] = {}
        for tag in tags:
            both = answers[task, condition, tag]
            declared = categories(one.manifest, task) or categories(other.manifest, task)
            for side, items in zip(("first", "second"), _items(both), strict=True):
                for metric in _primary(kinds[task], items, rules, task, declared):
                    metrics.setdefault(metric.name, {})[side, tag] = metric
        for name, by_key in metrics.items():
            together = joint(by_key, seed)
            for tag in tags:
                if ("first", tag) in by_key and ("second", tag) in by_key:
                    plans.append(_plan(task, condition, (tag,), name, kinds[task], together, answers))
            defined = tuple(tag for tag in tags if all(_value(by_key, side, tag) for side in ("first", "second")))
            if len(defined) > 1:
                plans.append(_plan(task, condition, defined, name, kinds[task], together, answers))
    return plans


def _items(both: _Sides) -> tuple[list[Item], list[Item]]:
    """Both sides' items. The second run's answers go with the first run's samples, which are the same but for paths."""
    first, second = both
    return (
        [asked.item for asked in first.values()],
        [Item(first[one].item.sample, asked.item.response, asked.item.reading) for one, asked in second.items()],
    )


def _primary(
    benchmark: str, items: Sequence[Item], rules: Rules, task: str, declared: Sequence[str] | None
) -> list[Metric]:
    from lrm_eval import scorers

    if declared is None and task != benchmark:
        declared = list(dict.fromkeys(item.sample.category for item in items))
    try:
        found = scorers.metrics(benchmark, items, rules, declared)
    except UsageError:  # a benchmark of a package that is not installed here
        return []
    return [metric for metric in found if metric.primary]


def _value(metrics: Mapping[_Key, Metric], side: str, tag: str) -> bool:
    found = metrics.get((side, tag))
    return found is not None and found.value is not None


def _plan(
    task: str,
    condition: str,
    tags: tuple[str, ...],
    metric: str,
    benchmark: str,
    together: Joint[_Key],
    answers: Mapping[tuple[str, str, str], _Sides],
) -> _Plan:
    from lrm_eval.statistics.paired import Difference

    first, second = ({(side, tag): 1 / len(tags) for tag in tags} for side in ("first", "second"))
    won: list[str] = []
    lost: list[str] = []
    total = 0
    notes: list[str] = []
    for tag in tags:
        both = answers[task, condition, tag]
        right = [_right(side, benchmark) for side in both]
        total += len(right[0])
        won += [unit for unit, hit in right[1].items() if hit and not right[0][unit]]
        lost += [unit for unit, hit in right[0].items() if hit and not right[1][unit]]
        if len(tags) == 1:
            notes += _unread(both)
    if len(tags) == 1 and together.value(first) is None:
        notes.append(together.metrics["first", tags[0]].note or "undefined")
    line = Line(
        task=task,
        condition=condition,
        language=tags[0] if len(tags) == 1 else MEAN,
        over=tags,
        metric=metric,
        unit=metric_unit(benchmark, metric),
        first=together.value(first),
        second=together.value(second),
        difference=Difference(None, None, None, 0, None, None, "", None, 0, 0, None, ""),
        adjusted=None,
        units="groups" if benchmark == _CIRCULAR else "questions",
        total=total,
        won=tuple(won),
        lost=tuple(lost),
        verdict="none",
        note="; ".join(notes),
    )
    return _Plan(line, together, first, second)


def _right(side: Mapping[str, Asked], benchmark: str) -> dict[str, bool]:
    """Whether each unit is right: a question, or (CircularEval) a question in all its passes."""
    found: dict[str, bool] = {}
    for one, asked in side.items():
        sample = asked.item.sample
        unit = (sample.group or one) if benchmark == _CIRCULAR else one
        found[unit] = found.get(unit, True) and asked.item.reading.value == sample.gold
    return found


def _unread(both: _Sides) -> list[str]:
    found = []
    for name, side in zip(("A", "B"), both, strict=True):
        rate = sum(asked.item.reading.value is None for asked in side.values()) / len(side)
        if rate > UNPARSED_MARK:
            found.append(f"{name}: {percent(rate)} of the answers could not be read")
    return found


def _computed(plans: Sequence[_Plan], tests: int) -> list[Line]:
    from lrm_eval.statistics.paired import difference

    lines = []
    for plan in plans:
        found = difference(plan.together, plan.second, plan.first, comparisons=tests)
        if not found.error:
            # No answer differs, or every one does: a spread of 0 says nothing of what could have been seen.
            found = found._replace(detectable=None)
        note = "; ".join(part for part in (plan.line.note, found.note) if part)
        lines.append(replace(plan.line, difference=found, note=note))
    return lines


def _corrected(drafts: Sequence[tuple[list[Line], Pair]], correction: Correction) -> tuple[Pair, ...]:
    from lrm_eval.statistics.multiple import benjamini_hochberg, holm

    p_values = [line.difference.p_value for lines, _ in drafts for line in lines]
    adjusted = iter((holm if correction == "holm" else benjamini_hochberg)(p_values))
    return tuple(replace(pair, lines=tuple(_judged(line, next(adjusted)) for line in lines)) for lines, pair in drafts)


def _judged(line: Line, adjusted: float | None) -> Line:
    found = line.difference
    verdict: Verdict = "none" if found.value is None else "open"
    if adjusted is not None and adjusted <= ALPHA and found.low is not None and found.high is not None:
        # Both must say so: the test, and the interval that the reader sees.
        verdict = "second" if found.low > 0 else "first" if found.high < 0 else "open"
    return replace(line, adjusted=adjusted, verdict=verdict)
