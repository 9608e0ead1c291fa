"""What every reader of predictions returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from lrm_eval.types import Response, Sample


@dataclass(frozen=True, slots=True)
class Predictions:
    """The answers of one task, language and condition.

    Attributes:
        pairs: each question with its answer, in the order of the file.
        language: canonical tag.
        condition: of a run folder's responses; "default" otherwise.
        notes: what the reader had to decide and a reader of the scores must know.
    """

    pairs: tuple[tuple[Sample, Response], ...]
    language: str
    condition: str = DEFAULT_CONDITION
    notes: tuple[str, ...] = ()
