"""COMET without references, through its authors' own program in an environment of its own.

`unbabel-comet` 2.2 wants transformers 4 and this project transformers 5, so the two cannot be installed together:
`python -m venv comet; comet/bin/pip install unbabel-comet`, then name `comet/bin/comet-score`. Rei et al. 2020, 2022.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lrm_eval.errors import RunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = "comet-score"
# Takes source and translation only. The newer KIWI models need an account at the model hub.
MODEL = "Unbabel/wmt20-comet-qe-da"


def comet_scores(
    pairs: Sequence[tuple[str, str]], command: str | None = None, model: str = MODEL, gpus: int = 0
) -> list[float]:
    """One score a (source, translation) pair, on the model's own scale.

    Args:
        pairs: [N] English text and translation, without line ends.
        command: the program; None = `comet-score` on the PATH.
        model: a reference-free model of COMET, by name or path.
        gpus: how many it may use.

    Raises:
        UsageError: there is no such program.
        RunError: it failed, or gave another number of scores.
    """
    program = shutil.which(command or COMMAND)
    if program is None:
        raise UsageError(
            f"--comet: no program {command or COMMAND!r}; COMET needs an environment of its own: `python -m venv "
            "comet; comet/bin/pip install unbabel-comet`, then --comet-command comet/bin/comet-score"
        )
    with tempfile.TemporaryDirectory() as folder:
        sources, translations, out = (Path(folder) / name for name in ("source.txt", "translation.txt", "scores.json"))
        for path, side in ((sources, 0), (translations, 1)):
            path.write_text("".join(" ".join(pair[side].split()) + "\n" for pair in pairs), encoding="utf-8")
        asked = ["-s", str(sources), "-t", str(translations), "--model", model, "--gpus", str(gpus), "--quiet"]
        done = subprocess.run(
            [program, *asked, "--to_json", str(out)], capture_output=True, text=True, check=False, cwd=folder
        )
        if done.returncode != 0 or not out.is_file():
            lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
            raise RunError(f"{program} failed: {lines[-1][:300] if lines else f'exit status {done.returncode}'}")
        try:
            content = json.loads(out.read_text(encoding="utf-8"))
            segments = next(iter(content.values()))
            scores = [float(segment["COMET"]) for segment in segments]
        except (ValueError, KeyError, TypeError, StopIteration) as error:
            raise RunError(f"{program}: its scores cannot be read ({type(error).__name__}: {error})") from None
    if len(scores) != len(pairs):
        raise RunError(f"{program}: {len(scores)} scores for {len(pairs)} texts")
    return scores
