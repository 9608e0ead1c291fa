"""What the leaderboard costs: time and memory to build it, its size, first paint and sorting in Chromium.

    python benchmarks/leaderboard.py [--records 300000] [--models 20] [--keep FOLDER]

Four benchmarks in twelve languages; run folders are written by the same functions as `lrm-eval run`, with answers that
we make up: short ones, sentences, answers in English, and some that nobody can read. Aims for 300,000 records, 20
models and 12 languages: built in 30 s, at most 25 MB, first paint in less than 2 s, a sort in less than 100 ms.
The browser is measured where playwright and chromium are installed. With --keep the run folders are used again.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw
from rich.console import Console
from rich.table import Table

from lrm_eval.languages import get
from lrm_eval.runs import RunFolder
from lrm_eval.runs.derive import derive
from lrm_eval.runs.images import ImageStore
from lrm_eval.runs.manifest import SCHEMA, describe_cell, describe_task
from lrm_eval.runs.plan import PlannedCell, in_image_order, plan_cell
from lrm_eval.runs.responses import ResponseWriter
from lrm_eval.tasks import load_task
from lrm_eval.types import Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrm_eval.types import Request

LANGUAGES = ("en", "sw", "am", "cs", "de", "fr", "hr", "it", "ro", "ru", "es", "zh")
TASKS = ("mme", "pope", "seedbench", "mmbench")
SPLITS = ("random", "popular", "adversarial")
SUBTASKS = ["existence", "count", "position", "color", "posters", "celebrity", "scene", "landmark", "artwork", "OCR"]
SORTS = 5
SENTENCE = "It can be seen on the left, behind the second of the three chairs, a little below the window"


def row(task: str, number: int, language: str) -> dict[str, Any]:
    """A question in the fields of `--data`."""
    question = f"({language}) Is there an object number {number} of a few words' length in the image?"
    common = {"image": f"{task}-{number}.png", "question": question, "language": language}
    if task == "mme":
        pair, place = divmod(number, 2)
        common["image"] = f"mme-{pair}.png"
        subtask = SUBTASKS[pair % len(SUBTASKS)]
        fields = {"id": f"mme/{subtask}/{pair}/{place}", "answer": ("yes", "no")[place], "category": subtask}
    elif task == "pope":
        split = SPLITS[number % 3]
        fields = {"id": f"pope/{split}/{number}", "answer": ("yes", "no")[number // 3 % 2], "category": split}
    elif task == "seedbench":
        options = {letter: f"the {letter} of {number}" for letter in "ABCD"}
        kind = "Scene Understanding"
        fields = {**options, "id": f"seedbench/{number}", "answer": "ABCD"[number % 4], "category": kind}
    else:
        group, turn = divmod(number, 4)
        common |= {"image": f"mmbench-{group}.png", "question": f"({language}) What is object {group}?"}
        turned = {letter: f"the {'ABCD'[(place - turn) % 4]} of {group}" for place, letter in enumerate("ABCD")}
        fields = {**turned, "id": f"mmbench/{group + turn * 1_000_000}", "answer": "ABCD"[turn], "category": "x"}
    return {**common, **fields}


def picture(name: str) -> Image.Image:
    """336 x 336 with enough in it that its thumbnail is as large as a photograph's."""
    image = Image.effect_noise((84, 84), 60).resize((336, 336)).convert("RGB")
    draw = ImageDraw.Draw(image)
    digest = hashlib.sha256(name.encode()).digest()
    for place in range(0, 24, 3):
        x, y, size = digest[place], digest[place + 1], 20 + digest[place + 2] // 4
        draw.ellipse((x, y, x + size, y + size), fill=(digest[place + 1], digest[place + 2], digest[place]))
    return image


