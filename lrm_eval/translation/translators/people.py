"""No translator: a build from what people gave, and from nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.remote.price import Price
from lrm_eval.translation.translators.base import TranslationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lrm_eval.languages import Language


class PeopleOnly:
    """Leaves every text that nobody translated to people (protocol: `Translator`)."""

    together = False
    batch = 1
    concurrency = 1
    price = Price("free")
    overhead = 0
    assumed_seconds = 0.0

    def __init__(self, given: Path) -> None:
        self.name = f"people:{given.name}"
        self._given = given

    def translate(self, texts: Sequence[str], source: Language, target: Language) -> list[str]:
        """Raises for every text.

        Raises:
            TranslationError: always.
        """
        raise TranslationError(f"{self._given} has no finished translation of it")
