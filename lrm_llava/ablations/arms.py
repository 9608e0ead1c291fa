"""The arms of tables 3 and 4 and figure 6, as data: each differs from LRM-LLaVA in one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from lrm_eval.errors import UsageError, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_llava.ablations.config import Scale

Study: TypeAlias = Literal["instructions", "backbones", "ratio"]
STUDIES: tuple[Study, ...] = get_args(Study)
# The paper does not give the shares of the instructions: alike, as in its recipes here.
_ALIKE = (1 / 3, 1 / 3, 1 / 3)
RATIOS = (40, 70, 100, 150)


@dataclass(frozen=True)
class Arm:
    """One model of a study.

    Attributes:
        name: of its folder and for `--arms`.
        size: of its language model.
        stage1: whether stage 1 has other languages (MVQA), or English alone.
        instructions: shares of MVQA, EP-VQA and BVQA in stage 2; None: English alone.
        non_english: exchanges in other languages in percent of those in English (figure 6).
        variant: its line of table 3, "" for none.
        compared: whether it stands in table 4.
        ratio: whether it stands in figure 6.
    """

    name: str
    size: str
    stage1: bool = True
    instructions: tuple[float, float, float] | None = _ALIKE
    non_english: int = 100
    variant: str = ""
    compared: bool = False
    ratio: bool = False

    def english(self, english: float) -> float:
        """Share of English among exchanges where 100 % of other languages would leave `english`."""
        return english / (english + (1 - english) * self.non_english / 100)

    def table(self) -> dict[str, str | int]:
        """What training.json says of it, so that `lrm-eval table` finds its line."""
        told: dict[str, str | int] = {}
        if self.variant:
            told["variant"] = self.variant
        if self.compared:
            told |= {"language_model": f"Llama, {self.size}", "instructions": "all" if self.instructions else "none"}
        if self.ratio:
            told["non_english_percent"] = self.non_english
        return told


def arms_of(study: Study, scale: Scale) -> tuple[Arm, ...]:
    """The arms of a study, the one that the others are held against first.

    An arm that stands in several studies is one arm: it is trained once.
    """
    main = scale.main
    full = Arm("full", main, variant="LRM-LLaVA", compared=True, ratio=True)
    none = Arm("none", main, False, None, variant="w/o all task instructions", compared=True)
    if study == "instructions":
        return (
            full,
            none,
            Arm("no-mvqa-1", main, False, variant="w/o MVQA (pre-training)"),
            Arm("no-mvqa-2", main, instructions=(0.0, 0.5, 0.5), variant="w/o MVQA (fine-tuning)"),
            Arm("no-ep-vqa", main, instructions=(0.5, 0.0, 0.5), variant="w/o EP-VQA"),
            Arm("no-bvqa", main, instructions=(0.5, 0.5, 0.0), variant="w/o BVQA"),
        )
    if study == "ratio":
        return (
            full,
            *(Arm(f"ratio-{n}", main, non_english=n, ratio=True) for n in RATIOS if n != full.non_english),
        )
    others = [
        arm
        for size in scale.sizes
        if size.name != main
        for arm in (
            Arm(f"full-{size.name}", size.name, compared=True),
            Arm(f"none-{size.name}", size.name, False, None, compared=True),
        )
    ]
    return (full, none, *others)


def chosen(study: Study, scale: Scale, names: Sequence[str]) -> tuple[Arm, ...]:
    """The arms asked for; all of the study if none are named.

    Raises:
        UsageError: an unknown one.
    """
    arms = {arm.name: arm for arm in arms_of(study, scale)}
    for name in names:
        if name not in arms:
            raise unknown(f"arm of {study}", name, arms)
    return tuple(arms[name] for name in dict.fromkeys(names)) if names else tuple(arms.values())


def study_of(name: str) -> Study:
    """A study by its name.

    Raises:
        UsageError: there is no such study.
    """
    for study in STUDIES:
        if study == name:
            return study
    raise unknown("study", name, STUDIES)


def seeds_of(text: str, scale: Scale) -> tuple[int, ...]:
    """`--seeds`: "1,3" for these; "" for as many as the scale says, from 1 on.

    Raises:
        UsageError: no whole numbers above 0.
    """
    if not text:
        return tuple(range(1, scale.seeds + 1))
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise UsageError(f"--seeds {text}: type numbers from 1 on, for example 1,2,3")
    return tuple(dict.fromkeys(numbers))
