"""A language pack from a table that somebody translated. Every mistake is found, not only the first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from lrm_eval.data.fields import LETTERS, field, gold_of, is_none, language_of, text
from lrm_eval.data.packs import PackRow
from lrm_eval.data.rows import is_missing, read_rows
from lrm_eval.data.sources import POPE_SPLITS
from lrm_eval.errors import UsageError, nearest, unknown
from lrm_eval.tasks.model import Provenance
from lrm_eval.translation.english import first_pass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lrm_eval.data.rows import Row
    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Dataset, Task
    from lrm_eval.types import Sample

_SHORT: dict[str, str] = {
    "human": "human-translated",
    "human-localized": "human-translated and localized",
    "machine": "machine-translated",
    "machine-verified": "machine-translated and verified",
    "machine-localized": "machine-translated and localized",
    "lm": "LM-generated",
    "lm-verified": "LM-generated and verified",
}
_ID_COLUMNS = ("id", "index", "question_id")
_QUESTION_COLUMNS = ("question", "text", "prompt")


def provenance_of(name: str) -> str:
    """One of mteb's terms, typed in full or short ("human", "machine-verified").

    Raises:
        UsageError: another word.
    """
    full: tuple[str, ...] = get_args(Provenance)
    by_fold = {term.casefold(): term for term in full}
    found = _SHORT.get(name.casefold()) or by_fold.get(name.casefold())
    if found is None:
        raise unknown("provenance", name, [*_SHORT, "found", "created"])
    return found


@dataclass(frozen=True, slots=True)
class Imported:
    """What a table holds.

    Attributes:
        rows: sample id -> line of a pack, of the rows without a mistake.
        problems: one line for each mistake, with file and row.
        skipped: rows in other languages.
        strangers: rows with an id that the English data has not, where a part is enough.
    """

    rows: Mapping[str, PackRow]
    problems: tuple[str, ...]
    skipped: int
    strangers: int = 0


def import_tables(
    task: Task,
    language: Language,
    files: Sequence[Path],
    english: Sequence[Sample],
    provenance: str,
    later: bool = True,
    part: bool = False,
) -> Imported:
    """Read translated tables against the English data.

    Args:
        task: the task.
        language: language of the texts.
        files: JSONL, JSON, TSV, CSV or parquet with an id, a question and, where the task has them, options (a list, or
            columns A, B, ...) and a hint. POPE's three files are told apart by their names.
        english: all English samples.
        provenance: one of mteb's terms.
        later: whether later passes of a circular group are taken; without, they are turned from the first.
        part: whether rows of other ids are left out without a word: translations of another revision have them.

    Raises:
        UsageError: a file that cannot be read at all, or without any row in the language.
    """
    by_id = {sample.id: sample for sample in english}
    rows: dict[str, PackRow] = {}
    problems: list[str] = []
    skipped = taken = strangers = 0
    for file in files:
        split = next((name for name in POPE_SPLITS if name in file.stem.lower()), "")
        for row in read_rows(file, split if task.benchmark == "pope" else ""):
            if language_of(row, language.tag) != language.tag:
                skipped += 1
                continue
            taken += 1
            try:
                sample = _sample_of(task, row, by_id, optional=part)
                if sample is None:
                    strangers += 1
                    continue
                if not later and first_pass(sample, by_id) is not None:
                    continue
                made = _pack_row(task, language, row, sample, provenance)
                if made.id in rows:
                    raise UsageError(f"{row.where}: id {made.id!r} is given twice (first in {rows[made.id].where})")
                rows[made.id] = made
            except UsageError as error:
                problems.append(str(error))
    if not taken:
        names = ", ".join(file.name for file in files)
        other = f"; {skipped} rows are in other languages" if skipped else ""
        raise UsageError(f"{names}: no rows in {language.name} ({language.tag}){other}")
    return Imported(rows, tuple(problems), skipped, strangers)


def _sample_of(task: Task, row: Row, by_id: Mapping[str, Sample], optional: bool) -> Sample | None:
    given = text(field(row, "id", task.dataset) or row.get(*_ID_COLUMNS)).strip()
    if not given:
        raise UsageError(f"{row.where}: no id (columns: {', '.join(row.values)}; looked for {', '.join(_ID_COLUMNS)})")
    names = [given, f"{task.name}/{given}", f"{task.name}/{given.removeprefix(f'{task.benchmark}/')}"]
    if task.benchmark == "pope":
        split = text(row.get("split", "category")).strip().lower() or row.split
        names.append(f"{task.name}/{split}/{given}")
    for name in names:
        if name in by_id:
            return by_id[name]
    if optional:
        return None
    close = nearest(names[-1], by_id, count=1)
    hint = f"; did you mean {close[0]!r}?" if close else f"; ids look like {next(iter(by_id))!r}"
    raise UsageError(f"{row.where}: no sample has the id {given!r}{hint}")


def _pack_row(task: Task, language: Language, row: Row, sample: Sample, provenance: str) -> PackRow:
    question = text(field(row, "question", task.dataset) or row.get(*_QUESTION_COLUMNS)).strip()
    if not question:
        close = nearest("question", row.values, count=1)
        hint = f"; did you mean the column {close[0]!r}?" if close and close[0] != "question" else ""
        raise UsageError(f"{row.where}: no question (columns: {', '.join(row.values)}){hint}")
    own = task.language(language.tag).wording.strip_suffix
    for suffix in (own, task.strip_suffix):
        if suffix and question.endswith(suffix.strip()):
            question = question.removesuffix(suffix.strip()).rstrip()
    options = _options(row, sample, task.dataset)
    hint_cell = field(row, "hint", task.dataset)
    hint_text = "" if is_none(hint_cell) else text(hint_cell).strip()
    if bool(hint_text) != bool(sample.hint.strip()):
        here, there = ("no hint", "one") if sample.hint.strip() else ("a hint", "none")
        raise UsageError(f"{row.where}: {here}, but the English question has {there} ({sample.id})")
    _check_answer(row, language, sample, options, task.dataset)
    return PackRow(sample.id, question, options, hint_text, provenance, row.where)


def _options(row: Row, sample: Sample, dataset: Dataset) -> tuple[str, ...]:
    """Option texts in the English order. How many there are is known: a cell that says "None" may be an option."""
    if not sample.options:
        return ()
    wanted = len(sample.options)
    given = row.get("options")
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise UsageError(f"{row.where}: 'options' is no JSON list of texts") from None
    if given is None:
        cells = [field(row, letter, dataset) for letter in LETTERS]  # type: ignore[arg-type]
        while len(cells) > wanted and is_none(cells[-1]):
            cells.pop()
    elif isinstance(given, list | tuple):
        cells = list(given)
    else:
        raise UsageError(f"{row.where}: 'options' must be a list of texts")
    for label, cell, english in zip(sample.labels, cells, sample.options, strict=False):
        if is_missing(cell):
            raise UsageError(f"{row.where}: option {label} is empty, in English it is {english!r} ({sample.id})")
        if not isinstance(cell, str | int | float):
            raise UsageError(f"{row.where}: option {label} is no text")
    if len(cells) != wanted:
        raise UsageError(f"{row.where}: {len(cells)} options, but {sample.id!r} has {wanted} in English")
    return tuple(text(cell).strip() for cell in cells)


def _check_answer(row: Row, language: Language, sample: Sample, options: tuple[str, ...], dataset: Dataset) -> None:
    """Right answers are always the original's; a table that has others moved something."""
    answer = field(row, "answer", dataset)
    # Translated labels of yes/no data are often machine output themselves: the English ones count, unsaid.
    if answer is None or sample.kind != "option":
        return
    gold = gold_of(answer, language, sample.labels, options)
    if gold in sample.labels and gold != sample.gold:
        raise UsageError(f"{row.where}: the right answer is {gold}, but in English {sample.gold} ({sample.id})")
