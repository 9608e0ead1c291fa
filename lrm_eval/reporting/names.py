"""How tasks, metrics, languages and numbers are called on a page."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from lrm_eval import languages
from lrm_eval.errors import LrmEvalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BENCHMARKS = ("mme", "pope", "seedbench", "mmbench")
_TITLES = {
    "mme": "MME",
    "pope": "POPE",
    "seedbench": "SEED-Bench",
    "mmbench": "MMBench",
    "cvqa": "CVQA (human-made)",
    "cvqa-en": "CVQA in English (human-made)",
    "marvl": "MaRVL (human-made)",
    "marvl-stacked": "MaRVL side by side (human-made)",
    "m5-vgr": "M5-VGR (human-made)",
    "xm3600": "XM3600 (human-made)",
}
_METRICS = {
    "perception": "Perception",
    "cognition": "Cognition",
    "f1": "F1",
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "yes_ratio": "Yes ratio",
    "accuracy_ranking": "Accuracy (ranking)",
    "circular_accuracy": "CircularEval accuracy",
    "vanilla_accuracy": "Vanilla accuracy, first pass",
    "consistency": "Consistency",
    "chrf": "chrF",
    "bleu": "BLEU",
    "cider": "CIDEr",
    "vanilla_accuracy_all": "Vanilla accuracy, all passes",
    "line_pass_rate": "Answers in the language asked",
    "word_pass_rate": "Answers without an English word",
    "language_pass_rate": "Answers in the language asked and without an English word",
    "judged_rate": "Answers whose language is known",
    "gated_accuracy": "Right and in the language asked",
    "gated_accuracy_loss": "Right, but in another language",
    "truncation_rate": "Answers cut off by the token budget",
}
# Right-to-left ISO 15924 scripts, for tags that the registry does not hold.
_RTL_SCRIPTS = {"Adlm", "Arab", "Hebr", "Nkoo", "Rohg", "Syrc", "Thaa"}
# U+061C, U+200E/F, U+202A-E, U+2066-9: invisible, and able to turn the text around them.
_BIDI = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True, slots=True)
class LanguageView:
    """What a page says of a language. `joshi_class` is None and `family` empty where they are not known."""

    tag: str
    name: str
    autonym: str
    script: str
    direction: str
    family: str
    joshi_class: int | None


def language(tag: str) -> LanguageView:
    """The registry's entry of a tag; a tag it does not hold (of a plug-in, of an old run) is shown as it is."""
    try:
        found = languages.get(tag)
    except LrmEvalError:
        return _outside_registry(tag)
    return LanguageView(
        tag, found.name, found.autonym, found.script, found.direction, found.family, int(found.joshi_class)
    )


def _outside_registry(tag: str) -> LanguageView:
    import langcodes

    try:
        known = langcodes.Language.get(tag)
    except ValueError:
        return LanguageView(tag, tag, tag, "", "ltr", "", None)
    script = known.script or known.maximize().script or ""
    direction = "rtl" if script in _RTL_SCRIPTS else "ltr"
    return LanguageView(tag, known.display_name(), known.autonym(), script, direction, "", None)


def order_languages(tags: Iterable[str], typed: Iterable[str] = ()) -> list[str]:
    """English first, then the order in which they were typed, then the registry's, then by tag. No duplicates."""
    known = [*typed, *(one.tag for one in languages.all_languages())]
    place = {tag: index for index, tag in enumerate(dict.fromkeys(known))}
    return sorted(set(tags), key=lambda tag: (tag != "en", place.get(tag, len(place)), tag))


def benchmark_of(task: str, manifest: Mapping[str, Any] | None = None) -> str:
    """The benchmark a task is a form of; run.json knows it for tasks of other packages.

    Returns the task's own name where no benchmark is known.
    """
    tasks = (manifest or {}).get("tasks")
    told = tasks.get(task) if isinstance(tasks, dict) else None
    if isinstance(told, dict) and isinstance(told.get("benchmark"), str):
        return str(told["benchmark"])
    return task.removeprefix("tiny-")


def task_title(task: str, condition: str = "default") -> str:
    """`tiny-mme` -> "MME, tiny"; a condition other than the default one is named after a middle dot."""
    base = task.removeprefix("tiny-")
    title = _TITLES.get(base, base) + (", tiny" if task != base else "")
    return title if condition == "default" else f"{title} · {condition}"


def metric_label(metric: str) -> str:
    """`f1_random` -> "F1: random"; a name that is not known is shown with blanks for underscores."""
    if metric in _METRICS:
        return _METRICS[metric]
    for known in sorted(_METRICS, key=len, reverse=True):
        if metric.startswith(known + "_"):
            return f"{_METRICS[known]}: {metric[len(known) + 1 :].replace('_', ' ')}"
    return metric.replace("_", " ")


def metric_unit(benchmark: str, metric: str) -> str:
    """`points` for MME (a sum over subtasks), `%` for everything else."""
    shares = metric.startswith(("accuracy", "yes_ratio", "gated_accuracy")) or metric.endswith("_rate")
    return "points" if benchmark == "mme" and not shares else "%"


def number(value: float | None, decimals: int = 1, sign: bool = False) -> str:
    """A value for people: fixed decimals, a true minus sign, an em dash where there is none (None, NaN)."""
    if value is None or not math.isfinite(value):
        return "—"
    # Half away from zero, as the page's script rounds too (Number.prototype.toFixed): both print the same digits.
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    if rounded == 0:
        rounded = abs(rounded)
    text = f"{rounded:+f}" if sign and rounded else f"{rounded:f}"
    return text.replace("-", "\N{MINUS SIGN}")


def interval(low: float | None, high: float | None, decimals: int = 1, sign: bool = False) -> str:
    """`[60.1, 66.0]`, or nothing where there is no honest interval."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"[{number(low, decimals, sign)}, {number(high, decimals, sign)}]"


def percent(share: float) -> str:
    """A share (0-1) as a percentage that never rounds something to nothing."""
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{number(100 * share, 0 if share == 0 or share >= 0.0995 else 1)}%"


def plain(text: str) -> str:
    """One line without control characters and bidi overrides, for names in tables and headings."""
    kept = (" " if char in "\n\r\t" else char for char in text.translate(_BIDI))
    return "".join(char for char in kept if unicodedata.category(char) not in {"Cc", "Cs"}).strip()
