"""Which answers go on the page, and in what form.

A page cannot hold 300,000 answers. Every cell puts forward its questions, those with a wrong, unread or failed answer
first and some right ones between; cells take turns, and a question that is taken is shown in every language and for
every model of its table, so that the same item can be compared. This ends at a cap per cell or at the size of the page.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lrm_eval.types import RULES, Item, Reading, Response, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ANSWER_LIMIT = 4000
PROMPT_LIMIT = 4000
CELL_CAP = 200
# Of every four questions a cell puts forward one has a right answer, as long as there are both kinds.
_RIGHT_EVERY = 4
_PROBLEMS = ("error", "unparsed", "wrong")
_SURROGATES = re.compile(r"[\ud800-\udfff]")

Json = dict[str, Any]


class Answer(NamedTuple):
    """One model's answer to one item: which wording of the item it was given, and how it was read."""

    wording: int
    response: Response
    readings: tuple[Reading, ...]  # in the order of RULES
    right: tuple[bool, ...]


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
    """

    wordings: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    answers: dict[tuple[str, str], dict[str, Answer]] = field(default_factory=dict)

    def add(self, model: str, language: str, items: Sequence[Item], others: Sequence[Reading]) -> None:
        """Adds one cell: items read under the multilingual rules, and the official readings in the same order."""
        known = self.wordings.setdefault(language, {})
        cell = self.answers.setdefault((model, language), {})
        for item, official in zip(items, others, strict=True):
            forms = known.setdefault(item.sample.id, [])
            # Sample compares images by address and hash, not by reader: one item of one data set is equal to itself.
            index = next((i for i, form in enumerate(forms) if _same(form, item.sample)), len(forms))
            if index == len(forms):
                forms.append(item.sample)
            readings = tuple({"official": official, "multilingual": item.reading}[rules] for rules in RULES)
            right = tuple(is_right(item.sample, reading) for reading in readings)
            cell[item.sample.id] = Answer(index, item.response, readings, right)

    def counts(self, model: str, language: str) -> dict[str, dict[str, int]]:
        """How many answers of a cell are right, wrong, unparsed and errors, per rule set."""
        result = {rules: dict.fromkeys(("error", "unparsed", "wrong", "right"), 0) for rules in RULES}
        for answer in self.answers[model, language].values():
            for rules, reading, right in zip(RULES, answer.readings, answer.right, strict=True):
                result[rules][kind_of(reading, right)] += 1
        return {str(rules): numbers for rules, numbers in result.items()}


def _same(one: Sample, other: Sample) -> bool:
    shas = [[image.sha256 for image in sample.images] for sample in (one, other)]
    texts = [
        (sample.question, sample.hint, sample.instruction, sample.options, sample.labels, sample.gold)
        for sample in (one, other)
    ]
    return shas[0] == shas[1] and texts[0] == texts[1]


def queue(cell: Mapping[str, Answer]) -> list[str]:
    """The ids of a cell in the order in which it puts them forward.

    Within a kind the order is by a hash of the id: arbitrary, not by subtask, and the same in every language and model.
    """
    place = RULES.index("multilingual")
    kinds: dict[str, list[str]] = {kind: [] for kind in (*_PROBLEMS, "right")}
    for item_id in sorted(cell, key=lambda one: hashlib.sha256(one.encode("utf-8", "replace")).digest()):
        answer = cell[item_id]
        kinds[kind_of(answer.readings[place], answer.right[place])].append(item_id)
    problems = [item_id for turn in _turns([kinds[kind] for kind in _PROBLEMS]) for item_id in turn]
    rights = kinds["right"]
    order: list[str] = []
    while problems and rights:
        order += problems[: _RIGHT_EVERY - 1] + rights[:1]
        problems, rights = problems[_RIGHT_EVERY - 1 :], rights[1:]
    return order + problems + rights


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
        budget: bytes that questions, answers and images may take together.
        cell_cap: how many items one cell may put forward.

    Returns:
        Item ids per table in the order chosen; the data URIs of their images by hash; true if the budget was reached
        before the cells had put forward what they may.
    """
    chosen: dict[str, dict[str, None]] = {table: {} for table in pools}
    images: dict[str, str] = {}
    missing: set[str] = set()
    queues = [(table, iter(queue(cell)[:cell_cap])) for table, pool in pools.items() for cell in pool.answers.values()]
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
    size, found = 0, {}
    for forms in pool.wordings.values():
        for sample in forms.get(item_id, ()):
            size += _size(wording_dict(sample))
            for sha in (image.sha256 for image in sample.images if image.sha256):
                if sha in images or sha in found or sha in missing:
                    continue
                uri = thumbnail(sha)
                if uri is None:
                    missing.add(sha)
                else:
                    found[sha] = uri
                    size += len(uri) + 72
    for cell in pool.answers.values():
        if item_id in cell:
            size += _size(answer_dict(cell[item_id], ("", "")))
    return size, found