def write_data(folder: Path, per_cell: int) -> None:
    for task in TASKS:
        rows = [row(task, number, tag) for tag in LANGUAGES for number in range(per_cell)]
        (folder / f"{task}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
        for name in {one["image"] for one in rows}:
            picture(name).save(folder / name)


def answer(request: Request, model: int) -> Response:
    """Right more often the later the model and never in all languages alike; always the same one."""
    sample = request.sample
    dice = hashlib.sha256(f"{model} {request.key}".encode()).digest()
    right = dice[0] < 120 + 6 * model - 9 * LANGUAGES.index(sample.language)
    words = get(sample.language)
    if sample.kind == "yes_no":
        value = (sample.gold == "yes") == right
        text = (words.yes if value else words.no)[0]
    else:
        text = sample.gold if right else sample.labels[dice[1] % len(sample.labels)]
    if dice[2] < 12:
        text = f"{SENTENCE}, number {dice[3]}: {text}"
    elif dice[2] < 18:
        text = f"{SENTENCE} {dice[4]}"
    prompt = f"A chat. USER: <image>\n{sample.question}\n{sample.instruction} ASSISTANT:"
    return Response(request.key, text, prompt_tokens=600, completion_tokens=4, prompt=prompt)


def write_runs(place: Path, models: int, per_cell: int) -> list[Path]:
    """Run folders, as the runner leaves them."""
    data = place / "data"
    data.mkdir(parents=True)
    write_data(data, per_cell)
    tasks = {name: load_task(name) for name in TASKS}
    cells: list[PlannedCell] = [
        plan_cell(task, get(tag), data / f"{name}.jsonl", None) for name, task in tasks.items() for tag in LANGUAGES
    ]
    todo = in_image_order(cells)
    told = [describe_cell(planned) for planned in cells]
    folders = []
    for model in range(models):
        run = RunFolder(place / f"model-{model:02d}")
        folders.append(run.path)
        with ResponseWriter() as writer:
            for cell, request in todo:
                writer.append(run.responses_path(cell), request, answer(request, model))
        if model:
            shutil.copytree(folders[0] / "images", run.images_path)
        else:
            images = ImageStore(run)
            for _, request in todo:
                images.problem(request.sample.images[0])
        manifest = {
            "schema": SCHEMA,
            "model": {"name": run.path.name, "adapter": "none", "languages": list(LANGUAGES[: 3 + model % 9])},
            "seed": 0,
            "languages": list(LANGUAGES),
            "tasks": {name: describe_task(task) for name, task in tasks.items()},
            "cells": told,
        }
        run.manifest_path.write_text(json.dumps(manifest), encoding="utf-8")
        derive(run)
        sys.stderr.write(f"\r{model + 1} of {models} runs written")
    sys.stderr.write("\n")
    return folders


def build(folders: list[Path], page: Path) -> dict[str, float]:
    """Seconds (of this process and by the clock) and gigabytes to make the page, in a process of its own."""
    code = (
        "import sys, time, resource\n"
        "from lrm_eval.api import report\n"
        "clock = time.perf_counter()\n"
        "report(sys.argv[2:], 'html', sys.argv[1])\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(used.ru_utime + used.ru_stime, time.perf_counter() - clock, used.ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(page), *map(str, folders)], check=True, capture_output=True, text=True
    )
    cpu, clock, memory = map(float, done.stdout.split())
    scale = 1 if sys.platform == "darwin" else 1024
    return {"cpu": cpu, "clock": clock, "memory": memory * scale / 1e9}


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


SORT = """() => new Promise(resolve => {
  const heads = document.querySelectorAll("section.task .sort");
  const start = performance.now();
  heads[4 + Math.floor(Math.random() * 10)].click();
  // The frame after the next one begins when the first one has been painted.
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - start)));
})"""
OPEN = """() => new Promise(resolve => {
  const start = performance.now();
  document.querySelector("section.task a.fill").click();
  const look = () => document.querySelector("article.sample")
    ? resolve(performance.now() - start) : requestAnimationFrame(look);
  look();
})"""


def measure_page(page: Path) -> dict[str, float]:
    """Milliseconds in a real browser, from disk and offline; of sorting the median of several.

    "Own time" is what the page's main thread used of the processor (script, style, layout, painting): on a machine that
    does other things as well the clock says little.
    """
    with chromium() as browser:
        opened = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}).new_page()
        devtools = opened.context.new_cdp_session(opened)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

        def own_time() -> float:
            told = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
            return 1000 * float(told["TaskDuration"])

        opened.set_default_timeout(300_000)
        opened.goto(page.as_uri(), timeout=300_000)
        opened.locator("section.task figure svg").first.wait_for()
        paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        drawn = opened.evaluate("performance.now()")
        found = {"first paint": opened.evaluate(paint), "filters usable": drawn, "all of that, own time": own_time()}
        clock, own = [], []
        for _ in range(SORTS):
            before = own_time()
            clock.append(opened.evaluate(SORT))
            own.append(own_time() - before)
        found["sort"], found["sort, own time"] = sorted(clock)[SORTS // 2], sorted(own)[SORTS // 2]
        found["open a cell"] = opened.evaluate(OPEN)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=300_000, help="rounded down to whole groups per cell")
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="folder for the run folders; used again if it is there")
    asked = parser.parse_args()
    per_cell = max(12, asked.records // (asked.models * len(TASKS) * len(LANGUAGES)) // 12 * 12)
    with tempfile.TemporaryDirectory() as temporary:
        place = asked.keep or Path(temporary) / "runs"
        folders = sorted(place.glob("model-*")) if place.is_dir() else write_runs(place, asked.models, per_cell)
        page = place / "board.html"
        built = build(folders, page)
        size = page.stat().st_size / 1e6
        shown = measure_page(page) if importlib.util.find_spec("playwright") else {}
    count = len(folders) * len(TASKS) * len(LANGUAGES) * per_cell
    table = Table(title=f"{count} records, {len(folders)} models, {len(LANGUAGES)} languages, {len(TASKS)} tasks")
    for name in ("step", "measured", "aim"):
        table.add_column(name, justify="left" if name == "step" else "right")
    table.add_row("build, processor time", f"{built['cpu']:.1f} s", "30 s")
    table.add_row("build, by the clock", f"{built['clock']:.1f} s", "")
    table.add_row("peak memory", f"{built['memory']:.2f} GB", "")
    table.add_row("size of the page", f"{size:.1f} MB", "25 MB")
    aims = {"first paint": "2000 ms", "sort": "100 ms", "sort, own time": "100 ms"}
    for name, value in shown.items():
        table.add_row(name, f"{value:.0f} ms", aims.get(name, ""))
    Console(width=None if sys.stdout.isatty() else 100).print(table)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
