"""`lrm-llava ablate`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer


def ablate(
    study: Annotated[str, typer.Argument(help="instructions (table 3), backbones (table 4) or ratio (figure 6).")],
    scale: Annotated[str, typer.Option(help="tiny, or smoke: seconds, to see that it runs.")] = "tiny",
    out: Annotated[
        Path, typer.Option(help="Arms, runs and results go there; studies of one scale share it, and their arms.")
    ] = Path("build/ablations"),
    seeds: Annotated[str, typer.Option(help="E.g. 1,2,3 (the default of tiny).")] = "",
    arms: Annotated[str, typer.Option(help="E.g. full,none,no-bvqa; all of the study by default.")] = "",
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Change the scale, e.g. --set stage2.steps=500.")
    ] = None,
    base: Annotated[
        Path | None, typer.Option(help="Tower and language model that are there: `base` of a `lrm-llava tiny build`.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Arms at once, a thread each; 0: as many as cores.")] = 0,
) -> None:
    """Train a study's arms alike, ask them alike, say where the paper's direction shows; goes on where it stopped."""
    from lrm_eval.errors import UsageError, unknown
    from lrm_llava.ablations.arms import arms_of, chosen, seeds_of, study_of
    from lrm_llava.ablations.config import SCALES
    from lrm_llava.ablations.places import Places
    from lrm_llava.ablations.report import write_result
    from lrm_llava.ablations.study import conduct, jobs_of
    from lrm_llava.overrides import override

    which = study_of(study)
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    size = override(SCALES[scale], changes or [])
    wanted = chosen(which, size, [name for name in arms.split(",") if name])
    numbers = seeds_of(seeds, size)
    if base is not None and any(arm.size != size.main for arm in wanted):
        raise UsageError("--base is one language model, and these arms have several: leave it out")
    places = Places(out, base)
    conduct(wanted, size, numbers, places, _log, jobs_of(jobs))
    page, sentences = write_result(which, arms_of(which, size), size, numbers, places)
    for sentence in sentences:
        sys.stdout.write(f"{sentence}\n")
    sys.stdout.write(f"{page}\nbeside the paper: lrm-eval table {which} {out / 'runs'} --published\n")


def _log(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()