def _size(value: Json) -> int:
    # Six bytes each is what the signs that HTML minds take once they are escaped.
    text = json.dumps(value, ensure_ascii=False)
    return len(text.encode("utf-8", "replace")) + 5 * sum(text.count(char) for char in "<>&")


def table_payload(pool: Pool, ids: Sequence[str]) -> Json:
    """The chosen items of one table as plain data, for the page's script.

    Answers are lists in the order of `items`, null where a model has none. `prompts` holds, per model, the beginning
    and the end that all its prompts share; an answer's `p` is what lies between.
    """
    items = []
    for item_id in ids:
        sample = next(forms[item_id][0] for forms in pool.wordings.values() if item_id in forms)
        shas = [image.sha256 for image in sample.images]
        items.append(
            {
                "id": clean(item_id),
                "kind": sample.kind,
                "category": clean(sample.category),
                "split": sample.split,
                "images": shas,
            }
        )
    questions = {
        language: [[wording_dict(sample) for sample in forms.get(item_id, ())] for item_id in ids]
        for language, forms in pool.wordings.items()
    }
    prompts: dict[str, list[str]] = {}
    answers: dict[str, Json] = {}
    counts: dict[str, Json] = {}
    for model in dict.fromkeys(model for model, _ in pool.answers):
        cells = {language: cell for (name, language), cell in pool.answers.items() if name == model}
        shown = [cell[item_id] for cell in cells.values() for item_id in ids if item_id in cell]
        ends = _shared_ends([clean(answer.response.prompt or "") for answer in shown])
        prompts[model] = list(ends)
        answers[model] = {
            language: [answer_dict(cell[item_id], ends) if item_id in cell else None for item_id in ids]
            for language, cell in cells.items()
        }
        counts[model] = {language: pool.counts(model, language) for language in cells}
    return {"items": items, "questions": questions, "answers": answers, "prompts": prompts, "counts": counts}


def _shared_ends(prompts: Sequence[str]) -> tuple[str, str]:
    if not prompts or not all(prompts) or any(len(prompt) > PROMPT_LIMIT for prompt in prompts):
        return "", ""
    start = _common_start(prompts)
    room = min(len(prompt) for prompt in prompts) - len(start)
    end = _common_start([prompt[::-1] for prompt in prompts])[: max(room, 0)][::-1]
    return start, end


def _common_start(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    length = next((i for i, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:length]


def wording_dict(sample: Sample) -> Json:
    """What was asked, as plain data; empty fields are left out."""
    fields: Json = {
        "q": clean(sample.question),
        "hint": clean(sample.hint),
        "inst": clean(sample.instruction),
        "options": [clean(option) for option in sample.options],
        "labels": [clean(label) for label in sample.labels],
        "gold": clean(sample.gold),
    }
    return {name: value for name, value in fields.items() if value}


def answer_dict(answer: Answer, ends: tuple[str, str]) -> Json:
    """What came back and how it was read, as plain data; empty fields are left out."""
    response = answer.response
    fields: Json = {"w": answer.wording, "t": clean(response.text[:ANSWER_LIMIT])}
    if len(response.text) > ANSWER_LIMIT:
        fields["cut"] = len(response.text)
    if response.finish_reason != "stop":
        fields["f"] = response.finish_reason
    if response.error:
        fields["e"] = clean(response.error[:ANSWER_LIMIT])
    if response.prompt:
        prompt = clean(response.prompt)
        fields["p"] = prompt[len(ends[0]) : len(prompt) - len(ends[1])][:PROMPT_LIMIT]
        if len(prompt) > PROMPT_LIMIT:
            fields["pcut"] = len(prompt)
    for name, reading, right in zip(RULES, answer.readings, answer.right, strict=True):
        value = None if reading.value is None else clean(reading.value[:ANSWER_LIMIT])
        fields[name[0]] = [value, clean(reading.rule), reading.outcome, kind_of(reading, right), reading.language]
    return fields


def clean(text: str) -> str:
    """Without lone surrogates, which UTF-8 cannot hold; everything else stays, and is shown by the page as it is."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
