"""How fast images x languages x questions are answered, side by side in one run.

    python benchmarks/inference.py --size 112m [--lmms-eval OTHER_ENVIRONMENT/bin/python]

On the same random checkpoint, images and prompts: this harness; transformers' `generate` one by one and at its best
batch size; lmms-eval's `llava_hf`, if an environment with it is named; and the least time that this machine needs
(model_adapters/engine/work.py). Model loading is left out. `generate` and lmms-eval keep nothing between prompts, so
that a sample of the prompts tells their rate. Set OMP_NUM_THREADS, and look at the load that is printed: on a machine
that does other things too only the ratios mean something.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inference_parts.checkpoint import SIZES, build
from inference_parts.peers import LmmsEval, PlainGenerate
from inference_parts.picture import draw
from inference_parts.workload import Questions, Shape
from rich.console import Console
from rich.table import Table

from lrm_eval.runs.environment import environment, versions
from model_adapters.engine.work import Rates, measure_rates

LANGUAGE_COUNTS = (1, 2, 4, 8, 12, 50)
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="112m")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", help="default: that of the size")
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--languages", type=int, default=12)
    parser.add_argument("--questions", type=numbers, default=[1, 2, 6, 18], help="of an image in a language")
    parser.add_argument("--tokens", type=numbers, default=[2, 16], help="of each answer; default 2,16")
    parser.add_argument("--sample", type=int, default=24, help="prompts that generate and lmms-eval answer")
    parser.add_argument("--most-batch", type=int, default=16, help="largest batch of generate that is tried")
    parser.add_argument("--rounds", type=int, default=2, help="how often each is measured; the best counts")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="cpu: seconds computed, on a CPU that is shared"
    )
    parser.add_argument("--lmms-eval", type=Path, metavar="PYTHON", help="python of an environment with lmms-eval")
    parser.add_argument("--no-curves", action="store_true", help="leave out the growth with languages")
    parser.add_argument("--work", type=Path, help="keeps the checkpoint; default: a temporary folder")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--picture", type=Path, help="SVG of the curves")
    return parser.parse_args()


def peak_bytes(device: str) -> int:
    import torch

    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class Bench:
    """One checkpoint and all that is measured on it."""

    def __init__(self, options: argparse.Namespace, work: Path) -> None:
        from model_adapters import load_model, resolve_model

        self.options, self.questions, self.clock = options, Questions(), CLOCKS[options.clock]
        self.dtype = options.dtype or SIZES[options.size].dtype
        self.checkpoint = work / options.size
        self.checkpoint.mkdir(parents=True, exist_ok=True)
        self.parameters = build(SIZES[options.size], self.checkpoint, options.device)
        start = time.perf_counter()
        spec = resolve_model(f"hf:{self.checkpoint}")
        self.adapter: Any = load_model(spec, device=options.device, dtype=self.dtype)
        self.loading = time.perf_counter() - start
        # The first call of anything costs what no later one does.
        list(self.adapter.generate(self.questions.make(Shape(1, 2, 1, 2))))
        self.plain = PlainGenerate(self.checkpoint, options.device, self.dtype, self.clock)
        python = options.lmms_eval
        # Not resolved: the environment is known by where its python lies, not by what the link points to.
        self.lmms = None if python is None else LmmsEval(python.absolute(), self.checkpoint, work)
        self.alone: dict[int, Any] = {}

    def ours(self, shape: Shape) -> tuple[dict[str, Any], dict[str, str]]:
        """The adapter's own account of the fastest round, and its answers."""
        requests = self.questions.make(shape)
        best: dict[str, Any] = {}
        texts: dict[str, str] = {}
        for _ in range(self.options.rounds):
            self.adapter.forget()
            start = self.clock()
            texts = {response.key: response.text for response in self.adapter.generate(requests)}
            seconds = self.clock() - start
            if not best or seconds < best["seconds"]:
                best = {**self.adapter.performance(), "seconds": seconds}
        rates = self.rates()
        least = {
            phase: max(count / rates.operations, best["bytes"][phase] / rates.bytes)
            for phase, count in best["operations"].items()
        }
        best |= {
            "prompts_per_second": shape.prompts / best["seconds"],
            "rates": asdict(rates),
            "least_seconds": least,
            "times_least": best["seconds"] / sum(least.values()),
        }
        return best, texts

    def rates(self) -> Rates:
        """What the machine can do, measured anew next to each workload."""
        import torch

        device, dtype = torch.device(self.options.device), getattr(torch, self.dtype)
        return measure_rates(device, dtype, 0.5, self.clock)

    def peers(self, shape: Shape) -> dict[str, Any]:
        """Rates of the peers at answers of one length; they do not depend on how many prompts share an image."""
        if shape.tokens in self.alone:
            return dict(self.alone[shape.tokens])
        options = self.options
        sample = self.questions.make(shape)[:: max(1, shape.prompts // options.sample)][: options.sample]
        rounds = [self.plain.at(sample, 1) for _ in range(options.rounds)]
        alone = max(rounds, key=lambda measured: measured.prompts_per_second)
        together, batch = self.plain.best(sample, options.most_batch)
        found: dict[str, Any] = {
            "generate": alone.prompts_per_second,
            "generate_best": together.prompts_per_second,
            "best_batch": batch,
            "sample": {request.key: list(ids) for request, ids in zip(sample, alone.ids, strict=True)},
        }
        if self.lmms is not None:
            told = self.lmms.at(sample, options.device, self.dtype, options.clock)
            found["lmms_eval"] = told.prompts_per_second
        self.alone[shape.tokens] = found
        return dict(found)

    def row(self, shape: Shape) -> dict[str, Any]:
        """All that is known of one workload."""
        told, texts = self.ours(shape)
        peers = self.peers(shape)
        decode = self.adapter.decode
        sample = {key: decode(ids) for key, ids in peers.pop("sample").items()}
        # The sample may come from a workload with other questions.
        shared = [key for key in sample if key in texts]
        return {
            **asdict(shape),
            "prompts": shape.prompts,
            "prompts_per_second": told["prompts_per_second"],
            "times_least": told["times_least"],
            "performance": told,
            **peers,
            "compared": len(shared),
            "same": sum(sample[key] == texts[key] for key in shared),
            "peak_bytes": peak_bytes(self.options.device),
        }

    def curve(self, shapes: list[Shape], what: str, at: list[int]) -> dict[str, Any]:
        """Seconds an image over workloads that differ in one thing."""
        told = [self.ours(shape)[0] for shape in shapes]
        alone = self.peers(shapes[0])["generate"]
        lines = {
            "lrm-eval": [one["seconds"] / shape.images for one, shape in zip(told, shapes, strict=True)],
            "least time": [sum(one["least_seconds"].values()) / s.images for one, s in zip(told, shapes, strict=True)],
            "generate, one by one": [shape.prompts / shape.images / alone for shape in shapes],
        }
        return {"what": what, "at": at, "lines": lines}


def table(rows: list[dict[str, Any]], title: str) -> Table:
    made = Table(title=title)
    for name in (
        "questions",
        "tokens",
        "prompts",
        "lrm-eval",
        "x least",
        "generate",
        "x",
        "best batch",
        "x",
        "lmms-eval",
        "x",
        "same",
    ):
        made.add_column(name, justify="right")
    for row in rows:
        ours = row["prompts_per_second"]
        lmms = row.get("lmms_eval")
        made.add_row(
            str(row["questions"]),
            str(row["tokens"]),
            str(row["prompts"]),
            f"{ours:.2f}/s",
            f"{row['times_least']:.2f}",
            f"{row['generate']:.2f}/s",
            f"{ours / row['generate']:.1f}",
            f"{row['generate_best']:.2f}/s ({row['best_batch']})",
            f"{ours / row['generate_best']:.1f}",
            "" if lmms is None else f"{lmms:.2f}/s",
            "" if lmms is None else f"{ours / lmms:.1f}",
            f"{row['same']}/{row['compared']}",
        )
    return made


def main() -> None:
    options = arguments()
    console = Console(width=None if sys.stdout.isatty() else 130)
    load_before = os.getloadavg()
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(options, options.work or Path(place))
        rows = [
            bench.row(Shape(options.images, options.languages, questions, tokens))
            for tokens in options.tokens
            for questions in options.questions
        ]
        curves = []
        if not options.no_curves:
            first = options.tokens[0]
            by_language = [Shape(options.images, count, 2, first) for count in LANGUAGE_COUNTS]
            curves.append(bench.curve(by_language, "languages, 2 questions each", list(LANGUAGE_COUNTS)))
            by_question = [Shape(options.images, options.languages, count, first) for count in options.questions]
            curves.append(bench.curve(by_question, f"questions in {options.languages} languages", options.questions))
        settings = bench.adapter.settings()
    threads = settings["threads"]
    machine = environment(options.device)
    device = machine["gpus"][0] if options.device.startswith("cuda") else f"{machine['cpu']}, {threads} thread(s)"
    date = time.strftime("%Y-%m-%d")
    model = f"{bench.parameters / 1e6:.0f}M parameters, {bench.dtype}"
    title = f"{model}, {options.images} images x {options.languages} languages"
    console.print(table(rows, title))
    spread = rows[0]["performance"]["rates"]
    rates = f"{spread['operations'] / 1e9:.0f} GFLOP/s, {spread['bytes'] / 1e9:.1f} GB/s"
    console.print(
        f"{date}, {device}; {rates}; {options.clock} clock; "
        f"load before {load_before[0]:.1f}, after {os.getloadavg()[0]:.1f}; model loaded in {bench.loading:.1f} s; "
        f"peak memory {rows[-1]['peak_bytes'] / 2**30:.2f} GB"
    )
    options.out.mkdir(parents=True, exist_ok=True)
    told = {
        "date": date,
        "device": device,
        "machine": {**machine, "host_system": platform.system()},
        "versions": versions(),
        "load": {"before": load_before, "after": os.getloadavg()},
        "size": options.size,
        "parameters": bench.parameters,
        "dtype": bench.dtype,
        "clock": options.clock,
        "loading_seconds": bench.loading,
        "rows": rows,
        "curves": curves,
    }
    kind = "cuda" if options.device.startswith("cuda") else "cpu"
    path = options.out / f"{date}-inference-{options.size}-{kind}.json"
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    console.print(f"written: {path}", soft_wrap=True)
    if options.picture is not None and curves:
        options.picture.write_text(draw(curves, f"Seconds an image: {model}; {device}"), encoding="utf-8")


if __name__ == "__main__":
    main()
