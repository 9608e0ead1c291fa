"""What an audit finds: its checks, one finding, a sample beside its wording, the whole result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from lrm_eval.data.packs import PackRow
    from lrm_eval.types import Sample

Level: TypeAlias = Literal["error", "warning"]
# Every check, in the order in which the table shows it.
CHECKS: dict[str, str] = {
    "format": "lines that are no line of a pack",
    "ids": "ids missing, unknown or twice",
    "gold": "another right answer, category or split than in English",
    "sizes": "another number of items in a category or split",
    "options": "another number of options, or a hint missing or too many",
    "empty": "empty texts",
    "placeholders": "placeholders, formulas or addresses lost or added",
    "characters": "broken or unseen characters, HTML entities",
    "merged": "options that became identical",
    "moved": "options that changed places, or another right option",
    "slipped": "questions that stand at another item",
    "repeated": "different English questions with one translation",
    "untranslated": "texts that are still English",
    "script": "texts in another script than the language's, look-alike letters",
    "language": "texts in another language",
    "loop": "a translator that ran in circles",
    "refusal": "refusals of a translator, or its talk",
    "polarity": "negations that English lacks, or lost ones",
    "numbers": "numbers that changed",
    "quoted": "quoted text that changed",
    "letters": "letters of options or points that were lost",
    "glossary": "terms and names otherwise than the glossary says",
    "cut": "questions that no longer end like one",
    "layout": "option letters, labels or line breaks added",
    "consistency": "one English text with several translations",
    "length": "length ratio far from the rest (robust z), or from any language's",
    "back": "translated back, something else (chrF)",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the audit found.

    Attributes:
        check: a key of `CHECKS`.
        level: "error": the pack cannot be used so; "warning": somebody should look.
        id: sample id, or "" if it is about the whole pack.
        where: `file:line`, or the pack's name.
        detail: one line.
    """

    check: str
    level: Level
    id: str
    where: str
    detail: str


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of an audit.

    Attributes:
        findings: errors first, in the order of `CHECKS`.
        samples: English samples that were looked for.
        rows: lines of the pack.
        questions: different English questions.
        untranslated_share: share (0-1) of the questions that are the English text.
        script_share: mean share (0-1) of the questions' letters that are of the language's script; None if not known.
        length_ratio: median length of a question in characters, divided by the English one's; None without questions.
        multiplicity: how often the most frequent question stands there, in English and in the pack.
    """

    findings: tuple[Finding, ...]
    samples: int
    rows: int
    questions: int
    untranslated_share: float
    script_share: float | None
    length_ratio: float | None
    multiplicity: tuple[int, int]

    def count(self, level: Level, check: str | None = None) -> int:
        """Findings of a level, of one check or of all."""
        return sum(item.level == level and check in (None, item.check) for item in self.findings)

    @property
    def ok(self) -> bool:
        """Whether there are no errors; warnings do not count."""
        return self.count("error") == 0


@dataclass(frozen=True, slots=True)
class Pair:
    """An English sample and its wording; `own` if the pack has a line for it, else it is turned from its first pass."""

    sample: Sample
    row: PackRow
    own: bool
