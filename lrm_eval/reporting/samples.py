"""Which answers go on the page.

A page cannot hold every answer of every run. Every cell puts forward its questions, those with a wrong, unread or
failed answer first and some right ones between; cells take turns, and a question that is taken is shown in every
language and for every model of its table, so that the same item can be compared. This ends at a cap per cell or at the
size of the page.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lrm_eval.reporting.prompts import template_of
from lrm_eval.types import RULES, Item, Reading, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ANSWER_LIMIT = 4000
PROMPT_LIMIT = 4000
CELL_CAP = 400
# Of every four questions a cell puts forward one has a right answer, as long as there are both kinds.
_RIGHT_EVERY = 4
KINDS = ("error", "unparsed", "wrong", "right")
# What four bytes of base64 and the place in the tables add to a compressed byte.
_EMBEDDED = 1.4

Read: TypeAlias = tuple[str | None, str, str, str, str | None]
"""Value, rule, outcome, kind, language of the answer."""


class Answer(NamedTuple):
    """One model's answer to one item, as the page shows it; numbers point into the lists of its pool.

    Attributes:
        wording: which wording of the item the model was given.
        text: the answer, or its beginning.
        length: characters of the whole answer if `text` is its beginning, else 0.
        finish: finish reason.
        error: why there is no answer, or "".
        prompt: its template, -1 if the prompt was not kept.
        read: how it was read, in the order of RULES.
    """

    wording: int
    text: str
    length: int
    finish: str
    error: str
    prompt: int
    read: tuple[int, ...]


def is_right(sample: Sample, reading: Reading) -> bool:
    """Whether a single answer matches its gold; texts are compared without case and outer blanks."""
    if reading.value is None:
        return False
    if sample.kind == "text":
        return reading.value.strip().casefold() == sample.gold.strip().casefold()
    return reading.value == sample.gold


def kind_of(reading: Reading, right: bool) -> str:
    """The filter an answer falls under: error, unparsed, wrong or right."""
    if reading.outcome == "error":
        return "error"
    if reading.value is None:
        return "unparsed"
    return "right" if right else "wrong"


@dataclass
class Pool:
    """All answers of one table, light enough to hold 300,000 of them.

    Attributes:
        wordings: per language and item, the different forms in which runs asked it (one, unless runs differ in data).
        answers: per model and language, the answers by item id.
        readings: the different ways in which answers were read.
        templates: the different forms of prompts (see `lrm_eval.reporting.prompts`).
    """

    wordings: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    answers: dict[tuple[str, str], dict[str, Answer]] = field(default_factory=dict)
    readings: dict[Read, int] = field(default_factory=dict)
    templates: dict[str, int] = field(default_factory=dict)
    # Models are asked the same: a prompt to a question is taken apart once.
    _forms: dict[tuple[str, int], int] = field(default_factory=dict, repr=False)

    def add(self, model: str, language: str, items: Sequence[Item], others: Sequence[Reading]) -> None:
        """Adds one cell: items read under the multilingual rules, and the official readings in the same order."""
        known = self.wordings.setdefault(language, {})
        cell = self.answers.setdefault((model, language), {})
        for item, official in zip(items, others, strict=True):
            sample, response = item.sample, item.response
            forms = known.setdefault(sample.id, [])
            index = next((i for i, form in enumerate(forms) if form is sample or _same(form, sample)), len(forms))
            if index == len(forms):
                forms.append(sample)
            long = len(response.text) > ANSWER_LIMIT
            cell[sample.id] = Answer(
                index,
                response.text[:ANSWER_LIMIT],
                len(response.text) if long else 0,
                response.finish_reason,
                (response.error or "")[:ANSWER_LIMIT],
                self._template(response.prompt, forms[index]),
                (self._read(sample, official), self._read(sample, item.reading)),
            )

    def _template(self, prompt: str | None, sample: Sample) -> int:
        if not prompt:
            return -1
        # The sample lives in `wordings` as long as the pool: its address is its own.
        known = self._forms.get((prompt, id(sample)))
        if known is None:
            form = template_of(prompt if len(prompt) <= PROMPT_LIMIT else f"{prompt[:PROMPT_LIMIT]} …", sample)
            known = self.templates.setdefault(form, len(self.templates))
            self._forms[prompt, id(sample)] = known
        return known

    def _read(self, sample: Sample, reading: Reading) -> int:
        value = None if reading.value is None else reading.value[:ANSWER_LIMIT]
        kind = kind_of(reading, is_right(sample, reading))
        told = (value, reading.rule[:ANSWER_LIMIT], reading.outcome, kind, reading.language)
        return self.readings.setdefault(told, len(self.readings))

    def kinds(self) -> list[str]:
        """The kind of each reading, by its number."""
        return [told[3] for told in self.readings]

    def counts(self, model: str, language: str) -> list[list[int]]:
        """How many answers of a cell are of each of KINDS, per rule set in the order of RULES."""
        kinds = [KINDS.index(kind) for kind in self.kinds()]
        result = [[0] * len(KINDS) for _ in RULES]
        for answer in self.answers[model, language].values():
            for numbers, read in zip(result, answer.read, strict=True):
                numbers[kinds[read]] += 1
        return result


def _same(one: Sample, other: Sample) -> bool:
    shas = [[image.sha256 for image in sample.images] for sample in (one, other)]
    texts = [
        (sample.question, sample.hint, sample.instruction, sample.options, sample.labels, sample.gold)
        for sample in (one, other)
    ]
    return shas[0] == shas[1] and texts[0] == texts[1]


def queue(cell: Mapping[str, Answer], kinds: Sequence[str], place: Mapping[str, int] | None = None) -> list[str]:
    """The ids of a cell in the order in which it puts them forward.

    Within a kind the order is by a hash of the id: arbitrary, not by subtask, and the same in every language and model.

    Args:
        cell: answers by item id.
        kinds: the kind of each reading, by its number.
        place: of each id in that order, if it is known already.
    """
    place = place or shuffled(cell)
    rules = RULES.index("multilingual")
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for item_id in sorted(cell, key=place.__getitem__):
        found[kinds[cell[item_id].read[rules]]].append(item_id)
    rights = found.pop("right")
    problems = [item_id for turn in _turns(list(found.values())) for item_id in turn]
    order: list[str] = []
    at = 0
    for start in range(0, len(problems), _RIGHT_EVERY - 1):
        order += problems[start : start + _RIGHT_EVERY - 1]
        order += rights[at : at + 1]
        at += 1
    return order + rights[at:]


def shuffled(ids: Mapping[str, object]) -> dict[str, int]:
    """Place of each id in an arbitrary order that is always the same."""
    order = sorted(ids, key=lambda one: hashlib.sha256(one.encode("utf-8", "replace")).digest())
    return {item_id: number for number, item_id in enumerate(order)}


def _turns(lists: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    for index in range(max((len(one) for one in lists), default=0)):
        yield [one[index] for one in lists if index < len(one)]


def choose(
    pools: Mapping[str, Pool], thumbnail: Callable[[str], str | None], budget: int, cell_cap: int = CELL_CAP
) -> tuple[dict[str, list[str]], dict[str, str], bool]:
    """Picks the items of every table.

    Args:
        pools: per table id.
        thumbnail: data URI of an image by content hash, or None if there is none.
        budget: bytes that questions, answers and images may take together, compressed and embedded.
        cell_cap: how many items one cell may put forward.

    Returns:
        Item ids per table in the order chosen; the data URIs of their images by hash; true if the budget was reached
        before the cells had put forward what they may.
    """
    chosen: dict[str, dict[str, None]] = {table: {} for table in pools}
    images: dict[str, str] = {}
    missing: set[str] = set()
    queues = []
    for table, pool in pools.items():
        kinds = pool.kinds()
        place = shuffled({item_id: None for forms in pool.wordings.values() for item_id in forms})
        queues += [(table, iter(queue(cell, kinds, place)[:cell_cap])) for cell in pool.answers.values()]
    spent = 0
    while queues:
        left = []
        for table, waiting in queues:
            item_id = next(waiting, None)
            if item_id is None:
                continue
            left.append((table, waiting))
            if item_id in chosen[table]:
                continue
            cost, found = _cost(pools[table], item_id, images, missing, thumbnail)
            if spent + cost > budget:
                return {name: list(ids) for name, ids in chosen.items()}, images, True
            spent += cost
            images.update(found)
            chosen[table][item_id] = None
        queues = left
    return {name: list(ids) for name, ids in chosen.items()}, images, False


def _cost(
    pool: Pool, item_id: str, images: Mapping[str, str], missing: set[str], thumbnail: Callable[[str], str | None]
) -> tuple[int, dict[str, str]]:
    """Bytes that an item takes; the data URIs of those of its images that are not on the page yet.

    Compressed on its own an item takes more than it will among its like: the sum is on the safe side.
    """
    size, found = 0, {}
    texts: list[str] = []
    for forms in pool.wordings.values():
        for sample in forms.get(item_id, ()):
            texts += (sample.question, sample.hint, sample.instruction, sample.gold, *sample.options, *sample.labels)
            for sha in (image.sha256 for image in sample.images if image.sha256):
                if sha in images or sha in found or sha in missing:
                    continue
                uri = thumbnail(sha)
                if uri is None:
                    missing.add(sha)
                else:
                    found[sha] = uri
                    size += len(uri) + 72
    texts.append(item_id)
    for cell in pool.answers.values():
        answer = cell.get(item_id)
        if answer is not None:
            texts += (answer.text, answer.error, str(answer.read))
    packed = zlib.compress("\0".join(texts).encode("utf-8", "replace"), 1)
    return size + int(_EMBEDDED * len(packed)), found
