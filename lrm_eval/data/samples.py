"""From rows to samples: ids, groups, categories, gold, one function per benchmark."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from lrm_eval.data.fields import ENGLISH, field, gold_of, is_none, labels_of, language_of, options_of, text
from lrm_eval.data.images import image_name, image_refs
from lrm_eval.data.packs import apply_pack, lacks, pack_command, read_pack, require_pack
from lrm_eval.data.sources import POPE_SPLITS, Source, find_source
from lrm_eval.errors import UsageError
from lrm_eval.prompts import format_instruction
from lrm_eval.types import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lrm_eval.data.rows import Row
    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Dataset, Task

# MMBench numbers the k-th pass of question g as g + k * 1,000,000.
PASS_STEP = 1_000_000


def load_samples(
    task: Task, language: Language, source: Path | None = None, limit: int | None = None, images: bool = True
) -> list[Sample]:
    """All samples of a task in one language, in the order of the data.

    Args:
        task: the task.
        language: the language.
        source: local data (`--data TASK=PATH`); None = the task's own, downloaded if need be.
        limit: at least this many rows, whole groups (MME pair, circular group), in turn from every category and split.
        images: whether to read each image for its hash; without, images go by their name.

    Returns:
        Samples with `cluster` the image's content hash; where it cannot be read, the image's uri, and the
        reference has no hash: asking that sample gives an error outcome.

    Raises:
        UsageError: data, pack or path that cannot be used (with file and line, and what to type).
        RunError: data that had to be downloaded and could not be.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit}: must be 1 or more")
    own = task.native or task.language(language.tag).dataset is not None
    if source is None and language.tag != ENGLISH and not own:
        require_pack(task, language.tag)  # before gigabytes are downloaded for nothing
    found = find_source(task, language.tag, source)
    rows = _rows_in(found, language.tag)
    drafts = _drafts(task, language, rows) if rows else _translated(task, language, found)
    column = task.dataset_of(language.tag).fields.get("image")
    chosen = _limited(drafts, limit)
    samples = [_with_images(sample, row, column, images) for sample, row in chosen]
    # A reference called by its row has no image cell: one such row is its own error, all of them are the user's.
    bare = [sample.images[0].uri == row.where for sample, (_, row) in zip(samples, chosen, strict=True)]
    if images and chosen and all(bare):
        first = chosen[0][1]
        raise UsageError(
            f"{first.file}: no images: expected them in a column 'image' (columns: {', '.join(first.values)})"
        )
    return samples


def _rows_in(source: Source, tag: str) -> list[Row]:
    return [row for row in source.rows if language_of(row, source.default_language) == tag]


def _translated(task: Task, language: Language, source: Source) -> list[tuple[Sample, Row]]:
    """English samples with the question text of the language's pack."""
    from lrm_eval.languages import get

    rows = _rows_in(source, ENGLISH) if language.tag != ENGLISH and not task.native else []
    if not rows:
        present = sorted({language_of(row, source.default_language) for row in source.rows})
        where = source.files[0] if source.files else task.folder
        raise UsageError(
            f"{where}: no rows in {language.name} ({language.tag}); the data has {', '.join(present) or 'none'}"
        )
    path = require_pack(task, language.tag)
    english = _drafts(task, get(ENGLISH), rows)
    command = pack_command(task.name, language.tag)
    plain = [sample for sample, _ in english]
    pack, lacking = read_pack(path), lacks(path) > 0
    worded = apply_pack(plain, pack, path, language.tag, command, source.partial, lacking)
    row_of = {sample.id: row for sample, row in english}
    instruction = format_instruction(task, language)
    return [
        (
            replace(sample, instruction=instruction, question=_without_suffix(task, language, sample.question)),
            row_of[sample.id],
        )
        for sample in worded
    ]


