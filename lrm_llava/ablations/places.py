"""Where a study keeps what it makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TASK = "tiny-mmbench-words"


@dataclass(frozen=True)
class Places:
    """Folders of a study.

    Attributes:
        out: the study's folder; all studies of one scale may share it, and then share their arms.
        given: tower and language model made elsewhere (`base` of a `lrm-llava tiny build`); None to train them.
    """

    out: Path
    given: Path | None = None

    @property
    def plan(self) -> Path:
        """What decides the arms, as it was when the first of them was made."""
        return self.out / "plan.json"

    @property
    def tasks(self) -> Path:
        """For `--include-path`: the benchmark."""
        return self.out / "tasks"

    def base(self, size: str, seed: int) -> Path:
        """Work folder of tower and language model; the checkpoint is `base` in it."""
        return self.out / "base" / f"{size}-seed{seed}"

    def arm(self, name: str, seed: int) -> Path:
        """A checkpoint."""
        return self.out / "arms" / f"{name}-seed{seed}"

    def run(self, name: str, seed: int) -> Path:
        """A run folder of lrm-eval."""
        return self.out / "runs" / f"{name}-seed{seed}"
