"""What differs between arms: read from their runs, with intervals, and set against what the paper found."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from lrm_llava.ablations.study import EVALUATED, evaluated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.scorers import Metric
    from lrm_eval.types import Rules
    from lrm_llava.ablations.arms import Arm, Study
    from lrm_llava.ablations.places import Places

Verdict: TypeAlias = Literal["shows", "opposite", "open"]
OTHERS = EVALUATED[1:]
_RULES: Rules = "multilingual"


@dataclass(frozen=True)
class Change:
    """A difference between two arms in points of circular accuracy.

    Attributes:
        value: mean over the seeds.
        low, high: of the 95 % interval; None where there is none.
        over: what the interval covers: "seeds" or "questions" (one seed: the luck of training is not in it).
        seeds: how many.
    """

    value: float
    low: float | None
    high: float | None
    over: Literal["seeds", "questions"]
    seeds: int

    def verdict(self, sign: int) -> Verdict:
        """Whether a direction shows (the interval leaves 0 out)."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "open"
        return "shows" if (self.value > 0) == (sign > 0) else "opposite"


@dataclass(frozen=True)
class Contrast:
    """Two arms that are held against each other, and what the paper says.

    Attributes:
        arm, reference: the difference is arm less reference.
        where: which of the two differences the paper speaks of.
        sign: of it in the paper.
        published: the paper's differences (others, English) in points of MMBench, None where none were printed.
        label: of the line.
    """

    arm: Arm
    reference: Arm
    where: Literal["others", "english"]
    sign: int
    published: tuple[float | None, float | None]
    label: str


@dataclass(frozen=True)
class Effect:
    """A contrast as measured.

    Attributes:
        contrast: what was held against what.
        english, others: scores of the arm: English, and the mean of the nine others; means over the seeds.
        by_seed: by seed (English, others) of the arm.
        in_english, in_others: differences from the reference.
    """

    contrast: Contrast
    english: float
    others: float
    by_seed: dict[int, tuple[float, float]]
    in_english: Change
    in_others: Change

    @property
    def sentence(self) -> str:
        """Whether the paper's direction shows, in one plain sentence."""
        contrast = self.contrast
        change = self.in_others if contrast.where == "others" else self.in_english
        what = "the nine other languages" if contrast.where == "others" else "English"
        direction = "better" if contrast.sign > 0 else "worse"
        lead = f"{contrast.label}: {what} {_signed(change)}"
        verdict = change.verdict(contrast.sign)
        if change.low is None or change.high is None:
            return f"{lead}: too few questions for an interval, so that nothing can be told."
        if verdict == "open":
            return f"{lead}: the interval holds 0, so whether it is {direction}, as in the paper, cannot be told."
        holds = "the paper's direction shows" if verdict == "shows" else "the opposite of the paper's direction shows"
        return f"{lead}: {holds} ({direction} in the paper)."


def _signed(change: Change) -> str:
    if change.low is None or change.high is None:
        return f"{change.value:+.1f}"
    return f"{change.value:+.1f} [{change.low:+.1f}, {change.high:+.1f}]"


def contrasts(study: Study, arms: Sequence[Arm]) -> list[Contrast]:
    """What a study holds against what, among the arms that are there."""
    if study == "backbones":
        return _backbones(arms)
    reference = next((arm for arm in arms if arm.name == "full"), None)
    if reference is None:
        return []
    found = []
    for arm in arms:
        if arm.name == "full":
            continue
        if study == "instructions":
            found.append(Contrast(arm, reference, "others", -1, _table3(arm), arm.variant))
        else:
            # Figure 6 was printed without numbers; the text says that 100 % is best and that 150 % costs English.
            where: Literal["others", "english"] = "english" if arm.non_english > reference.non_english else "others"
            found.append(Contrast(arm, reference, where, -1, (None, None), f"{arm.non_english} % of other languages"))
    return found