def _drafts(task: Task, language: Language, rows: Sequence[Row]) -> list[tuple[Sample, Row]]:
    """Samples without image references; duplicates are refused here, where both rows are known."""
    dataset = task.dataset_of(language.tag)
    build = _Builder(task, language, dataset)
    drafts: dict[str, tuple[Sample, Row]] = {}
    known = {f"{task.name}/{name}" for name in dataset.known_duplicates}
    for order, row in enumerate(rows):
        sample = build(row, order)
        if sample is None:
            continue
        if sample.id in drafts and sample.id not in known:
            raise UsageError(f"{row.where}: id {sample.id!r} is given twice (first in {drafts[sample.id][1].where})")
        drafts[sample.id] = (sample, row)
    blank = [row for sample, row in drafts.values() if sample.gold == ""]
    if blank and len(blank) < len(drafts):
        raise _no_answer(blank[0])
    return list(drafts.values())


def _no_answer(row: Row) -> UsageError:
    return UsageError(f"{row.where}: no answer (columns: {', '.join(row.values)})")


class _Builder:
    """Rows of one task and language to samples; counts what the ids need counted."""

    def __init__(self, task: Task, language: Language, dataset: Dataset) -> None:
        self._task, self._language, self._dataset = task, language, dataset
        self._instruction = format_instruction(task, language)
        self._counts: dict[str, int] = defaultdict(int)
        self._template = task.language(language.tag).wording.question or task.question

    def __call__(self, row: Row, order: int) -> Sample | None:
        """The sample of a row; None for a row that is none of the task (SEED-Bench's videos).

        Raises:
            UsageError: a field that every row needs is missing (with file and line).
        """
        kind = text(field(row, "data_type", self._dataset)) or "image"
        if self._task.benchmark == "seedbench" and kind != "image":
            return None
        question = text(field(row, "question", self._dataset))
        answer = field(row, "answer", self._dataset)
        if not question and "{question}" in self._template:
            raise UsageError(f"{row.where}: no question (columns: {', '.join(row.values)})")
        if self._task.benchmark == "mmbench" and is_none(answer):
            answer = ""  # the test split, whose answers were kept; `_drafts` takes it of all rows or of none
        if answer is None:
            raise _no_answer(row)
        options = options_of(row, self._dataset) if self._task.kind == "option" else ()
        labels = labels_of(row, options)
        if self._task.kind == "option" and not options:
            raise UsageError(f"{row.where}: no options (columns: {', '.join(row.values)})")
        name, group, category, split = getattr(self, f"_{self._task.benchmark}", self._native)(row)
        hint = field(row, "hint", self._dataset)
        return Sample(
            id=f"{self._task.name}/{name}",
            task=self._task.name,
            language=self._language.tag,
            kind=self._task.kind,
            question=self._asked(_without_suffix(self._task, self._language, question)),
            gold=gold_of(answer, self._language, labels, options) if self._task.kind != "text" else text(answer),
            instruction=self._instruction,
            hint="" if is_none(hint) else text(hint),
            options=options,
            labels=labels,
            category=category,
            split=split,
            group=f"{self._task.name}/{group}",
            cluster=text(row.get("cluster")) or self._image(row) or f"{self._task.name}/{group}",
            order=order,
        )

    def _name(self, row: Row) -> str:
        """The row's id without the task's (or its benchmark's) name before it; "" if it has none."""
        name = text(field(row, "id", self._dataset)).strip()
        for prefix in (f"{self._task.name}/", f"{self._task.benchmark}/"):
            if name.startswith(prefix):
                return name.removeprefix(prefix)
        return name

    def _image(self, row: Row) -> str:
        """The image's name where that tells it from every other one: MME's recur in several subtasks."""
        if self._task.benchmark == "mme":
            return ""
        return image_name(row, self._dataset.fields.get("image")) or text(row.get("image_source"))

    def _category(self, row: Row) -> str:
        value = text(field(row, "category", self._dataset)).strip()
        return self._task.category_names.get(value, value)

    def _asked(self, question: str) -> str:
        return self._template.replace("{language}", self._language.name).replace("{question}", question)

    # Each of these gives (id, group, category, split), the first two without the task's name.

    def _mme(self, row: Row) -> tuple[str, str, str, str]:
        parts = self._name(row).split("/")
        category = self._category(row) or parts[0]
        rest = parts[1:] if parts[0] == category else parts
        number = ""
        if len(rest) > 1 and rest[-1].isdigit():  # ours: <subtask>/<image>/<n>; the hub's ends in the image
            number = rest.pop()
        image = "/".join(rest).strip("/") or image_name(row, self._dataset.fields.get("image"))
        if not category or not image:
            raise UsageError(f"{row.where}: MME needs a category and an image name (question_id or image)")
        group = f"{category}/{image}"
        number = number or str(self._counts[group])
        self._counts[group] += 1
        return f"{group}/{number}", group, category, ""

    def _pope(self, row: Row) -> tuple[str, str, str, str]:
        column = self._dataset.fields.get("split", "split")
        values = [
            text(value).strip().lower() for value in (row.get(column), row.get("split"), row.get("category"), row.split)
        ]
        name = self._name(row)
        values.append(name.partition("/")[0])
        split = next((value for value in values if value in POPE_SPLITS), "")
        if not split:
            raise UsageError(f"{row.where}: which POPE split? 'category' must be one of {', '.join(POPE_SPLITS)}")
        self._counts[split] += 1
        number = name.removeprefix(f"{split}/") or str(self._counts[split])
        return f"{split}/{number}", f"{split}/{number}", "", split

    def _seedbench(self, row: Row) -> tuple[str, str, str, str]:
        name = self._name(row)
        if not name:
            raise UsageError(f"{row.where}: no question_id")
        return name, name, self._category(row), ""

    def _mmbench(self, row: Row) -> tuple[str, str, str, str]:
        name = self._name(row)
        if not name:
            raise UsageError(f"{row.where}: no index")
        head, slash, last = name.rpartition("/")
        group = f"{head}{slash}{int(last) % PASS_STEP}" if last.isdecimal() and last.isascii() else name
        return name, group, self._category(row), ""

    def _native(self, row: Row) -> tuple[str, str, str, str]:
        name = self._name(row)
        if not name:
            raise UsageError(f"{row.where}: no id (columns: {', '.join(row.values)})")
        return name, text(row.get("group")) or name, self._category(row), text(row.get("split"))


