"""The view model: what a page or table shows, free of any format.

runs -> gather -> score rows -> build -> Board -> html | md | csv | latex | json
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lrm_eval.statistics.boundary import FEW_CLUSTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrm_eval.reporting.names import LanguageView
    from lrm_eval.types import Rules

# Above this share of answers without a reading, a score says as much about the reading as about the model.
UNPARSED_MARK = 0.05
# Steps of the heat map, light to dark.
HEAT_STEPS = 9
# A range of values narrower than this share of its top is drawn as if it were this wide: small differences look small.
HEAT_MIN_SPAN = 0.1

MARKS: dict[str, tuple[str, str]] = {
    "chance": ("▽", "below guessing: look at the answers, parser or prompt may have failed"),
    "unparsed": ("⚠", "more than 5 % of the answers could not be read"),
    "few": ("‡", f"fewer than {FEW_CLUSTERS} images: the interval is a rough guess"),
    "no-interval": ("∘", "no honest interval exists for this number"),
    "errors": ("✕", "some questions ended in an error, not in an answer"),
    "note": ("*", "has a note: hold the pointer over the cell or open it"),
    "machine": ("†", "questions translated by machine and not checked"),
    "unseen": ("◇", "not among the languages that the model's makers name"),
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval (None where there is no honest one)."""

    value: float
    ci_low: float | None = None
    ci_high: float | None = None

    def shifted(self, by: float) -> Estimate:
        """The same with a constant added."""
        ends = (None if end is None else end + by for end in (self.ci_low, self.ci_high))
        return Estimate(self.value + by, *ends)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model stands, as far as the data can tell.

    Attributes:
        low: the best rank the data allow, 1 being first.
        high: the worst.
        group: tie group, from 1.
        best: not separable from the best.
        beats: models it is significantly better than, all pairs tested together.
    """

    low: int
    high: int
    group: int
    best: bool
    beats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Likeness:
    """A model's answers in a language beside its answers to the same questions in English.

    Attributes:
        same: percent of the questions with the same answer, right or wrong; an unread answer agrees with nothing.
        kappa: Cohen's, -1 to 1: the same without what equal habits (always B) give.
        both: percent right in both of those right in either; None where none is right.
        ranks: RankC of the options' log-probabilities, 0 to 1; None where choices were not scored.
        n: questions that can be compared.
    """

    same: Estimate
    kappa: float | None
    both: float | None
    ranks: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Lowest:
    """The weakest of a model's languages, among those that every model of the table has.

    Attributes:
        tag: the language with the lowest value.
        value: its value; that it was picked as the lowest is not in its interval.
        ties: others that are not significantly higher (paired by image, Holm).
        fifth: the lowest fifth of the languages, lowest first.
        fifth_mean: their mean.
        spread: standard deviation of the values over the languages.
    """

    tag: str
    value: float
    ties: tuple[str, ...]
    fifth: tuple[str, ...]
    fifth_mean: float
    spread: float


@dataclass(frozen=True, slots=True)
class CellView:
    """One score of one model in one language.

    Attributes:
        value: unrounded; None if undefined.
        ci_low: lower end of the 95 % interval or None.
        ci_high: upper end or None.
        n: items.
        clusters: different images.
        unparsed_rate: share (0-1) without a reading.
        outcomes: rate (0-1) of each outcome.
        note: what a reader must know of this cell and not of the whole table, or "".
        gap: value minus the model's value in English; None for English or where one of them is missing.
        gap_paired: true if the gap's interval comes from the same items in both languages.
        corrected: 100 (value - chance) / (best - chance); None where nothing can be guessed.
        chance: what guessing gives on the same questions.
        gated: share of the questions answered rightly and not in another language than asked; None where the scores do
            not tell.
        lost: share answered rightly, but in another language.
        best: the best value of its language, or not separable from it. False if there is one model.
        beats: models it is significantly better than in its language.
        like: how much its answers are those to the same questions in English; None for English, and where nothing can
            be compared.
        heat: step of the colour scale, 0 to HEAT_STEPS - 1; None if there is no value.
        marks: keys of MARKS.
    """

    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int
    clusters: int
    unparsed_rate: float
    outcomes: Mapping[str, float]
    note: str = ""
    gap: Estimate | None = None
    gap_paired: bool = False
    corrected: Estimate | None = None
    chance: float | None = None
    gated: Estimate | None = None
    lost: float | None = None
    best: bool = False
    beats: tuple[str, ...] = ()
    like: Likeness | None = None
    heat: int | None = None
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowView:
    """One model's line: a cell (or None) per language of the table, in the table's order.

    `mean`, `gap`, `corrected`, `place` and `lowest` (all over the common languages) are None where the model, or the
    table, has no common set of languages; `lowest` also where there is but one. `kappa` is Fleiss' kappa over all
    languages of the model.
    """

    model: str
    cells: tuple[CellView | None, ...]
    mean: Estimate | None = None
    gap: Estimate | None = None
    corrected: Estimate | None = None
    place: Place | None = None
    lowest: Lowest | None = None
    kappa: Estimate | None = None


@dataclass(frozen=True, slots=True)
class SetView:
    """The sums of a table over some of its common languages: those of a family, a script, a resource class.

    Attributes:
        label: what the languages have in common.
        tags: the languages.
        rows: mean, gap, corrected mean and place per model, in the order of the table's rows.
    """

    label: str
    tags: tuple[str, ...]
    rows: tuple[tuple[Estimate | None, Estimate | None, Estimate | None, Place | None], ...]


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric of a table under one rule set.

    Attributes:
        name: as in scores.json.
        label: for people.
        unit: "%" or "points".
        primary: the headline metric of its task.
        mean_over: tags that every model of the table has a value for; the set of every mean.
        gap_over: `mean_over` without English; empty if English is not in it: then there is no gap.
        note: what a reader must know of every cell; notes of single cells are with them.
        heat_range: values at the two ends of the colour scale; None without values.
        rows: best mean first; models without a mean last, in the order given.
        sets: the same sums over parts of `mean_over`.
    """

    name: str
    label: str
    unit: str
    primary: bool
    mean_over: tuple[str, ...]
    gap_over: tuple[str, ...]
    note: str
    heat_range: tuple[float, float] | None
    rows: tuple[RowView, ...]
    sets: tuple[SetView, ...] = ()


