"""How long 300,000 readings with 1,000 resamples of the images take, and how much memory.

    python benchmarks/statistics_speed.py [--readings 300000]

Two shapes: all readings in one cell, one per benchmark, through `scorers.rows` (every metric, its interval, its
chance level); and a board of 20 models in 12 languages, through the joint draw (scores, gaps, macro means, differences
of all neighbours, ranks). Aim: at most 20 s and 2 GB each. The readings are made before the clock starts, and their
memory counts. Every shape runs in a process of its own; "of a core" is its processor time, which other work on the
machine does not lengthen.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from lrm_eval.scorers import metrics, rows
from lrm_eval.statistics import common_average, difference, gaps, joint, languages_joint, rank_intervals, worst
from lrm_eval.types import Item, Reading, Response, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPLITS = ("random", "popular", "adversarial")
SUBTASKS = ("existence", "count", "position", "color", "posters", "celebrity", "scene", "landmark", "artwork", "OCR")
LABELS = ("A", "B", "C", "D")
MODELS, LANGUAGES = 20, 12
RESPONSE = Response("k")


def pope(count: int) -> Iterator[Sample]:
    """Six questions an image."""
    for number in range(count):
        image, rest = divmod(number, 6)
        gold = "yes" if rest % 2 else "no"
        yield Sample(f"pope/{number}", "pope", "en", "yes_no", "?", gold, split=SPLITS[rest // 2], cluster=f"i{image}")


def mme(count: int) -> Iterator[Sample]:
    """Two questions an image, ten subtasks."""
    for number in range(count):
        image, rest = divmod(number, 2)
        name = f"i{image}"
        gold = "yes" if rest else "no"
        category = SUBTASKS[image % len(SUBTASKS)]
        yield Sample(f"mme/{number}", "mme", "en", "yes_no", "?", gold, category=category, group=name, cluster=name)


def mmbench(count: int) -> Iterator[Sample]:
    """Four passes a question, one question an image."""
    for number in range(count):
        question, turn = divmod(number, 4)
        index = question + 1_000_000 * turn
        yield Sample(
            f"mmbench/{index}", "mmbench", "en", "option", "?", "A", labels=LABELS, group=str(question),
            category=f"category {question % 20}", cluster=f"i{question}",
        )  # fmt: skip


def seedbench(count: int) -> Iterator[Sample]:
    """One question an image: as many images as there can be."""
    for number in range(count):
        yield Sample(
            f"seedbench/{number}", "seedbench", "en", "option", "?", "A", labels=LABELS, category=str(1 + number % 9),
            cluster=f"i{number}",
        )  # fmt: skip


MAKERS: dict[str, Callable[[int], Iterator[Sample]]] = {
    "mme": mme,
    "pope": pope,
    "seedbench": seedbench,
    "mmbench": mmbench,
}


def answered(samples: Iterator[Sample], share: float, seed: int) -> list[Item]:
    """Items of which about this share are right."""
    rng = np.random.default_rng(seed)
    found = []
    for sample in samples:
        right = rng.random() < share
        wrong = "B" if sample.kind == "option" else "no" if sample.gold == "yes" else "yes"
        found.append(Item(sample, RESPONSE, Reading(sample.gold if right else wrong, "test", "read")))
    return found


def one_cell(benchmark: str, readings: int) -> tuple[int, float, float]:
    """Readings scored, seconds, and processor seconds, all in one cell."""
    items = answered(MAKERS[benchmark](readings), 0.7, 0)
    start, processor = time.perf_counter(), time.process_time()
    rows("model", benchmark, benchmark, "en", "default", "multilingual", items)
    return len(items), time.perf_counter() - start, time.process_time() - processor


def board(benchmark: str, readings: int) -> tuple[int, float, float]:
    """The same for a board of 20 models in 12 languages."""
    each = readings // (MODELS * LANGUAGES)
    cells = {
        (model, language): answered(
            MAKERS[benchmark](each), 0.9 - 0.01 * model - 0.02 * language, model * 100 + language
        )
        for model in range(MODELS)
        for language in range(LANGUAGES)
    }
    start, processor = time.perf_counter(), time.process_time()
    tags = {0: "en"} | {language: f"x{language}" for language in range(1, LANGUAGES)}
    primary = {
        (model, tags[language]): metrics(benchmark, items, "multilingual")[0]
        for (model, language), items in cells.items()
    }
    together = joint(primary)
    for key in primary:
        together.estimate({key: 1.0})
    for model in range(MODELS):
        own = languages_joint({tag: primary[model, tag] for tag in tags.values()})
        gaps(own)
        worst(own)
    common_average(together)
    means = {model: {(model, tag): 1 / LANGUAGES for tag in tags.values()} for model in range(MODELS)}
    for one, other in pairwise(range(MODELS)):
        difference(together, means[one], means[other])
        for tag in tags.values():
            difference(together, {(one, tag): 1.0}, {(other, tag): 1.0})
    rank_intervals(together, means)
    return sum(map(len, cells.values())), time.perf_counter() - start, time.process_time() - processor


def measured(
    shape: str, benchmark: str, readings: int, out: multiprocessing.Queue[tuple[int, float, float, float]]
) -> None:
    """Runs one shape and reports readings, seconds, processor seconds, and the peak of its process in GB."""
    count, seconds, processor = (one_cell if shape == "one cell" else board)(benchmark, readings)
    out.put((count, seconds, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20))


def main() -> int:
    """Prints the table; status 1 if an aim is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--readings", type=int, default=300_000)
    parser.add_argument("--only", default="", help="benchmark")
    asked = parser.parse_args()
    table = Table(title="statistics, 1,000 resamples of the images")
    for column in ("shape", "benchmark", "readings", "seconds", "of a core", "peak memory"):
        table.add_column(column, justify="left" if column in ("shape", "benchmark") else "right")
    missed = False
    context = multiprocessing.get_context("spawn")
    for shape in ("one cell", "20 models x 12 languages"):
        for benchmark in MAKERS:
            if asked.only not in benchmark:
                continue
            out: multiprocessing.Queue[tuple[int, float, float, float]] = context.Queue()
            process = context.Process(target=measured, args=(shape, benchmark, asked.readings, out))
            process.start()
            count, seconds, processor, peak = out.get()
            process.join()
            missed |= processor > 20 or peak > 2
            table.add_row(shape, benchmark, f"{count:,}", f"{seconds:.1f}", f"{processor:.1f}", f"{peak:.2f} GB")
    table.add_row("aim", "", "300,000", "", "20", "2 GB")
    Console(width=None if sys.stdout.isatty() else 100).print(table)
    return int(missed)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
