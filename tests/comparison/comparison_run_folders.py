"""Makes run folders in which every answer is chosen by the test; readings and scores come from the real code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lrm_eval.runs import RunFolder
from lrm_eval.runs.derive import derive

if TYPE_CHECKING:
    from pathlib import Path

YES = {"en": "Yes", "sw": "Ndiyo", "am": "አዎ"}
NO = {"en": "No", "sw": "Hapana", "am": "አይ"}
CODE = "c" * 64


def pope(language: str, right: list[bool], per_image: int = 1, **changes: Any) -> list[dict[str, Any]]:
    """POPE questions, `per_image` on each image, gold answers in turn; `right` says which are answered rightly."""
    lines = []
    for place, hit in enumerate(right):
        gold = "yes" if place % 2 == 0 else "no"
        said = gold if hit else {"yes": "no", "no": "yes"}[gold]
        sha = f"{place // per_image:064x}"
        sample = {
            "id": f"pope/random/{place}", "kind": "yes_no", "question": f"Is there a dog, number {place}?",
            "gold": gold, "split": "random", "group": f"pope/random/{place}", "cluster": sha,
            "options": [], "labels": [], "category": "",
        }  # fmt: skip
        lines.append(_line(sample, "pope", language, place, {"yes": YES, "no": NO}[said][language], sha, changes))
    return lines


def mme(language: str, right: list[bool], category: str = "existence") -> list[dict[str, Any]]:
    """MME questions, two an image."""
    lines = []
    for place, hit in enumerate(right):
        gold = "yes" if place % 2 == 0 else "no"
        said = gold if hit else {"yes": "no", "no": "yes"}[gold]
        sha = f"{place // 2:064x}"
        group = f"mme/{category}/{place // 2}.png"
        sample = {
            "id": f"{group}/{place % 2}", "kind": "yes_no", "question": f"Is it {place}?", "gold": gold, "split": "",
            "group": group, "cluster": sha, "options": [], "labels": [], "category": category,
        }  # fmt: skip
        lines.append(_line(sample, "mme", language, place, {"yes": YES, "no": NO}[said][language], sha, {}))
    return lines


def mmbench(language: str, right: list[list[bool]]) -> list[dict[str, Any]]:
    """MMBench questions of two options, one list of passes a question; wrong answers choose the other option."""
    lines = []
    for question, passes in enumerate(right):
        for turn, hit in enumerate(passes):
            gold = "AB"[turn]
            sha = f"{question:064x}"
            sample = {
                "id": f"mmbench/{question + 1_000_000 * turn}", "kind": "option", "question": "What colour?",
                "gold": gold, "split": "", "group": f"mmbench/{question}", "cluster": sha, "category": "c",
                "options": ["red", "blue"] if turn == 0 else ["blue", "red"], "labels": ["A", "B"],
            }  # fmt: skip
            said = gold if hit else {"A": "B", "B": "A"}[gold]
            lines.append(_line(sample, "mmbench", language, len(lines), said, sha, {}))
    return lines


def _line(
    sample: dict[str, Any], task: str, language: str, place: int, text: str, sha: str, changes: dict[str, Any]
) -> dict[str, Any]:
    told = {
        "task": task, "language": language, "instruction": "Answer with one word.", "hint": "", "order": place,
        "images": [{"uri": f"{place}.png", "sha256": sha}], **sample, **changes.get("sample", {}),
    }  # fmt: skip
    answer = {
        "text": text, "finish_reason": "stop", "prompt_tokens": None, "completion_tokens": None, "choices": [],
        "prompt": None, "error": None, **changes.get("response", {}),
    }  # fmt: skip
    digest = changes.get("request", f"{place:016x}")
    return {"key": f"{told['id']}@{language}", "order": place, "request": digest, "sample": told, "response": answer}


def make_run(
    folder: Path,
    cells: dict[tuple[str, str], list[dict[str, Any]]],
    model: str = "",
    planned: dict[tuple[str, str], int] | None = None,
    version: int = 1,
) -> RunFolder:
    """A run with these lines per (task, language); `planned` where more questions were asked than answered."""
    for (task, language), lines in cells.items():
        path = folder / "responses" / task / f"{language}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    manifest = {
        "schema": 1,
        "model": {"name": model or folder.name},
        "seed": 0,
        "languages": sorted({language for _, language in cells}),
        "tasks": {task: {"benchmark": task, "version": version} for task, _ in cells},
        "command": {"argv": ["lrm-eval", "run", "--model", model or folder.name], "code_sha256": {"rules": CODE}},
        "cells": [
            {
                "task": task,
                "language": language,
                "condition": "default",
                "planned": (planned or {}).get((task, language), len(lines)),
            }
            for (task, language), lines in cells.items()
        ],
    }
    (folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    run = RunFolder(folder)
    derive(run)
    return run


def scored_otherwise(run: RunFolder, **changes: Any) -> None:
    """Rewrites every row of scores.json."""
    data = json.loads(run.scores_path.read_text(encoding="utf-8"))
    for row in data["scores"]:
        row.update(changes)
    run.scores_path.write_text(json.dumps(data), encoding="utf-8")
