"""Does a model give the same answer to the same question in another language?

Items are matched by their id. All numbers are metrics like any other: additive statistics per item, so that their
intervals come from the same bootstrap over images. An answer that was not read agrees with nothing.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrm_eval.scorers.columns import cluster_name, encode
from lrm_eval.scorers.metric import Metric, percentage, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lrm_eval.scorers.metric import FloatArray, IntArray
    from lrm_eval.types import Item

_UNREAD = -1


class Answers(NamedTuple):
    """The same items in several languages, [L, N].

    Attributes:
        languages: L tags.
        answer: code of the answer (place of the label, or of yes and no); -1 where none was read.
        right: the answer is the gold one.
        ranking: per language and item the options by falling log-probability, as places; None where not scored.
        clusters: [N] images.
        cluster_names: of the images.
        names: of the answers.
        left_out: items that some language lacks, or whose gold answer or options differ between them.
    """

    languages: tuple[str, ...]
    answer: IntArray
    right: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    ranking: tuple[tuple[tuple[int, ...] | None, ...], ...]
    clusters: IntArray
    cluster_names: tuple[str, ...]
    names: tuple[str, ...]
    left_out: int


def _place(item: Item, value: str | None) -> str | None:
    """The answer as something that is the same in every language: the place of its label, yes, no, or a text."""
    if value is None:
        return None
    if item.sample.kind == "option":
        return str(item.sample.labels.index(value)) if value in item.sample.labels else None
    return value


def match(items: Mapping[str, Sequence[Item]]) -> Answers:
    """Brings the items of several languages together by id.

    Args:
        items: by language, read under the same rules.

    Returns:
        The items that every language has, with the same number of options and the same gold answer (a translation
        that shuffles the options cannot be compared answer by answer), in the order of the first language.

    Raises:
        ValueError: fewer than two languages.
    """
    if len(items) < 2:
        raise ValueError("consistency needs the same items in at least two languages")
    by_id = [{item.sample.id: item for item in cell} for cell in items.values()]
    every = dict.fromkeys(name for cell in by_id for name in cell)
    kept = []
    for name in every:
        if all(name in cell for cell in by_id):
            row = [cell[name] for cell in by_id]
            if len({(_place(one, one.sample.gold), len(one.sample.labels)) for one in row}) == 1:
                kept.append(row)
    names: dict[str, int] = {}
    answer = np.full((len(items), len(kept)), _UNREAD, dtype=np.int64)
    right = np.zeros((len(items), len(kept)), dtype=np.bool_)
    for column, row in enumerate(kept):
        for place, item in enumerate(row):
            value = _place(item, item.reading.value)
            if value is not None:
                answer[place, column] = names.setdefault(value, len(names))
            right[place, column] = item.reading.value == item.sample.gold
    ranking = tuple(tuple(_ranked(row[place]) for row in kept) for place in range(len(items)))
    images = encode(cluster_name(row[0].sample) for row in kept)
    return Answers(
        tuple(items), answer, right, ranking, images.codes, images.names, tuple(names), len(every) - len(kept)
    )


def _ranked(item: Item) -> tuple[int, ...] | None:
    """The options by falling mean log-probability; equal ones in the order shown. None where not scored."""
    choices = item.response.choices
    if len(choices) < 2 or (item.sample.labels and len(choices) != len(item.sample.labels)):
        return None
    scores = [choice.logprob_mean for choice in choices]
    return tuple(sorted(range(len(scores)), key=lambda place: -scores[place]))


def _metric(
    name: str,
    answers: Answers,
    stats: FloatArray,
    value_of: Callable[[FloatArray], FloatArray],
    *,
    proportion: bool = False,
    chosen: IntArray | None = None,
) -> Metric:
    clusters = answers.clusters if chosen is None else answers.clusters[chosen]
    return Metric(
        name=name,
        primary=False,
        stats=stats,
        clusters=clusters,
        strata=np.zeros(len(stats), dtype=np.int64),
        value_of=value_of,
        proportion=proportion,
        n=len(stats),
        note=f"{answers.left_out} items not comparable" if answers.left_out else "",
        cluster_names=answers.cluster_names,
    )


def _pair(answers: Answers, one: str, other: str) -> tuple[int, int]:
    for tag in (one, other):
        if tag not in answers.languages:
            raise ValueError(f"{tag!r} is not among {', '.join(answers.languages)}")
    return answers.languages.index(one), answers.languages.index(other)


def agreement(answers: Answers, one: str, other: str) -> Metric:
    """Share of items with the same answer in both languages, right or wrong; unread answers agree with nothing.

    C(l, l') = mean of 1[a_l = a_l'] (KnowRecall, Wang et al. 2025, arXiv:2505.15075).

    Raises:
        ValueError: a language that is not there.
    """
    a, b = _pair(answers, one, other)
    same = (answers.answer[a] == answers.answer[b]) & (answers.answer[a] != _UNREAD)
    stats = np.stack([same, np.ones(len(same))], axis=1).astype(np.float64)
    return _metric("agreement", answers, stats, percentage, proportion=True)


def kappa(answers: Answers, one: str, other: str) -> Metric:
    """Cohen's kappa of the two languages' answers, over the items read in both; -1 to 1.

    (p_o - p_e) / (1 - p_e), p_e from each language's own shares of the answers (Cohen 1960, Educ. Psychol.
    Meas. 20:37-46): a model that says B to everything agrees with itself everywhere, and has no kappa.

    Raises:
        ValueError: a language that is not there.
    """
    a, b = _pair(answers, one, other)
    read = np.flatnonzero((answers.answer[a] != _UNREAD) & (answers.answer[b] != _UNREAD))
    count = max(1, len(answers.names))
    stats = np.zeros((len(read), count * count))
    stats[np.arange(len(read)), answers.answer[a][read] * count + answers.answer[b][read]] = 1

    def value_of(sums: FloatArray) -> FloatArray:
        table = sums.reshape(*sums.shape[:-1], count, count)
        total = table.sum(axis=(-1, -2))
        observed = ratio(np.trace(table, axis1=-2, axis2=-1), total)
        expected = ratio((table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1), total**2)
        return ratio(observed - expected, 1 - expected)

    return _metric("kappa", answers, stats, value_of, chosen=read)


def fleiss_kappa(answers: Answers) -> Metric:
    """Fleiss' kappa over all languages, over the items read in all of them; -1 to 1.

    With L languages, n_ij of them giving answer j to item i: P_i = (sum_j n_ij^2 - L) / (L (L - 1)), p_j the
    share of answer j, kappa = (mean P_i - sum p_j^2) / (1 - sum p_j^2) (Fleiss 1971, Psychol. Bull. 76:378-382).
    """
    read = np.flatnonzero((answers.answer != _UNREAD).all(axis=0))
    languages, count = len(answers.languages), max(1, len(answers.names))
    given = np.zeros((len(read), count))
    for row in answers.answer[:, read]:
        given[np.arange(len(read)), row] += 1
    agreeing = ((given**2).sum(axis=1) - languages) / (languages * (languages - 1))
    stats = np.concatenate([agreeing[:, None], np.ones((len(read), 1)), given], axis=1)

    def value_of(sums: FloatArray) -> FloatArray:
        shares = ratio(sums[..., 2:], sums[..., 2:].sum(axis=-1, keepdims=True))
        expected = (shares**2).sum(axis=-1)
        return ratio(ratio(sums[..., 0], sums[..., 1]) - expected, 1 - expected)

    return _metric("fleiss_kappa", answers, stats, value_of, chosen=read)


def right_overlap(answers: Answers, one: str, other: str) -> Metric:
    """Items right in both languages / items right in at least one, in percent; undefined where none is right.

    Raises:
        ValueError: a language that is not there.
    """
    a, b = _pair(answers, one, other)
    both, either = answers.right[a] & answers.right[b], answers.right[a] | answers.right[b]
    return _metric(
        "right_overlap", answers, np.stack([both, either], axis=1).astype(np.float64), percentage, proportion=True
    )


def right_given(answers: Answers, language: str, given: str) -> Metric:
    """P(right in `language` | right in `given`), in percent.

    Raises:
        ValueError: a language that is not there.
    """
    a, b = _pair(answers, language, given)
    both = answers.right[a] & answers.right[b]
    stats = np.stack([both, answers.right[b]], axis=1).astype(np.float64)
    return _metric("right_given", answers, stats, percentage, proportion=True)


def rankc(one: Sequence[int], other: Sequence[int]) -> float:
    """RankC of one item: do two rankings of the same options agree, the top weighing most; 0-1.

    sum over j of w_j P@j, P@j = |top_j of one, shared with top_j of other| / j, w_j = e^(N-j) / sum_k e^(N-k), N
    options (Qi, Fernández and Bisazza 2023, arXiv:2310.10378, eq. 2-4).

    Raises:
        ValueError: the rankings are not of the same options.
    """
    if sorted(one) != sorted(other) or not one:
        raise ValueError("two rankings of other options")
    places = np.arange(1, len(one) + 1)
    # Shifted by a constant, which the quotient does not see, lest e^N overflow.
    weights = np.exp(1.0 - places)
    shared = np.array([len(set(one[:j]) & set(other[:j])) for j in places.tolist()])
    return float((weights * shared / places).sum() / weights.sum())


def rank_consistency(answers: Answers, one: str, other: str) -> Metric:
    """Mean RankC over the items whose choices were scored in both languages; 0-1, undefined without any.

    Two unrelated rankings of four options have 0.38 on average, so read it beside that (`expected_rankc`).

    Raises:
        ValueError: a language that is not there.
    """
    a, b = _pair(answers, one, other)
    chosen, values = [], []
    for place, (first, second) in enumerate(zip(answers.ranking[a], answers.ranking[b], strict=True)):
        if first is not None and second is not None and len(first) == len(second):
            chosen.append(place)
            values.append(rankc(first, second))
    stats = np.stack([np.array(values, dtype=np.float64), np.ones(len(values))], axis=1)

    def value_of(sums: FloatArray) -> FloatArray:
        return ratio(sums[..., 0], sums[..., 1])

    return _metric("rank_consistency", answers, stats, value_of, chosen=np.array(chosen, dtype=np.int64))


def expected_rankc(options: int) -> float:
    """Mean RankC of two unrelated rankings: sum of w_j j / N, since P@j is j / N on average."""
    places = np.arange(1, options + 1)
    weights = np.exp(1.0 - places)
    return float((weights * places / options).sum() / weights.sum())


def consistency(answers: Answers) -> dict[tuple[str, str], dict[str, Metric]]:
    """All of it, for every pair of languages in the order given: agreement, kappa, right_overlap, rank_consistency.

    `rank_consistency` is there only where choices were scored in both.
    """
    found: dict[tuple[str, str], dict[str, Metric]] = {}
    for one, other in combinations(answers.languages, 2):
        row = {make.__name__: make(answers, one, other) for make in (agreement, kappa, right_overlap)}
        ranked = rank_consistency(answers, one, other)
        if ranked.n:
            row["rank_consistency"] = ranked
        found[one, other] = row
    return found
