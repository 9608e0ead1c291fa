"""Putting what was made where the project looks for it: checkpoints into the package, benchmarks into tasks/."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lrm_llava.tiny.build import ARMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrm_llava.tiny.config import TinyRecipe

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
_SIZE_LIMIT = 10_000_000  # bytes a checkpoint: it travels inside the package


def install(recipe: TinyRecipe, work: Path, out: Path | None, log: Callable[[str], None]) -> None:
    """Copy both checkpoints, with the recipe and the minutes they took, to `out`.

    Raises:
        ValueError: a checkpoint is larger than the package may carry.
    """
    base = json.loads((work / "base" / "done.json").read_text(encoding="utf-8"))
    for arm in ARMS:
        source, target = work / arm, (out or CHECKPOINTS) / arm
        size = sum(path.stat().st_size for path in source.glob("*.safetensors"))
        if size > _SIZE_LIMIT:
            raise ValueError(f"{arm} has {size} bytes of weights, over the {_SIZE_LIMIT} that the package may carry")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("done.json"))
        facts = {
            "recipe": asdict(recipe),
            "base": base,
            "arm": json.loads((source / "done.json").read_text(encoding="utf-8")),
        }
        (target / "training.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        log(f"{arm}: {size / 1e6:.1f} MB of weights in {target}")


def write_benchmarks(tasks: Path, seed: int, log: Callable[[str], None]) -> None:
    """Write data.parquet and packs/<lang>.jsonl of the four tiny tasks.

    The packs' ids are those the harness itself gives the rows, so the two cannot drift apart.
    """
    from lrm_eval import languages as registry
    from lrm_eval.data import load_samples
    from lrm_eval.tasks import load_task
    from lrm_llava.tiny.benchmarks import build_benchmarks, write_packs, write_parquet
    from lrm_llava.tiny.grammar import languages

    for name, rows in build_benchmarks(seed).items():
        path = tasks / name / "data.parquet"
        write_parquet(name, rows, path)
        samples = load_samples(load_task(name), registry.get("en"), source=path)
        ids = [sample.id for sample in sorted(samples, key=lambda sample: sample.order)]
        write_packs(name, rows, ids, languages(), tasks / name / "packs")
        log(f"{name}: {len(rows)} questions, {len({sample.cluster for sample in samples})} images")
