"""`lrm-llava ablate`: a study arm by arm, every step of it done once, whatever stops in between."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import LrmEvalError, RunError, UsageError
from lrm_llava.ablations.benchmark import write_task
from lrm_llava.ablations.places import TASK, Places

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrm_llava.ablations.arms import Arm
    from lrm_llava.ablations.config import Scale

# The paper's ten: tables 3 and 4 are about these.
EVALUATED = ("en", "cs", "de", "fr", "hr", "it", "ro", "ru", "es", "zh")


@dataclass(frozen=True)
class Job:
    """What one process does: a base, or an arm of a seed from its base to its run."""

    arm: Arm
    scale: Scale
    seed: int
    places: Places
    base_only: bool = False

    @property
    def name(self) -> str:
        """As it is told."""
        return f"base {self.arm.size}, seed {self.seed}" if self.base_only else f"{self.arm.name}, seed {self.seed}"


def conduct(
    arms: Sequence[Arm], scale: Scale, seeds: Sequence[int], places: Places, log: Callable[[str], None], jobs: int = 1
) -> None:
    """Train and evaluate arms under seeds; what is there is not done again.

    Args:
        arms: of one study, the one that the others are held against first.
        scale: how large.
        seeds: the same in every arm.
        places: folders.
        log: takes one line at a time.
        jobs: processes at once, a thread each: two of them beat one of two threads.

    Raises:
        UsageError: the folder holds another scale, or `places.given` is no base.
        RunError: arms failed; the others are done.
    """
    _check_plan(scale, places)
    write_task(places.tasks, scale)
    # A whole seed at a time, so that a study that is cut short has whole seeds.
    for seed in seeds:
        bases = {arm.size: Job(arm, scale, seed, places, base_only=True) for arm in arms}
        _all(list(bases.values()), jobs, log)
        todo = [Job(arm, scale, seed, places) for arm in arms if not evaluated(places, arm.name, seed)]
        log(f"seed {seed}: {len(arms) - len(todo)} of {len(arms)} arms are done")
        _all(todo, jobs, log)


def jobs_of(asked: int) -> int:
    """Processes at once: as many as cores on a CPU; one on a GPU, which they would only share."""
    import torch

    return asked or (1 if torch.cuda.is_available() else max(1, os.cpu_count() or 1))


def evaluated(places: Places, name: str, seed: int) -> bool:
    """Whether an arm has been trained and asked all questions."""
    return (places.run(name, seed) / "scores.json").is_file() and (places.arm(name, seed) / "evaluated.json").is_file()


def _all(todo: Sequence[Job], jobs: int, log: Callable[[str], None]) -> None:
    failed: dict[str, str] = {}
    begin = time.monotonic()

    def told(number: int, job: Job, error: BaseException | None) -> None:
        if error is not None:
            failed[job.name] = f"{type(error).__name__}: {error}"
        spent = time.monotonic() - begin
        left = spent / number * (len(todo) - number) / 60
        log(f"{job.name}: {'failed' if error else 'done'}; {number} of {len(todo)}, about {left:.0f} min left")

    if jobs == 1 or len(todo) < 2:
        for number, job in enumerate(todo, 1):
            problem: BaseException | None = None
            try:
                perform(job)
            except (LrmEvalError, FloatingPointError, OSError) as error:
                problem = error
            told(number, job, problem)
    else:
        # Spawned: a forked process would share PyTorch's threads.
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
            waiting = {pool.submit(perform, job): job for job in todo}
            for number, future in enumerate(as_completed(waiting), 1):
                told(number, waiting[future], future.exception())
    if failed:
        name, why = next(iter(failed.items()))
        raise RunError(f"{len(failed)} of {len(todo)} failed, first {name}: {why}; the same command goes on")


def perform(job: Job) -> None:
    """One job, in whatever process."""
    import torch
    from transformers.utils import logging

    from lrm_llava.ablations.train import make_base, train_arm

    torch.set_num_threads(1)
    logging.disable_progress_bar()  # of loading and saving small files, between the lines that are told
    if job.base_only:
        make_base(job.scale, job.arm.size, job.seed, job.places, _log)
        return
    train_arm(job.arm, job.scale, job.seed, job.places, _log)
    evaluate(job.arm.name, job.seed, job.places)


def evaluate(name: str, seed: int, places: Places) -> None:
    """Ask an arm all questions in the paper's ten languages, by lrm-eval; a run that stopped goes on."""
    import lrm_eval

    checkpoint, run = places.arm(name, seed), places.run(name, seed)
    result = lrm_eval.run(
        model=f"hf:{checkpoint}", langs=EVALUATED, tasks=[TASK], suite="full", out=run,
        include_paths=[places.tasks], report=False,
    )  # fmt: skip
    if result.errors or result.unfinished:
        raise RunError(f"{run}: {result.errors} answers failed; the same command asks them again")
    (checkpoint / "evaluated.json").write_text(json.dumps({"run": run.name}) + "\n", encoding="utf-8")


def _log(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


def _check_plan(scale: Scale, places: Places) -> None:
    """Arms are comparable only if all of them were made alike."""
    decides: dict[str, Any] = {"scale": asdict(scale), "base": None}
    if places.given is not None:
        from lrm_llava.ablations.train import base_identity

        if not (places.given / "model.safetensors").is_file():
            raise UsageError(
                f"--base {places.given}: no model.safetensors there; give `base` of a `lrm-llava tiny build`"
            )
        decides["base"] = base_identity(places.given)
    now = json.loads(json.dumps(decides))
    if places.plan.is_file():
        before = json.loads(places.plan.read_text(encoding="utf-8"))
        # How many seeds there are decides nothing about an arm.
        differ = [
            name for name in before["scale"] if name != "seeds" and before["scale"][name] != now["scale"].get(name)
        ]
        differ += ["--base"] if before["base"] != now["base"] else []
        if differ:
            raise UsageError(f"{places.out}: its arms were made with other {', '.join(differ)}; give another --out")
        return
    places.out.mkdir(parents=True, exist_ok=True)
    partial = places.plan.with_name(".plan.json.partial")
    partial.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    partial.replace(places.plan)
