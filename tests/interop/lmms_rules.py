"""Where lmms-eval's own scores differ from ours on the same answers, rule by rule.

Each benchmark has one function that counts with switches. With none on it must give our number, with all on it must
give lmms-eval's: then the rules between them, each with the step that it makes, are the whole difference. The names
are those of the table in docs/interop.md.

Sources: lmms-eval 0.7.3, lmms_eval/tasks/{pope,mme,seedbench}/utils.py; ours: lrm_eval/scorers.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POPE = ("exact-word", "unread-is-nothing", "pooled", "gold-yes-ratio")
MME = ("four-letters",)
SEEDBENCH = ("first-letter", "any-case")


@dataclass(frozen=True)
class Answered:
    """One question.

    Attributes:
        gold: the gold answer.
        read: what our multilingual rules read, or None.
        text: the answer, blanks around it removed as lmms-eval does.
        part: POPE's split, MME's subtask and image.
    """

    gold: str
    read: str | None
    text: str
    part: str = ""


def pope(answers: Sequence[Answered], rules: Sequence[str] = ()) -> dict[str, float]:
    """f1, accuracy, precision, recall, yes_ratio (0-100)."""
    splits: dict[str, list[Answered]] = defaultdict(list)
    for answer in answers:
        splits["" if "pooled" in rules else answer.part].append(answer)
    found = [_pope_split(part, rules) for part in splits.values()]
    return {name: 100 * sum(each[name] for each in found) / len(found) for name in found[0]}


def _pope_split(answers: Sequence[Answered], rules: Sequence[str]) -> dict[str, float]:
    counts: dict[tuple[str, str | None], int] = defaultdict(int)
    for answer in answers:
        word = answer.text.lower()
        said = (word if word in ("yes", "no") else None) if "exact-word" in rules else answer.read
        counts[answer.gold, said] += 1
    true, false = counts["yes", "yes"], counts["no", "yes"]
    missed = counts["yes", "no"]
    if "unread-is-nothing" not in rules:
        # An answer that cannot be read is wrong: a yes that was missed, or one that was said wrongly.
        missed += counts["yes", None]
        false += counts["no", None]
    precision = true / (true + false) if true + false else 0.0
    recall = true / (true + missed) if true + missed else 0.0
    total = len(answers)
    yes = sum(n for (gold, said), n in counts.items() if (gold if "gold-yes-ratio" in rules else said) == "yes")
    return {
        "f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        "accuracy": (true + counts["no", "no"]) / total,
        "precision": precision,
        "recall": recall,
        "yes_ratio": yes / total,
    }


def mme(answers: Sequence[Answered], rules: Sequence[str] = ()) -> float:
    """Points: accuracy and accuracy+ of each subtask, summed; `part` is `<subtask>/<image>`."""
    pairs: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for answer in answers:
        said = _four_letters(answer.text) if "four-letters" in rules else answer.read
        subtask, _, image = answer.part.partition("/")
        pairs[subtask][image].append(said == answer.gold)
    points = 0.0
    for images in pairs.values():
        right = [one for pair in images.values() for one in pair]
        both = [all(pair) for pair in images.values()]
        points += 100 * sum(right) / len(right) + 100 * sum(both) / len(both)
    return points


def _four_letters(text: str) -> str:
    plain = text.lower().strip().replace(".", "")
    if plain in ("yes", "no"):
        return plain
    if len(plain) == 1:
        return {"y": "yes", "n": "no"}.get(plain, "other")
    return next((word for word in ("yes", "no") if word in plain[:4]), "other")


def seedbench(answers: Sequence[Answered], rules: Sequence[str] = ()) -> float:
    """Accuracy (0-100)."""
    right = 0
    for answer in answers:
        said, gold = answer.read, answer.gold
        if "first-letter" in rules:
            said = answer.text.strip()[:1]
            if "any-case" in rules:
                said, gold = said.lower(), gold.lower()
        right += said == gold
    return 100 * right / len(answers)


def steps(values: Mapping[str, float]) -> list[tuple[str, float]]:
    """The difference that each rule makes, in the order in which they were switched on."""
    names, numbers = list(values), list(values.values())
    return [(name, after - before) for name, before, after in zip(names[1:], numbers, numbers[1:], strict=False)]
