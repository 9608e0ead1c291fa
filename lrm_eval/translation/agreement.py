"""How far two translations of a benchmark agree: the paper's table 2, with what it was computed by.

Corpus BLEU and chrF2++ of sacreBLEU (Post 2018; Popović 2017), one translation as the hypothesis, the other as the
reference, over the different English texts of a task (questions, hints, options). Chinese, Japanese, Thai, Khmer, Lao
and Burmese are cut as `lrm_eval.scorers.segmentation` says, never by blanks; the signature says how.
Deviation: BLEU of two systems depends on which is the reference only through length; the paper does not say which was.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from lrm_eval import __version__
from lrm_eval.errors import UsageError
from lrm_eval.runs.files import write_atomic
from lrm_eval.scorers import segmentation
from lrm_eval.translation import textual
from lrm_eval.translation.packfile import now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lrm_eval.data.packs import PackRow
    from lrm_eval.translation.english import Unit

KIND = "translation agreement"
SCHEMA = 1
_WORD_ORDER = 2  # chrF2++
_LOWEST = 5


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two translations of one task into one language.

    Attributes:
        task: task name.
        language: canonical tag.
        first: the translation that is scored: its translator, or its pack's name.
        second: the one it is held against.
        texts: different English texts that both have.
        bleu: corpus BLEU, 0-100.
        bleu_signature: sacreBLEU's.
        chrf: corpus chrF2++, 0-100.
        chrf_signature: sacreBLEU's.
        same: share (0-1) of texts that both translate alike.
    """

    task: str
    language: str
    first: str
    second: str
    texts: int
    bleu: float
    bleu_signature: str
    chrf: float
    chrf_signature: str
    same: float


@dataclass(frozen=True, slots=True)
class Apart:
    """A text that two translations render most differently; `chrf` is of the sentence, 0-100."""

    source: str
    first: str
    second: str
    chrf: float


def wordings(units: Sequence[Unit], rows: Mapping[str, PackRow]) -> dict[str, str]:
    """English text -> its first translation in a pack. Texts that need none (numbers) are left out."""
    found: dict[str, str] = {}
    for unit in units:
        row = rows.get(unit.id)
        if row is None or len(row.options) != len(unit.options):
            continue
        pairs = [(unit.question, row.question), (unit.hint, row.hint), *zip(unit.options, row.options, strict=True)]
        for text, translation in pairs:
            if text and translation.strip() and textual.translatable(text):
                found.setdefault(text, translation.strip())
    return found


def agree(
    task: str, tag: str, first: Mapping[str, str], second: Mapping[str, str], names: tuple[str, str]
) -> tuple[Agreement, list[Apart]]:
    """BLEU and chrF2++ between two translations, and the texts that they render most differently.

    Args:
        task: task name.
        tag: the language.
        first: English text -> translation.
        second: likewise.
        names: what the two are called.

    Raises:
        UsageError: they have no text in common.
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    common = [text for text in first if text in second]
    if not common:
        raise UsageError(f"{names[0]} and {names[1]} have no text of {task} in common")
    ours, theirs = [first[text] for text in common], [second[text] for text in common]
    bleu, chrf = BLEU(tokenize=segmentation.tokenizer_name(tag)), CHRF(word_order=_WORD_ORDER)
    scores = bleu.corpus_score(ours, [theirs]).score, chrf.corpus_score(ours, [theirs]).score
    single = CHRF(word_order=_WORD_ORDER)
    apart = [
        Apart(text, one, other, float(single.sentence_score(one, [other]).score))
        for text, one, other in zip(common, ours, theirs, strict=True)
        if one != other
    ]
    alike = sum(textual.normal(one) == textual.normal(other) for one, other in zip(ours, theirs, strict=True))
    found = Agreement(
        task=task,
        language=tag,
        first=names[0],
        second=names[1],
        texts=len(common),
        bleu=float(scores[0]),
        bleu_signature=str(bleu.get_signature()),
        chrf=float(scores[1]),
        chrf_signature=str(chrf.get_signature()),
        same=alike / len(common),
    )
    return found, sorted(apart, key=lambda item: item.chrf)


def write_agreements(path: Path, found: Sequence[Agreement]) -> None:
    """Write, or add to, a file that `lrm-eval table bleu` reads; the same task and language is replaced.

    Raises:
        UsageError: the file is there and is something else.
        RunError: it cannot be written.
    """
    kept = {(one.task, one.language): one for one in (read_agreements(path) if path.exists() else ())}
    kept |= {(one.task, one.language): one for one in found}
    rows = [asdict(kept[key]) for key in sorted(kept)]
    content = {"schema": SCHEMA, "kind": KIND, "made": now(), "tool": f"lrm-eval {__version__}", "agreements": rows}
    write_atomic(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def read_agreements(path: Path) -> list[Agreement]:
    """The agreements of a file.

    Raises:
        UsageError: it cannot be read, or is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: malformed JSON: {error.msg}") from None
    names = {item.name for item in fields(Agreement)}
    rows = content.get("agreements") if isinstance(content, dict) and content.get("kind") == KIND else None
    if not isinstance(rows, list) or any(not isinstance(row, dict) or set(row) != names for row in rows):
        raise UsageError(f"{path}: holds no agreement of translations; `lrm-eval data audit … --second …` writes one")
    return [Agreement(**row) for row in rows]


def is_agreement(path: Path) -> bool:
    """Whether a file may hold agreements of translations."""
    return path.is_file() and path.suffix.lower() == ".json"
