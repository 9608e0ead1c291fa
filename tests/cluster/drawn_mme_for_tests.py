"""A small MME on drawn images, and what a run of it with workers left behind."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from lrm_eval import RunResult

PLUGIN = Path(__file__).parent / "plugin"


def write_drawn_mme(folder: Path, images: int = 12, languages: tuple[str, ...] = ("en", "sw")) -> Path:
    """Two questions an image in each language; the same images in all languages."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(images):
        name = f"{number:03}.png"
        Image.new("RGB", (8, 8), (number * 7 % 256, number // 36, 200)).save(folder / name)
        rows += [
            {
                "id": f"mme/existence/{name}/{place}",
                "image": name,
                "question": f"{language}: is there a {place} in {number}?",
                "answer": answer,
                "category": "existence",
                "language": language,
            }
            for language in languages
            for place, answer in enumerate(("yes", "no"))
        ]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def texts(result: RunResult) -> dict[str, str]:
    """Every answer of a run by key."""
    return {
        record.key: record.response.text for cell in result.folder.cells() for record in result.folder.records(cell)
    }


def processes_by_image(result: RunResult) -> dict[str, set[str]]:
    """Which processes answered the questions on each image."""
    found: dict[str, set[str]] = defaultdict(set)
    for cell in result.folder.cells():
        for record in result.folder.records(cell):
            found[record.sample.images[0].uri].add(str(record.response.prompt))
    return found
