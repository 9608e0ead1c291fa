"""Captions (XM3600): chrF, BLEU-4 and CIDEr-D against several references, each with its segmentation stated.

chrF is the headline: it needs no segmentation, so it means the same in every language. XM3600 ships references that are
segmented already, but not how (google/crossmodal-3600 issue 4), so that no answer could be cut in the same way: here
references and answers are cut alike, by `lrm_eval.scorers.segmentation`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from lrm_eval.scorers import segmentation
from lrm_eval.scorers.cider import cider_d
from lrm_eval.scorers.metric import Metric, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrm_eval.scorers.columns import Columns
    from lrm_eval.scorers.metric import FloatArray

_CHAR_ORDERS = 6
_BETA_SQUARED = 4.0  # chrF2
_WORD_ORDERS = 4


def metrics(data: Columns) -> list[Metric]:
    """Metrics: chrF (primary), BLEU, CIDEr; an answer that was not read counts as an empty caption."""
    captions = [item.reading.value or "" for item in data.items]
    references = [tuple(item.sample.gold.split("\n")) for item in data.items]
    tag = data.items[0].sample.language
    name = segmentation.tokenizer_name(tag)
    chrf = np.array([chrf_counts(text, given) for text, given in zip(captions, references, strict=True)])
    bleu, bleu_signature = _bleu_counts(captions, references, name)
    cut = [segmentation.words(text, name) for text in captions]
    cider = cider_d(cut, [[segmentation.words(text, name) for text in given] for given in references])
    return [
        _metric(data, "chrf", chrf, chrf_of, _chrf_signature(references), primary=True),
        _metric(data, "bleu", bleu, bleu_of, bleu_signature),
        _metric(
            data,
            "cider",
            np.stack([np.array(cider), np.ones(len(cider))], axis=1),
            lambda sums: 100 * ratio(sums[..., 0], sums[..., 1]),
            f"CIDEr-D times 100 (0 to 1000), tokens {name}, lower case, no punctuation",
        ),
    ]


def _metric(
    data: Columns,
    name: str,
    stats: FloatArray,
    value_of: Callable[[FloatArray], FloatArray],
    note: str,
    *,
    primary: bool = False,
) -> Metric:
    return Metric(
        name=name,
        primary=primary,
        stats=stats.astype(np.float64),
        clusters=data.cluster.codes,
        strata=np.zeros(len(data.items), dtype=np.int64),
        value_of=value_of,
        proportion=False,
        n=len(data.items),
        note=note,
        outcomes=data.outcomes(),
        cluster_names=data.cluster.names,
    )


def chrf_counts(text: str, references: Sequence[str]) -> list[int]:
    """(n-grams of the text, of the reference, common) for n = 1 to 6: of the reference with the best chrF2.

    Source: sacreBLEU, metrics/chrf.py; blanks do not count.
    """
    own = _characters(text)
    best: list[int] = []
    best_score = -1.0
    for reference in references:
        counts: list[int] = []
        for left, right in zip(own, _characters(reference), strict=True):
            common = sum((left & right).values())
            counts += [left.total() if right else 0, right.total(), common]
        score = float(chrf_of(np.array(counts, dtype=np.float64)))
        if score > best_score:
            best, best_score = counts, score
    return best


def _characters(text: str) -> list[Counter[str]]:
    line = "".join(text.split())
    return [
        Counter(line[start : start + order] for start in range(len(line) - order + 1))
        for order in range(1, _CHAR_ORDERS + 1)
    ]


def chrf_of(sums: FloatArray) -> FloatArray:
    """chrF2 (0-100) of summed counts. [..., 18] -> [...].

    Precisions and recalls are averaged over the orders that both sides have (sacreBLEU's `eff:yes`).
    """
    counts = sums.reshape(*sums.shape[:-1], _CHAR_ORDERS, 3)
    both = (counts[..., 0] > 0) & (counts[..., 1] > 0)
    orders = both.sum(axis=-1)
    precision = (ratio(counts[..., 2], counts[..., 0], empty=0.0) * both).sum(axis=-1)
    recall = (ratio(counts[..., 2], counts[..., 1], empty=0.0) * both).sum(axis=-1)
    precision, recall = ratio(precision, orders.astype(np.float64), 0.0), ratio(recall, orders.astype(np.float64), 0.0)
    return 100 * ratio((1 + _BETA_SQUARED) * precision * recall, _BETA_SQUARED * precision + recall, empty=0.0)


def _bleu_counts(captions: Sequence[str], references: Sequence[Sequence[str]], name: str) -> tuple[FloatArray, str]:
    """[N, 10] length, reference length, matches and n-grams of n = 1 to 4; and sacreBLEU's signature."""
    from sacrebleu.metrics.bleu import BLEU

    scorer = BLEU(tokenize=name)
    rows = []
    for text, given in zip(captions, references, strict=True):
        one = scorer.corpus_score([text], [[reference] for reference in given])
        rows.append([one.sys_len, one.ref_len, *one.counts, *one.totals])
    widths = {len(given) for given in references}
    # sacreBLEU says so too where their number varies.
    signature = str(scorer.get_signature())
    return np.array(rows, dtype=np.float64), _with_references(signature, widths)


def _with_references(signature: str, widths: set[int]) -> str:
    number = str(widths.pop()) if len(widths) == 1 else "var"
    return "|".join(f"nrefs:{number}" if part.startswith("nrefs:") else part for part in signature.split("|"))


def _chrf_signature(references: Sequence[Sequence[str]]) -> str:
    from sacrebleu.metrics.chrf import CHRF

    scorer = CHRF()
    scorer.corpus_score([""], [[""]])
    return _with_references(str(scorer.get_signature()), {len(given) for given in references})


def bleu_of(sums: FloatArray) -> FloatArray:
    """BLEU-4 (0-100) of summed counts with sacreBLEU's exponential smoothing. [..., 10] -> [...]."""
    length, wanted = sums[..., 0], sums[..., 1]
    matches, grams = sums[..., 2 : 2 + _WORD_ORDERS], sums[..., 2 + _WORD_ORDERS :]
    # The k-th order without a match counts as 1 / 2^k of one (mteval-v13a).
    halvings = np.cumsum((matches == 0) & (grams > 0), axis=-1)
    smoothed = np.where(matches == 0, 0.5**halvings, matches)
    with np.errstate(divide="ignore"):
        logs = np.log(ratio(smoothed, grams, empty=0.0)).mean(axis=-1)
    brevity = np.exp(np.minimum(0.0, 1 - ratio(wanted, length, empty=np.inf)))
    # Nothing in common at all is 0, smoothing or not.
    found: FloatArray = np.where(matches.any(axis=-1), 100 * brevity * np.exp(logs), 0.0)
    return found