def _backbones(arms: Sequence[Arm]) -> list[Contrast]:
    by_size: dict[str, dict[bool, Arm]] = {}
    for arm in arms:
        by_size.setdefault(arm.size, {})[arm.instructions is not None] = arm
    # Table 4 has other models; with all instructions each of them is better in the other languages.
    return [
        Contrast(pair[True], pair[False], "others", 1, (None, None), f"Llama, {size}: all instructions against none")
        for size, pair in by_size.items()
        if len(pair) == 2
    ]


def _table3(arm: Arm) -> tuple[float | None, float | None]:
    from lrm_eval.reporting.published import load

    table = load("table3_instruction_ablation_mmbench")
    lines = {line["method"]: line for line in table.rows}
    found = []
    for column in ("avg_non_english", "en"):
        values = [table.number(lines[name], column) for name in (arm.variant, "LRM-LLaVA")]
        found.append(None if values[0] is None or values[1] is None else values[0] - values[1])
    return found[0], found[1]


def measure(contrast: Contrast, seeds: Sequence[int], places: Places) -> Effect | None:
    """A contrast over the seeds that both arms have; None if there is none.

    With one seed the interval is that of the paired cluster bootstrap over images; with more it is the t interval of
    the seeds' paired differences, which has the luck of training in it.
    """
    names = (contrast.arm.name, contrast.reference.name)
    both = [seed for seed in seeds if all(evaluated(places, name, seed) for name in names)]
    if not both:
        return None
    metrics = {(name, seed): _metrics(name, seed, places) for name in dict.fromkeys(names) for seed in both}

    def score(name: str, seed: int, tags: Sequence[str]) -> float:
        return statistics.fmean(_value(metrics[name, seed][tag]) for tag in tags)

    by_seed = {seed: (score(names[0], seed, ("en",)), score(names[0], seed, OTHERS)) for seed in both}

    def change(tags: Sequence[str]) -> Change:
        if len(both) == 1:
            return _over_questions(metrics[names[0], both[0]], metrics[names[1], both[0]], tags)
        return _over_seeds([score(names[0], seed, tags) - score(names[1], seed, tags) for seed in both])

    means = [statistics.fmean(pair[place] for pair in by_seed.values()) for place in (0, 1)]
    return Effect(contrast, means[0], means[1], by_seed, change(("en",)), change(OTHERS))


def scores(arm: Arm, seeds: Sequence[int], places: Places) -> dict[int, tuple[float, float]]:
    """English and the mean of the others by seed."""
    found = {}
    for seed in seeds:
        if evaluated(places, arm.name, seed):
            metrics = _metrics(arm.name, seed, places)
            found[seed] = (_value(metrics["en"]), statistics.fmean(_value(metrics[tag]) for tag in OTHERS))
    return found


def _value(metric: Metric) -> float:
    value = metric.value
    assert value is not None, "circular accuracy over at least one group is a number"
    return value


def _metrics(name: str, seed: int, places: Places) -> dict[str, Metric]:
    """The headline metric of a run by language."""
    from lrm_eval.runs import RunFolder
    from lrm_eval.scorers import metrics

    folder = RunFolder.open(places.run(name, seed))
    found = {}
    for cell in folder.cells():
        items = folder.items(cell, _RULES)
        categories = list(dict.fromkeys(item.sample.category for item in items))
        found[cell.language] = next(one for one in metrics("mmbench", items, _RULES, categories) if one.primary)
    return found


def _over_seeds(differences: Sequence[float]) -> Change:
    from scipy.special import stdtrit

    count = len(differences)
    mean = statistics.fmean(differences)
    half = float(stdtrit(count - 1, 0.975)) * statistics.stdev(differences) / count**0.5
    return Change(mean, mean - half, mean + half, "seeds", count)


def _over_questions(arm: dict[str, Metric], reference: dict[str, Metric], tags: Sequence[str]) -> Change:
    from lrm_eval.statistics import difference, joint

    sides = {"arm": arm, "reference": reference}
    together = joint({(side, tag): metrics[tag] for side, metrics in sides.items() for tag in tags})
    weights = [{(side, tag): 1 / len(tags) for tag in tags} for side in sides]
    found = difference(together, weights[0], weights[1])
    assert found.value is not None, "both sides have a value"
    return Change(found.value, found.low, found.high, "questions", 1)
