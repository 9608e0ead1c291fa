"""A small MME on drawn images, and the folder of the adapter that answers it."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

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
