"""Memory and speed of `lrm-llava data build` on made-up conversations of any number.

    python benchmarks/data_build.py [--records 50000,200000] [--languages 9] [--format jsonl]

English records as in LLaVA's JSON, one array, with translations into so many languages; each record has two turns of
some 40 words. English has half of the samples, so that N records give 2 N. Every size is built in a process of its own,
whose largest resident set is told. Aim: less than 2 GB at 2.4 million samples, --records 1200000.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lrm_llava.data.build import build_stage
from lrm_llava.data.shards import FORMATS, format_of
from lrm_llava.recipes import Recipe, Source, load_recipe

WORDS = ("red", "star", "left", "picture", "small", "table", "three", "people", "stand", "under", "green", "tree")
AIM_BYTES = 2e9
SOURCE = "made-up"


def sentence(rng: random.Random, count: int) -> str:
    return " ".join(rng.choices(WORDS, k=count)).capitalize() + "."


def write_source(folder: Path, records: int, tags: tuple[str, ...]) -> None:
    """English in one array, translations in JSON lines; no record is held but the one that is written."""
    translations = folder / "translations" / SOURCE
    translations.mkdir(parents=True)
    rng = random.Random(1)
    files = {tag: (translations / f"{tag}.jsonl").open("w", encoding="utf-8") for tag in tags}
    with (folder / "made-up.json").open("w", encoding="utf-8") as english:
        english.write("[")
        for number in range(records):
            turns = []
            for _ in range(2):
                turns.append({"from": "human", "value": f"{sentence(rng, 10)[:-1]}?"})
                turns.append({"from": "gpt", "value": sentence(rng, 40)})
            for tag, file in files.items():
                said = [turn | {"value": f"{tag} {turn['value']}"} for turn in turns]
                file.write(json.dumps({"id": str(number), "conversations": said}) + "\n")
            turns[0]["value"] = f"<image>\n{turns[0]['value']}"
            record = {"id": str(number), "image": f"images/{number:08d}.jpg", "conversations": turns}
            english.write((",\n" if number else "") + json.dumps(record))
        english.write("]")
    for file in files.values():
        file.close()


def recipe_of(languages: int) -> Recipe:
    """The paper's stage 2 with one source and its first languages."""
    paper = load_recipe("paper-13b")
    stage = replace(paper.stage2, sources=(Source(SOURCE, "made-up.json", "."),))
    return replace(paper, languages=paper.languages[: languages + 1], stage2=stage)


def build_here(folder: Path, languages: int, form: str) -> None:
    """What the process that is measured does; prints what it took."""
    begin = time.perf_counter()
    cpu = time.process_time()
    total = build_stage(recipe_of(languages), 2, folder, folder, lambda _: None, form=format_of(form))
    told = {
        "samples": sum(total.samples.values()),
        "seconds": time.perf_counter() - begin,
        "cpu_seconds": time.process_time() - cpu,
        "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(told))


def make_images(folder: Path, records: int) -> None:
    """A small file for every record: tars copy bytes, whatever they are."""
    (folder / "images").mkdir()
    for number in range(records):
        (folder / "images" / f"{number:08d}.jpg").write_bytes(b"\xff\xd8" + bytes(2000))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", default="50000,200000", help="English records; so many, one size after the other")
    parser.add_argument("--languages", type=int, default=9, choices=range(1, 10))
    parser.add_argument("--format", default="jsonl", choices=FORMATS)
    parser.add_argument("--folder", type=Path, help="where the data goes; by default where temporary files do")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure is not None:
        build_here(asked.measure, asked.languages, asked.format)
        return
    table = Table("samples", "records/s", "records/CPU s", "CPU s", "peak memory, MB", "input, MB", box=None)
    worst = 0.0
    for records in (int(number) for number in asked.records.split(",")):
        with tempfile.TemporaryDirectory(dir=asked.folder) as name:
            folder = Path(name)
            write_source(folder, records, recipe_of(asked.languages).languages[1:])
            if asked.format == "webdataset":
                make_images(folder, records)
            size = sum(path.stat().st_size for path in folder.rglob("*.json*"))
            command = [sys.executable, __file__, "--measure", name, "--format", asked.format]
            command += ["--languages", str(asked.languages)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
            found = json.loads(done.stdout)
        worst = max(worst, found["bytes"])
        table.add_row(
            f"{found['samples']:,}", f"{records / found['seconds']:,.0f}", f"{records / found['cpu_seconds']:,.0f}",
            f"{found['cpu_seconds']:.1f}", f"{found['bytes'] / 1e6:,.0f}", f"{size / 1e6:,.0f}",
        )  # fmt: skip
    Console().print(table)
    print(f"largest: {worst / 1e6:,.0f} MB, aim less than {AIM_BYTES / 1e6:,.0f} MB at 2,400,000 samples")


if __name__ == "__main__":
    main()