@dataclass(frozen=True, slots=True)
class TableView:
    """One task under one condition: models x languages.

    Attributes:
        id: `<task>` or `<task>.<condition>`.
        languages: tags, English first.
        metrics: per rule set, primary first.
    """

    id: str
    task: str
    condition: str
    title: str
    benchmark: str
    languages: tuple[str, ...]
    metrics: Mapping[Rules, tuple[MetricView, ...]]


@dataclass(frozen=True, slots=True)
class ModelView:
    """One model and where its numbers come from.

    Attributes:
        name: as shown; made unique by the folder's name if two runs of one model answer the same cell.
        manifests: run.json of each run merged into this line.
        folders: their folder names.
        trained: tags of the languages its makers name; None if they are not known.
    """

    name: str
    manifests: tuple[Mapping[str, Any], ...]
    folders: tuple[str, ...]
    trained: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """Everything a report shows, samples apart.

    Attributes:
        models: in the order given.
        languages: every language of any table, English first.
        tables: one per task and condition.
        notes: what was left out of this board and why; shown on every form of it.
    """

    models: tuple[ModelView, ...]
    languages: tuple[LanguageView, ...]
    tables: tuple[TableView, ...]
    notes: tuple[str, ...] = field(default=())

    def language(self, tag: str) -> LanguageView:
        """The language of a tag that is on this board."""
        return next(item for item in self.languages if item.tag == tag)
