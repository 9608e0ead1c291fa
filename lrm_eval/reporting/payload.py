"""The chosen answers of a table as columns of small numbers, for the page's script.

Every text is in the payload once; a cell is a few lists of numbers as long as the list of items. Twenty models in
twelve languages give the same handful of short answers over and over, so this is a tenth of a list of objects, before
it is compressed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.reporting.samples import Answer, Pool
    from lrm_eval.types import Sample

Json = dict[str, Any]
_SURROGATES = re.compile(r"[\ud800-\udfff]")


class _Texts:
    """Texts by number, each once, without lone surrogates."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def number(self, text: str) -> int:
        found = self._known.get(text)
        return self._known.setdefault(text, len(self._known)) if found is None else found

    def all(self) -> list[str]:
        return [clean(text) for text in self._known]


def table_payload(pool: Pool, ids: Sequence[str]) -> Json:
    """The chosen items of one table as plain data.

    Returns:
        texts: every text once; where a number stands for a text below it is its place here.
        items: columns id (text), kind (text), category (text), split (text), images (hashes).
        wordings: each different one once: question, hint, instruction, gold (texts), options, labels (lists of texts).
        questions: per language and item, the wordings in which it was asked.
        readings: value (text or null), rule, outcome, kind, language of each different reading.
        templates: prompts (`lrm_eval.reporting.prompts`).
        answers: per model and language, columns in the order of `items`: t the text, -1 where there is no answer;
            o and m the official and the multilingual reading; and as far as one is not 0: w which wording, p the
            template + 1, f 1 if the token budget ran out, e the text of an error + 1, c length of an answer cut short.
        counts: per model and language, of all its answers: errors, unparsed, wrong, right under each rule set.
    """
    texts = _Texts()
    number = texts.number
    wordings: dict[tuple[object, ...], int] = {}

    def wording(sample: Sample) -> int:
        told = (
            number(sample.question),
            number(sample.hint),
            number(sample.instruction),
            number(sample.gold),
            tuple(number(text) for text in sample.options),
            tuple(number(text) for text in sample.labels),
        )
        return wordings.setdefault(told, len(wordings))

    heads = [next(forms[item_id][0] for forms in pool.wordings.values() if item_id in forms) for item_id in ids]
    items = {
        "id": [number(item_id) for item_id in ids],
        "kind": [number(sample.kind) for sample in heads],
        "category": [number(sample.category) for sample in heads],
        "split": [number(sample.split) for sample in heads],
        "images": [[image.sha256 for image in sample.images] for sample in heads],
    }
    questions = {
        language: [[wording(sample) for sample in forms.get(item_id, ())] for item_id in ids]
        for language, forms in pool.wordings.items()
    }
    answers: dict[str, Json] = {}
    counts: dict[str, Json] = {}
    for (model, language), cell in pool.answers.items():
        found = [cell.get(item_id) for item_id in ids]
        answers.setdefault(model, {})[language] = _columns(found, texts)
        counts.setdefault(model, {})[language] = pool.counts(model, language)
    readings = [
        [None if value is None else number(value), number(rule), outcome, kind, language]
        for value, rule, outcome, kind, language in pool.readings
    ]
    return {
        "items": items,
        "questions": questions,
        "wordings": [list(one) for one in wordings],
        "readings": readings,
        "templates": [clean(form) for form in pool.templates],
        "answers": answers,
        "counts": counts,
        "texts": texts.all(),
    }


def _columns(found: Sequence[Answer | None], texts: _Texts) -> Json:
    columns = {
        "t": [-1 if one is None else texts.number(one.text) for one in found],
        "o": [-1 if one is None else one.read[0] for one in found],
        "m": [-1 if one is None else one.read[1] for one in found],
    }
    rare = {
        "w": [0 if one is None else one.wording for one in found],
        "p": [0 if one is None else one.prompt + 1 for one in found],
        "f": [0 if one is None else int(one.finish == "length") for one in found],
        "e": [0 if one is None or not one.error else texts.number(one.error) + 1 for one in found],
        "c": [0 if one is None else one.length for one in found],
    }
    return columns | {name: column for name, column in rare.items() if any(column)}


def clean(text: str) -> str:
    """Without lone surrogates, which UTF-8 cannot hold; everything else stays, and is shown by the page as it is."""
    return text if text.isascii() else _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
