from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

import lrm_eval

if TYPE_CHECKING:
    from collections.abc import Callable

PLUGIN = Path(__file__).parent / "plugin"


def write_questions(folder: Path, images: int = 6, languages: tuple[str, ...] = ("en", "sw")) -> Path:
    """A small MME: two questions an image in each language; the same images in all languages."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(images):
        name = f"{number:03}.png"
        Image.new("RGB", (8, 8), (number * 7 % 256, number // 36, 100)).save(folder / name)
        for language in languages:
            for place, answer in enumerate(("yes", "no")):
                rows.append(
                    {
                        "id": f"mme/existence/{name}/{place}",
                        "image": name,
                        "question": f"{language}: is there a {place} in {number}?",
                        "answer": answer,
                        "category": "existence",
                        "language": language,
                    }
                )
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return write_questions(tmp_path / "questions")


@pytest.fixture
def evaluate(tmp_path: Path, questions: Path) -> Callable[..., lrm_eval.RunResult]:
    """`lrm_eval.run` on the small MME, with what every test here gives."""

    def run(model: str = "scripted", langs: str = "en,sw", **options: Any) -> lrm_eval.RunResult:
        options.setdefault("data", {"mme": questions})
        options.setdefault("out", tmp_path / "run")
        options.setdefault("report", False)
        return lrm_eval.run(model, langs, include_paths=[PLUGIN], **options)

    return run
