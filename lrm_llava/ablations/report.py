"""The result of a study as a page of Markdown and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lrm_eval.runs.files import write_atomic
from lrm_llava.ablations.effects import OTHERS, Change, Effect, contrasts, measure, scores
from lrm_llava.ablations.study import evaluated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lrm_llava.ablations.arms import Arm, Study
    from lrm_llava.ablations.config import Scale
    from lrm_llava.ablations.places import Places

_TITLES = {
    "instructions": "Task instructions (table 3)",
    "backbones": "Language models (table 4)",
    "ratio": "Share of other languages (figure 6)",
}


def write_result(
    study: Study, arms: Sequence[Arm], scale: Scale, seeds: Sequence[int], places: Places
) -> tuple[Path, list[str]]:
    """Write OUT/<study>.md and .json from the runs that are there; the page and its sentences.

    Args:
        study: which.
        arms: all arms of the study, asked for or not: what is missing is said.
        scale: as trained.
        seeds: that were asked for.
        places: folders.
    """
    effects = [effect for one in contrasts(study, arms) if (effect := measure(one, seeds, places)) is not None]
    found = {arm.name: scores(arm, seeds, places) for arm in arms}
    missing = [f"{arm.name} (seed {seed})" for arm in arms for seed in seeds if not evaluated(places, arm.name, seed)]
    page = places.out / f"{study}.md"
    write_atomic(page, _page(study, arms, scale, seeds, places, effects, found, missing))
    told = {
        "study": study, "scale": asdict(scale), "seeds": list(seeds), "missing": missing,
        "base_given": places.given is not None,
        "arms": {name: {str(seed): list(pair) for seed, pair in by_seed.items()} for name, by_seed in found.items()},
        "effects": [_as_json(effect) for effect in effects],
    }  # fmt: skip
    write_atomic(places.out / f"{study}.json", json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return page, [effect.sentence for effect in effects]


def _as_json(effect: Effect) -> dict[str, Any]:
    contrast = effect.contrast
    return {
        "arm": contrast.arm.name, "reference": contrast.reference.name, "label": contrast.label,
        "others": asdict(effect.in_others), "english": asdict(effect.in_english),
        "published": list(contrast.published), "sentence": effect.sentence,
    }  # fmt: skip


def _page(
    study: Study, arms: Sequence[Arm], scale: Scale, seeds: Sequence[int], places: Places, effects: Sequence[Effect],
    found: dict[str, dict[int, tuple[float, float]]], missing: Sequence[str],
) -> str:  # fmt: skip
    lines = [f"# {_TITLES[study]}: ablation in small, scale {scale.name}", "", *_how(scale, seeds, places), ""]
    lines += ["## Scores", "", "CircularEval accuracy, by seed and as a mean.", ""]
    lines += [f"| arm | seeds | en | mean of {len(OTHERS)} others |", "|---|---|---|---|"]
    for arm in arms:
        by_seed = found[arm.name]
        if by_seed:
            cells = [_seeds([pair[place] for pair in by_seed.values()]) for place in (0, 1)]
            lines.append(f"| {_label(study, arm)} | {', '.join(map(str, by_seed))} | {cells[0]} | {cells[1]} |")
    if effects:
        lines += ["", "## Differences", "", _interval_words(effects), ""]
        lines += ["| | others | others, paper | en | en, paper |", "|---|---|---|---|---|"]
        for effect in effects:
            theirs = [("" if value is None else f"{value:+.1f}") for value in effect.contrast.published]
            own = [_change(effect.in_others), _change(effect.in_english)]
            lines.append(f"| {effect.contrast.label} | {own[0]} | {theirs[0]} | {own[1]} | {theirs[1]} |")
        lines += ["", "## Does the paper's direction show?", "", *(f"- {effect.sentence}" for effect in effects)]
    if missing:
        lines += ["", f"**Missing:** {', '.join(missing)}."]
    return "\n".join(lines) + "\n"


def _label(study: Study, arm: Arm) -> str:
    if study == "instructions":
        return arm.variant
    if study == "ratio":
        return f"{arm.non_english} %"
    return f"Llama, {arm.size}, {'all' if arm.instructions else 'none'}"


def _how(scale: Scale, seeds: Sequence[int], places: Places) -> list[str]:
    two = scale.stage2
    base = (
        "one tower and language model for all seeds, made elsewhere"
        if places.given is not None
        else f"tower and language model trained for each seed and size ({scale.text.steps:,} steps of text)"
    )
    return [
        "A world of drawn shapes: it shows in which direction an instruction pulls there, and its numbers are not the "
        "paper's.",
        "",
        f"- **Arms**: {scale.stage1.steps:,} steps of stage 1 and {two.steps:,} of stage 2, {two.rows} images x "
        f"{two.segments} exchanges a step, alike in all arms; English has {100 * two.english:.0f} % of the "
        "exchanges wherever there are other languages (figure 6 is about that share; without any instruction all is "
        "English).",
        f"- **Base**: {base}.",
        f"- **World**: {min(scale.objects)} to {max(scale.objects)} objects on nine cells; answers in words; two of 24 "
        f"colour-shape pairs never seen in training; {scale.scenes:,} scenes.",
        f"- **Asked**: {scale.groups} questions x 4 rotations x 10 languages about scenes of the test bucket, in "
        "MMBench's form.",
        f"- **Seeds**: {', '.join(map(str, seeds))}.",
    ]


def _interval_words(effects: Sequence[Effect]) -> str:
    if any(effect.in_others.over == "questions" for effect in effects):
        return (
            "Points of CircularEval accuracy, with 95 % intervals over questions. **One seed**: the luck of training "
            "is not in them, and two trainings of the same arm can differ by more. Not corrected for several "
            "comparisons. The paper's numbers are MMBench's."
        )
    return (
        "Points of CircularEval accuracy, with 95 % t intervals over the seeds' paired differences. Not corrected for "
        "several comparisons. The paper's numbers are MMBench's."
    )


def _change(change: Change) -> str:
    if change.low is None or change.high is None:
        return f"{change.value:+.1f}"
    return f"{change.value:+.1f} [{change.low:+.1f}, {change.high:+.1f}]"


def _seeds(values: Sequence[float]) -> str:
    mean = sum(values) / len(values)
    return f"{mean:.1f}" if len(values) == 1 else f"{mean:.1f} ({', '.join(f'{value:.1f}' for value in values)})"
