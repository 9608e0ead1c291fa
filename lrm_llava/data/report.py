"""`lrm-llava data check` as its user sees it: progress, a table of faults with places, check.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError
from lrm_llava.data.check import check_shards
from lrm_llava.data.contamination import Benchmark, index_benchmark
from lrm_llava.data.shards import shard_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def check_stage(
    data: Path, stage: int, tasks: Sequence[str], local: Sequence[str], tell: Callable[[str], None]
) -> bool:
    """Check the shards of a stage; whether nothing was found.

    Args:
        data: data folder.
        stage: 1 or 2.
        tasks: benchmarks to compare with.
        local: `TASK=PATH` for those that are not on the hub or bundled.
        tell: takes one line at a time.

    Raises:
        UsageError: no shards, an unknown task, or data that cannot be read.
    """
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Table

    folder = data / f"stage{stage}"
    shards = shard_files(folder)
    if not shards:
        raise UsageError(f"{folder}: no shards (*.jsonl, *.tar); `lrm-llava data build` makes them")
    benchmarks = _benchmarks(tasks, local, tell)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} records"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        job = bar.add_task("check", total=None)
        found = check_shards(shards, data, benchmarks, lambda count: bar.advance(job, count))
    partial = folder / ".check.json.partial"
    partial.write_text(json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(folder / "check.json")
    tell(f"{found.samples:,} records, {found.images:,} images: {sum(found.faults.values()):,} findings")
    if found.faults:
        table = Table("finding", "count", "first places", box=None)
        for kind, count in found.faults.most_common():
            table.add_row(kind, f"{count:,}", "\n".join(found.examples[kind][:2]))
        Console().print(table)
        tell(f"all kinds with their first places: {folder / 'check.json'}")
    return not found.faults


def _benchmarks(tasks: Sequence[str], local: Sequence[str], tell: Callable[[str], None]) -> list[Benchmark]:
    from lrm_eval import languages as registry
    from lrm_eval.data import load_samples
    from lrm_eval.tasks import load_task

    paths: dict[str, Path] = {}
    for one in local:
        name, separator, path = one.partition("=")
        if not separator or name not in tasks:
            raise UsageError(f"--data {one}: TASK=PATH with a task of --against ({', '.join(tasks) or 'none given'})")
        paths[name] = Path(path)
    found = []
    for name in tasks:
        samples = load_samples(load_task(name), registry.get("en"), paths.get(name))
        found.append(index_benchmark(name, samples))
        tell(f"{name}: {len(samples):,} questions about {len(found[-1].questions):,} images that look different")
    return found
