"""What the harness costs beside the model: time per response and memory, with an adapter that does nothing.

    python benchmarks/harness_overhead.py [--responses 100000] [--languages 5]

Four benchmarks in five languages (or more: copies of these under other tags) over 1,000 images, in a temporary folder,
through the same functions as `lrm-eval run`. Aims: written, read and scored in at most 200 µs a response, less than
1 GB of memory, `lrm-eval --help` in less than 0.4 s, 100,000 responses scanned for resuming in less than 3 s.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from rich.console import Console
from rich.table import Table

from lrm_eval import languages
from lrm_eval.languages import get
from lrm_eval.runs import RunFolder
from lrm_eval.runs.codec import dumps_scores
from lrm_eval.runs.derive import items_of, read_cell, readings_file, score_cell
from lrm_eval.runs.execute import Counts, execute
from lrm_eval.runs.files import write_atomic
from lrm_eval.runs.images import ImageStore
from lrm_eval.runs.manifest import describe_task
from lrm_eval.runs.observer import Silent
from lrm_eval.runs.plan import PlannedCell, in_image_order, plan_cell
from lrm_eval.runs.resume import resume
from lrm_eval.tasks import load_task
from lrm_eval.types import RULES, Capabilities, Response, ScoreRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lrm_eval.types import Request

LANGUAGES = ("en", "sw", "am", "de", "zh")
TASKS = ("mme", "pope", "seedbench", "mmbench")
IMAGES = 1000
SPLITS = ("random", "popular", "adversarial")


class NoModel:
    """Answers at once: yes, or the first label."""

    capabilities = Capabilities(choices=False, batch=True)

    def generate(self, requests: Iterable[Request]) -> Iterator[Response]:
        """One answer a request."""
        for request in requests:
            words = request.sample.labels or ("yes",)
            yield Response(request.key, text=words[0], prompt_tokens=600, completion_tokens=1)

    def fingerprint(self) -> dict[str, Any]:
        """Nothing decides its answers."""
        return {"adapter": "none"}

    def close(self) -> None:
        """Nothing to give back."""


def more_languages(folder: Path, count: int) -> tuple[str, ...]:
    """The five languages, and copies of them under private tags until there are `count`."""
    tags = list(LANGUAGES[:count])
    (folder / "languages").mkdir()
    for number in range(count - len(tags)):
        source = LANGUAGES[number % len(LANGUAGES)]
        tag = f"{source}-x-copy{number}"
        text = (Path(languages.__file__).parent / "data" / f"{source}.yaml").read_text(encoding="utf-8")
        # ISO 639-3 keeps qaa to qtz for whoever needs codes of their own.
        code = f"q{chr(97 + number // 26)}{chr(97 + number % 26)}"
        for key, value in {"tag": tag, "iso639_3": code, "name": tag, "autonym": tag, "aliases": "[]"}.items():
            text = re.sub(f"^{key}: .*$", f"{key}: {value}", text, flags=re.MULTILINE)
        (folder / "languages" / f"{tag}.yaml").write_text(text, encoding="utf-8")
        tags.append(tag)
    languages.include([folder])
    return tuple(tags)


def row(task: str, number: int, language: str) -> dict[str, Any]:
    image = f"{number // (2 if task == 'mme' else 1) % IMAGES}.png"
    question = f"({language}) Is there an object number {number} of a few words' length in the image?"
    common = {"image": image, "question": question, "language": language}
    if task == "mme":
        pair, place = divmod(number, 2)
        name = f"mme/existence/{pair}/{place}"
        return {**common, "id": name, "answer": ("yes", "no")[place], "category": "existence"}
    if task == "pope":
        split = SPLITS[number % 3]
        return {**common, "id": f"pope/{split}/{number}", "answer": ("yes", "no")[number % 2], "category": split}
    options = {letter: f"the {letter} of {number}" for letter in "ABCD"}
    answer = "ABCD"[number % 4]
    if task == "seedbench":
        return {**common, **options, "id": f"seedbench/{number}", "answer": answer, "category": "Scene Understanding"}
    group, turn = divmod(number, 4)
    turned = {letter: f"the {'ABCD'[(place - turn) % 4]} of {group}" for place, letter in enumerate("ABCD")}
    fields = {"id": f"mmbench/{group + turn * 1_000_000}", "answer": "ABCD"[turn], "category": "x"}
    return {
        **common,
        **turned,
        **fields,
        "image": f"{group % IMAGES}.png",
        "question": f"({language}) What is {group}?",
    }


def write_data(folder: Path, per_cell: int, tags: tuple[str, ...]) -> None:
    for number in range(IMAGES):
        Image.new("RGB", (336, 336), (number % 256, number // 256 * 60, 90)).save(folder / f"{number}.png")
    for task in TASKS:
        lines = (json.dumps(row(task, number, tag)) + "\n" for tag in tags for number in range(per_cell))
        (folder / f"{task}.jsonl").write_text("".join(lines), encoding="utf-8")


class Clock:
    """Seconds per step, steps with one name added up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str) -> Clock:
        """`with clock(name):` adds the time of the block to a step."""
        self._name = name
        return self

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds[self._name] = self.seconds.get(self._name, 0.0) + time.perf_counter() - self._start


