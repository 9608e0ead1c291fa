"""The tiny benchmarks: held-out scenes cast into the exact forms of MME, POPE, SEED-Bench and MMBench.

Each is written as the hub's files are: one parquet with images and English questions, and one language
pack (JSONL) for each other language, so that the tiny tasks go through the very code of the full ones.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lrm_llava.tiny import questions as q
from lrm_llava.tiny.grammar import load_grammar
from lrm_llava.tiny.world import draw_scene, png_bytes, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from lrm_llava.tiny.world import Scene

MME_IMAGES = 64  # a subtask, two questions each: 512 questions
POPE_IMAGES = 60  # two true and two false objects each in every split: 240 questions a split
SEED_IMAGES = 130  # four questions each, one a type: 520 questions
MMBENCH_GROUPS = {4: 110, 3: 30, 2: 20}  # circular groups by number of options: 570 rows
MMBENCH_PASS = 1_000_000  # pass k of group g has index g + k * 1,000,000, as in MMBench
PROVENANCE = "grammar"

_MME_KINDS = {
    "existence": q.EXISTENCE,
    "count": ("count_is",),
    "position": q.POSITION,
    "color": ("color_is",),
}
# SEED-Bench's own type numbers: 2 Instance Identity, 3 Instance Attributes, 4 Instance Location, 5 Instances Counting.
_SEED_TYPES = {2: "shape_of", 3: "color_of", 4: "where_is", 5: "count_of"}
_MMBENCH_CATEGORIES = {
    "color_of": "attribute_recognition",
    "shape_of": "attribute_recognition",
    "where_is": "object_localization",
    "count_of": "object_localization",
}


@dataclass(frozen=True)
class Row:
    """One row of a benchmark: the hub's fields but for question and options, and the query they come from."""

    query: q.Query
    fields: dict[str, Any]


def build_benchmarks(seed: int) -> dict[str, list[Row]]:
    """All four, drawn from the test bucket; no scene is used twice."""
    used: set[Scene] = set()

    def fresh(rng: random.Random, accept: Callable[[Scene], bool], counts: tuple[int, ...] = (1, 2, 3, 4)) -> Scene:
        while True:
            scene = draw_scene(rng, "test", counts)
            if scene not in used and accept(scene):
                used.add(scene)
                return scene

    return {
        "tiny-mme": list(_mme(random.Random(f"{seed}/mme"), fresh)),
        "tiny-pope": list(_pope(random.Random(f"{seed}/pope"), fresh)),
        "tiny-seedbench": list(_seedbench(random.Random(f"{seed}/seedbench"), fresh)),
        "tiny-mmbench": list(_mmbench(random.Random(f"{seed}/mmbench"), fresh)),
    }


def _image(scene: Scene, rng: random.Random, name: str) -> dict[str, Any]:
    return {"bytes": png_bytes(render(scene, rng)), "path": name}


def _mme(rng: random.Random, fresh: Callable[..., Scene]) -> Iterator[Row]:
    for subtask, kinds in _MME_KINDS.items():
        for number in range(MME_IMAGES):
            kind = kinds[number % len(kinds)]
            pair: list[q.Query] = []

            def both(scene: Scene, kind: str = kind, pair: list[q.Query] = pair) -> bool:
                asked = [q.YES_NO_MAKERS[kind](scene, rng, answer, True) for answer in (True, False)]
                pair[:] = [query for query in asked if query is not None]
                return len(pair) == 2

            scene = fresh(rng, both)
            rng.shuffle(pair)
            name = f"{number:04d}.png"
            image = _image(scene, rng, name)
            for query in pair:
                yield Row(
                    query,
                    {
                        "question_id": f"{subtask}/{name}",
                        "image": image,
                        "answer": "Yes" if query.answer else "No",
                        "category": subtask,
                    },
                )


def _pope(rng: random.Random, fresh: Callable[..., Scene]) -> Iterator[Row]:
    scenes = [fresh(rng, lambda scene: True, (3, 4)) for _ in range(POPE_IMAGES)]
    images = [_image(scene, rng, f"{number:04d}.png") for number, scene in enumerate(scenes)]
    frequency = Counter(item.pair for scene in scenes for item in scene.objects)
    by_frequency = [pair for pair, _ in sorted(frequency.items(), key=lambda entry: (-entry[1], entry[0]))]
    positives = [rng.sample([item.pair for item in scene.objects], 2) for scene in scenes]
    count = 0
    for split in ("random", "popular", "adversarial"):
        for scene, image, true in zip(scenes, images, positives, strict=True):
            present = {item.pair for item in scene.objects}
            absent = [pair for pair in q.allowed_pairs(held_out=True) if pair not in present]
            if split == "random":
                false = rng.sample(absent, 2)
            elif split == "popular":  # the objects most often seen in this set that are not in this image
                false = [pair for pair in by_frequency if pair not in present][:2]
            else:  # what the image almost shows: colour and shape are there, on different objects
                near = [pair for pair in absent if q.near_miss(pair, scene)]
                false = rng.sample(near, min(2, len(near)))
                false += rng.sample([pair for pair in absent if pair not in false], 2 - len(false))
            for pair, answer in zip((true[0], false[0], true[1], false[1]), (True, False, True, False), strict=True):
                count += 1
                yield Row(
                    q.Query("exist_object", answer, pair[1], pair[0]),
                    {
                        "id": str(count - 1),
                        "question_id": str(count),
                        "answer": "yes" if answer else "no",
                        "image_source": str(image["path"]).removesuffix(".png"),
                        "image": image,
                        "category": split,
                    },
                )


