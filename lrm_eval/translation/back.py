"""Back-translation: what a pack says, translated into English again, held against the English text.

A good round trip proves little, a bad one says where to look: necessary, not sufficient.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from lrm_eval.languages import get
from lrm_eval.translation.build import build, plan
from lrm_eval.translation.cache import Cache
from lrm_eval.translation.english import ENGLISH, Unit
from lrm_eval.translation.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.languages import Language
    from lrm_eval.translation.findings import Pair
    from lrm_eval.translation.translators import Translator

# Below this chrF2 (0-100) two English sentences have hardly a word in common.
_POOR = 25.0
# So much better than its own English another item's fits before a text is said to stand in the wrong place.
_MARGIN = 30.0
_NEIGHBOURS = 5


def translate_back(texts: Sequence[str], language: Language, translator: Translator) -> dict[str, str]:
    """Text of the language -> English. Each text is asked for once and kept; what cannot be done is left out.

    Raises:
        UsageError: the translator cannot work as it is set up.
        RunError: it broke on the way; what was translated is kept.
    """
    units = [Unit(str(number), text, "", ()) for number, text in enumerate(dict.fromkeys(texts))]
    english = get(ENGLISH)
    with Cache(translator.name, f"{language.tag}-to-{ENGLISH}") as cache:
        todo = plan(units, cache, {}, translator)
        done = build(todo, translator, language, english, cache)
    by_id = {unit.id: unit.question for unit in units}
    return {by_id[row.id]: row.question for row in done.rows}


def chrf(source: str, back: str) -> float:
    """Sentence chrF2 of sacreBLEU, 0-100."""
    import numpy as np

    from lrm_eval.scorers.captions import chrf_counts, chrf_of

    return float(chrf_of(np.array(chrf_counts(back, [source]), dtype=np.float64)))


def judge(pairs: Sequence[Pair], backs: Mapping[str, str]) -> tuple[list[Finding], float | None]:
    """Findings from back-translated questions, and their mean chrF2.

    Args:
        pairs: samples with their wording.
        backs: question of the pack -> its English back-translation.
    """
    scores: list[float] = []
    found: list[Finding] = []
    for place, pair in enumerate(pairs):
        back = backs.get(pair.row.question)
        if back is None:
            continue
        own = chrf(pair.sample.question, back)
        scores.append(own)
        if own >= _POOR:
            continue
        near = range(max(0, place - _NEIGHBOURS), min(len(pairs), place + _NEIGHBOURS + 1))
        others = {pairs[other].sample.id: pairs[other].sample.question for other in near if other != place}
        best = max(others, key=lambda name: chrf(others[name], back), default=None)
        where = pair.row.where
        if best is not None and chrf(others[best], back) >= own + _MARGIN:
            detail = f"question: means {back!r}, which is {best!r}, not {pair.sample.question!r}"
            found.append(Finding("slipped", "error", pair.sample.id, where, detail))
        else:
            detail = f"question: comes back as {back!r} (chrF {own:.0f}), asked is {pair.sample.question!r}"
            found.append(Finding("back", "warning", pair.sample.id, where, detail))
    return found, statistics.fmean(scores) if scores else None