def measure(folder: Path, per_cell: int, tags: tuple[str, ...], clock: Clock) -> int:
    tasks = {name: load_task(name) for name in TASKS}
    with clock("load and plan"):
        cells: list[PlannedCell] = [
            plan_cell(task, get(tag), folder / f"{name}.jsonl", None) for name, task in tasks.items() for tag in tags
        ]
        todo = in_image_order(cells)
    run = RunFolder(folder / "run")
    with clock("look at images"):
        images = ImageStore(run)
        for _, request in todo:
            images.problem(request.sample.images[0])
    with clock("ask and write"):
        execute(NoModel(), todo, run, images, Silent(), Counts())
    with clock("resume scan"):
        scanned = resume(run, cells)
    assert sum(len(scan.answered) for scan in scanned.scans.values()) == len(todo)
    assert not scanned.differences
    manifest = {
        "model": {"name": "none"},
        "seed": 0,
        "tasks": {name: describe_task(task) for name, task in tasks.items()},
    }
    count = len(todo)
    del cells, todo, scanned
    derive_all(run, manifest, clock)
    return count


def derive_all(run: RunFolder, manifest: dict[str, Any], clock: Clock) -> None:
    scores: list[ScoreRow] = []
    for cell in run.cells():
        with clock("read back"):
            records = run.records(cell)
        for rules in RULES:
            with clock(f"read answers, {rules}"):
                readings = read_cell(cell.task, records, rules)
                write_atomic(run.readings_path(cell, rules), readings_file(readings))
            with clock("score"):
                scores += score_cell(manifest, cell, rules, items_of(records, readings))
    with clock("score"):
        write_atomic(run.scores_path, dumps_scores(scores))


def help_seconds() -> float:
    def once() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "lrm_eval.cli", "--help"], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    return min(once() for _ in range(5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--responses", type=int, default=100_000, help="rounded down to whole groups per cell")
    parser.add_argument("--languages", type=int, default=len(LANGUAGES), help="copies of the five beyond them")
    options = parser.parse_args()
    per_cell = max(12, options.responses // (len(TASKS) * options.languages) // 12 * 12)
    clock = Clock()
    with tempfile.TemporaryDirectory() as place:
        tags = more_languages(Path(place), options.languages)
        write_data(Path(place), per_cell, tags)
        count = measure(Path(place), per_cell, tags, clock)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024) / 1024

    table = Table(title=f"{count} responses, {len(TASKS)} tasks, {len(tags)} languages, {IMAGES} images")
    table.add_column("step")
    for name in ("seconds", "µs a response", "aim"):
        table.add_column(name, justify="right")
    for name, seconds in clock.seconds.items():
        aim = "3 s" if name == "resume scan" else ""
        table.add_row(name, f"{seconds:.2f}", f"{1e6 * seconds / count:.1f}", aim)
    counted = [name for name in clock.seconds if name not in ("load and plan", "look at images", "resume scan")]
    total = sum(clock.seconds[name] for name in counted)
    table.add_section()
    table.add_row("written, read and scored", f"{total:.2f}", f"{1e6 * total / count:.1f}", "200 µs")
    table.add_row("peak memory", f"{peak:.2f} GB", "", "1 GB")
    table.add_row("lrm-eval --help", f"{help_seconds():.2f}", "", "0.4 s")
    Console(width=None if sys.stdout.isatty() else 100).print(table)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