def _without_suffix(task: Task, language: Language, question: str) -> str:
    """The question without the instruction that the data carries at its end, whatever blanks stand before it.

    LLaVA-1.5's MME files have it removed; seven of MME's questions have two blanks before it.
    """
    own = task.language(language.tag).wording.strip_suffix
    suffix = own if own is not None else task.strip_suffix
    return re.sub(rf"\s*{re.escape(suffix)}\s*$", "", question) if suffix else question


def _limited(drafts: list[tuple[Sample, Row]], limit: int | None) -> list[tuple[Sample, Row]]:
    if limit is None:
        return drafts
    sizes: dict[str, int] = defaultdict(int)
    strata: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for sample, _ in drafts:
        sizes[sample.group] += 1
        strata[sample.category, sample.split].setdefault(sample.group)
    kept: set[str] = set()
    count = 0
    # In turn from every subtask, type and split, so that a small limit still has all parts of the headline score.
    # A larger limit keeps all that a smaller one kept: a run folder grows by it.
    for group in (group for turn in zip_longest(*strata.values()) for group in turn if group is not None):
        if count >= limit:
            break
        kept.add(group)
        count += sizes[group]
    return [(sample, row) for sample, row in drafts if sample.group in kept]


def _with_images(sample: Sample, row: Row, column: str | None, read: bool) -> Sample:
    refs = image_refs(row, column, read)
    if not read:
        return replace(sample, images=refs)
    hashes = [ref.sha256 for ref in refs if ref.sha256 is not None]
    if row.get("cluster") is not None:
        # Its layout knows what belongs together: pictures that recur in other pairs.
        cluster = sample.cluster
    elif len(hashes) < len(refs):
        cluster = " ".join(ref.uri for ref in refs)
    else:
        cluster = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    return replace(sample, images=refs, cluster=cluster)