def _answerable(scene: Scene) -> bool:
    return bool(scene.unique_shapes()) and bool(scene.unique_colors())


def _seedbench(rng: random.Random, fresh: Callable[..., Scene]) -> Iterator[Row]:
    count = 0
    for number in range(SEED_IMAGES):
        scene = fresh(rng, _answerable)
        image = _image(scene, rng, f"{number:04d}.png")
        for type_id, kind in _SEED_TYPES.items():
            query = q.OPEN_MAKERS[kind](scene, rng)
            assert query is not None
            query = q.with_choices(query, rng, 4, scene)
            count += 1
            yield Row(
                query,
                {
                    "question_id": str(count),
                    "image": [image],
                    "answer": query.letter,
                    "data_id": image["path"],
                    "data_type": "image",
                    "question_type_id": type_id,
                },
            )


def _mmbench(rng: random.Random, fresh: Callable[..., Scene]) -> Iterator[Row]:
    sizes = [size for size, count in MMBENCH_GROUPS.items() for _ in range(count)]
    rng.shuffle(sizes)
    kinds = tuple(_MMBENCH_CATEGORIES)
    groups: list[tuple[q.Query, dict[str, Any]]] = []
    for number, size in enumerate(sizes):
        scene = fresh(rng, _answerable)
        kind = kinds[number % len(kinds)]
        query = q.OPEN_MAKERS[kind](scene, rng)
        assert query is not None
        groups.append((q.with_choices(query, rng, size, scene), _image(scene, rng, f"{number:04d}.png")))
    for turn in range(max(MMBENCH_GROUPS)):
        for number, (query, image) in enumerate(groups):
            size = len(query.choices)
            if turn >= size:
                continue
            rotated = replace(query, choices=query.choices[size - turn :] + query.choices[: size - turn])
            yield Row(
                rotated,
                {
                    "index": number + 1 + turn * MMBENCH_PASS,
                    "hint": None,
                    "answer": rotated.letter,
                    "category": _MMBENCH_CATEGORIES[query.kind],
                    "L2-category": "finegrained_perception (instance-level)",
                    "image": image,
                    "source": "tiny world",
                    "split": "dev",
                },
            )


def hub_row(task: str, row: Row) -> dict[str, Any]:
    """The row as the hub's file has it, in English."""
    grammar = load_grammar("en")
    question = q.question_text(row.query, grammar)
    options = [q.value_text(row.query.kind, value, grammar) for value in row.query.choices]
    if task == "tiny-mme":
        return {**row.fields, "question": f"{question} Please answer yes or no."}
    if task == "tiny-seedbench":
        return {
            **row.fields,
            "question": question,
            **dict(zip(("choice_a", "choice_b", "choice_c", "choice_d"), options, strict=True)),
        }
    if task == "tiny-mmbench":
        padded = [*options, *[None] * (4 - len(options))]
        return {**row.fields, "question": question, **dict(zip(q.LETTERS, padded, strict=True))}
    return {**row.fields, "question": question}


def pack_line(sample_id: str, query: q.Query, tag: str) -> str:
    """One line of a language pack."""
    grammar = load_grammar(tag)
    entry: dict[str, Any] = {"id": sample_id, "question": q.question_text(query, grammar)}
    if query.choices:
        entry["options"] = [q.value_text(query.kind, value, grammar) for value in query.choices]
    entry["provenance"] = PROVENANCE
    return json.dumps(entry, ensure_ascii=False)


def write_parquet(task: str, rows: Sequence[Row], path: Path) -> None:
    """The English benchmark with its images."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([hub_row(task, row) for row in rows]), path, compression="zstd")


def write_packs(task: str, rows: Sequence[Row], ids: Sequence[str], tags: Sequence[str], folder: Path) -> None:
    """One pack a language other than English; `ids` are the sample ids of the rows, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    for tag in tags:
        if tag == "en":
            continue
        lines = [pack_line(sample_id, row.query, tag) for sample_id, row in zip(ids, rows, strict=True)]
        (folder / f"{tag}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
