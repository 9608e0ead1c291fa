"""Model cards of the bundled checkpoints: what they were trained on, for how long, and what they score.

The numbers come from running the harness on the bundled benchmarks, never from the training loop.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrm_llava.tiny.build import ARMS
from lrm_llava.tiny.install import CHECKPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrm_eval.types import ScoreRow

_TASKS = ("tiny-mme", "tiny-pope", "tiny-seedbench", "tiny-mmbench")
_WHAT = {
    "lrm-llava": "all three task instructions of the paper (MVQA in stage 1; MVQA, EP-VQA and BVQA in stage 2)",
    "llava-tiny": 'images with English only, in both stages (the paper\'s "w/o all task instructions")',
}


def write_cards(log: Callable[[str], None]) -> None:
    """Run both models and the blind floor on every tiny task and language; write README.md beside the weights."""
    import lrm_eval

    with tempfile.TemporaryDirectory() as folder:
        scores: dict[str, list[ScoreRow]] = {}
        for name in (*ARMS, "blind"):
            result = lrm_eval.run(model=name, langs="all", suite="tiny", out=Path(folder) / name, report=False)
            scores[name] = list(result.scores)
            log(f"{name}: {len(result.scores)} scores")
    for arm in ARMS:
        target = CHECKPOINTS / arm
        facts = json.loads((target / "training.json").read_text(encoding="utf-8"))
        (target / "README.md").write_text(card(arm, facts, scores), encoding="utf-8")
        log(f"{target / 'README.md'}")


def card(arm: str, facts: dict[str, Any], scores: dict[str, list[ScoreRow]]) -> str:
    """The card as Markdown."""
    base, own = facts["base"], facts["arm"]
    recipe = facts["recipe"]
    two = recipe["stage2"]
    phases = {"language model on text": base["text"], "stage 1": own["stage1"], "stage 2": own["stage2"]}
    wall = {"vision tower": base["vision_seconds"]} | {name: phase["seconds"] for name, phase in phases.items()}
    spent = ", ".join(f"{name} {seconds / 60:.1f}" for name, seconds in wall.items())
    total, cpu = sum(wall.values()) / 60, sum(phase["cpu_seconds"] for phase in phases.values()) / 60
    lines = [
        f"# {arm} (tiny)",
        "",
        "A LlavaForConditionalGeneration trained from nothing in the tiny world of coloured shapes. It shows that",
        "the whole path works and which way the task instructions pull. It knows nothing outside its world, and its",
        "numbers are not the paper's.",
        "",
        f"- **Stages**: {_WHAT[arm]}.",
        f"- **Data**: {recipe['scenes']:,} drawn scenes; {recipe['stage1']['steps']:,} + {two['steps']:,} steps of"
        f" {two['rows']} images x {two['segments']} exchanges; half of what is multilingual is English. Text-only steps"
        " in twelve languages are the same in both arms.",
        "- **Held out**: no scene of the benchmarks was seen in training, nor two of the 24 colour-shape pairs.",
        f"- **Minutes** by the clock, on two CPU cores that trained the other arm and did other work beside:"
        f" {total:.0f} ({spent}); {cpu:.0f} minutes of processor time.",
        f"- **Seed**: {recipe['seed']}. `lrm-llava tiny build` makes it again, in one go.",
        "- **Licence**: MIT, as the project.",
        "",
        "## Scores on the bundled benchmarks (multilingual rules)",
        "",
        "`blind` is lrm-llava with the image hidden: what can be had without looking.",
        "",
    ]
    languages = _languages(scores[arm])
    for task in _TASKS:
        lines += _table(task, languages, {name: scores[name] for name in (*ARMS, "blind")})
    return "\n".join(lines) + "\n"


def _languages(rows: Sequence[ScoreRow]) -> list[str]:
    tags = sorted({row.language for row in rows})
    return ["en", *(tag for tag in tags if tag != "en")]


def _table(task: str, languages: Sequence[str], scores: dict[str, list[ScoreRow]]) -> list[str]:
    metric = next(
        row.metric for row in scores[ARMS[0]] if row.task == task and row.primary and row.rules == "multilingual"
    )
    out = [f"### {task}: {metric}", "", f"| model | {' | '.join(languages)} |", f"|---|{'---|' * len(languages)}"]
    for name, rows in scores.items():
        value = {
            row.language: row.value
            for row in rows
            if row.task == task and row.metric == metric and row.rules == "multilingual"
        }
        cells = [f"{value[tag]:.1f}" if value.get(tag) is not None else "" for tag in languages]
        out.append(f"| {name} | {' | '.join(cells)} |")
    return [*out, ""]
