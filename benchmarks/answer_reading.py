"""How many distinct answers a second are read on one core.

    python benchmarks/answer_reading.py [--real DIR] [--repeat 5]

Reads every answer of the corpus in tests/answers (48 languages) and, if --real names the folder of real answers
(default: LRM_EVAL_REAL_DATA), the distinct ones of LLaVA-1.5-7B in each of its languages. Times are CPU times of this
process, so that what else the machine does matters less; the median of the repeats is shown. No answer is read twice
with the same text: nothing can come from a cache. Aim: 20,000 distinct strings a second.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from lrm_eval.answers import read_multilingual
from lrm_eval.types import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS = Path(__file__).resolve().parents[1] / "tests" / "answers"
Work = list[tuple[Sample, str]]


def corpus() -> dict[str, Work]:
    sys.path.insert(0, str(TESTS))
    from answer_corpus import KINDS, cases

    return {f"corpus, {kind}": [(case.sample, case.text) for case in cases() if case.kind == kind] for kind in KINDS}


def real(folder: Path) -> dict[str, Work]:
    found: dict[str, dict[str, Sample]] = {}
    for path in sorted((folder / "pope_multilingual" / "answers_llava15_7b").glob("*.jsonl")):
        language = path.stem.split("_")[1]
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            sample = Sample("1", "pope", language, "yes_no", row["prompt"], "yes")
            found.setdefault(language, {}).setdefault(row["text"], sample)
    return {f"LLaVA-1.5-7B, {tag}": [(one, text) for text, one in found[tag].items()] for tag in sorted(found)}


def measured(work: Work, repeat: int) -> float:
    """Strings a second: the median over the repeats, the first of which warms the lexicons."""
    speeds = []
    for turn in range(repeat + 1):
        # Another number of spaces each time, so that no text is the same twice.
        texts = [(sample, " " * turn + text) for sample, text in work]
        begin = time.process_time()
        for sample, text in texts:
            read_multilingual(sample, text)
        speeds.append(len(texts) / max(time.process_time() - begin, 1e-9))
    return statistics.median(speeds[1:])


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=os.environ.get("LRM_EVAL_REAL_DATA"), metavar="DIR")
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args(argv)
    table = Table("answers", "distinct", "characters", "strings / s", "µs / string")
    for column in table.columns[1:]:
        column.justify = "right"
    everything: Work = []
    for name, work in {**corpus(), **(real(Path(args.real)) if args.real else {})}.items():
        everything += work
        add(table, name, work, args.repeat)
    add(table, "all", everything, args.repeat)
    Console().print(table)


def add(table: Table, name: str, work: Work, repeat: int) -> None:
    speed = measured(work, repeat)
    mean = sum(len(text) for _, text in work) / len(work)
    table.add_row(name, f"{len(work):,}", f"{mean:.0f}", f"{speed:,.0f}", f"{1e6 / speed:.0f}")


if __name__ == "__main__":
    main()
