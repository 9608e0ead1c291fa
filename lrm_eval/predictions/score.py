"""From prediction files to score rows: what `lrm-eval score` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError
from lrm_eval.predictions import choices, lmms_eval, mme, pope, run_folder, vlmevalkit
from lrm_eval.predictions.model import Predictions
from lrm_eval.predictions.table import first_line
from lrm_eval.scorers.mme import COGNITION, PERCEPTION
from lrm_eval.scorers.scoring import BENCHMARKS, rows, with_notes
from lrm_eval.types import Item

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.languages import Language
    from lrm_eval.types import Rules, ScoreRow

DEFAULT_LANGUAGE = "en"
_TABLES = (".xlsx", ".tsv", ".csv")


def _canonical(language: Language | str | None) -> str | None:
    if language is None or not isinstance(language, str):
        return language.tag if language is not None else None
    from lrm_eval.languages import get

    return get(language).tag


def benchmark_of(task: str) -> tuple[str, tuple[str, ...] | None]:
    """The benchmark that scores a task, and the categories that the task declares (None: the benchmark's own).

    Raises:
        UsageError: unknown task.
    """
    if task in BENCHMARKS:
        return task, None
    from lrm_eval.tasks import load_task

    known = load_task(task)
    return known.benchmark, known.category_order or None


def read_predictions(
    task: str,
    path: Path,
    labels: Path | None = None,
    language: Language | str | None = None,
    data: Path | None = None,
) -> list[Predictions]:
    """Read answers in any of the formats of `lrm-eval score`; which one it is, the path and the first row tell.

    Args:
        task: task name, e.g. `pope` or `tiny-pope`.
        path: file or folder.
        labels: POPE's labels, file or folder.
        language: of questions and answers; None: English, for a run folder all its languages.
        data: the task's local data, needed for lmms-eval's logs.

    Returns:
        One entry, or for a run folder one per language and condition.

    Raises:
        UsageError: unknown task or language; no such file; a file that is none of the formats or is malformed.
    """
    benchmark, declared = benchmark_of(task)
    tag = _canonical(language)
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    if labels is not None and not labels.exists():
        raise UsageError(f"{labels}: no such file or folder")
    if labels is not None and benchmark != "pope":
        raise UsageError(f"--labels is for POPE; {task} predictions hold their gold answers themselves")
    if run_folder.is_run(path):
        return run_folder.read_run(path, task, tag)
    first = first_line(path) if path.is_file() and path.suffix.lower() not in (*_TABLES, ".txt") else None
    if first is not None and run_folder.is_responses(first):
        return [run_folder.read_responses(path)]
    tag = tag or DEFAULT_LANGUAGE
    if first is not None and lmms_eval.is_samples(first):
        if data is None:
            raise UsageError(
                f"{path}: samples of lmms-eval hold no questions: add --data with the data they were made on"
            )
        from lrm_eval.data import load_samples
        from lrm_eval.interop.lmms_samples import is_export, read_exported
        from lrm_eval.languages import get
        from lrm_eval.tasks import load_task

        if is_export(data):
            exported = read_exported(path, data)
            if exported.task.task != task:
                raise UsageError(f"{path}: answers to {exported.task.task}, not to {task}")
            return [Predictions(exported.pairs, exported.task.language)]
        samples = load_samples(load_task(task), get(tag), source=data, images=False)
        return [Predictions(tuple(lmms_eval.read_lmms_eval(path, samples)), tag)]
    notes: tuple[str, ...] = ()
    is_table = path.suffix.lower() in _TABLES
    if benchmark == "mme":
        pairs = (
            vlmevalkit.read_mme_table(path, task, tag)
            if is_table
            else mme.read_mme(path, task, tag, declared or PERCEPTION + COGNITION)
        )
    elif benchmark == "pope":
        pairs = vlmevalkit.read_pope_table(path, task, tag) if is_table else pope.read_pope(path, labels, task, tag)
    elif benchmark == "mmbench":
        pairs = choices.read_mmbench(path, task, tag)
    elif benchmark == "seedbench":
        pairs, notes = choices.read_seedbench(path, task, tag)
    else:
        raise UsageError(
            f"{path}: answers to {task} are read from a run folder, its responses file, or lmms-eval's samples "
            "with --data"
        )
    if not any(sample.cluster for sample, _ in pairs):
        notes = (*notes, "the file names no images: every question counts as one")
    return [Predictions(tuple(pairs), tag, notes=notes)]


def score_predictions(
    task: str,
    path: Path,
    labels: Path | None = None,
    language: Language | str | None = None,
    rules: Rules = "multilingual",
    data: Path | None = None,
) -> list[ScoreRow]:
    """Score answers that exist already.

    Args:
        task: task name, e.g. `pope` or `tiny-pope`.
        path: file or folder in one of the formats of `lrm-eval score`.
        labels: POPE's labels, file or folder.
        language: of questions and answers; None: English, for a run folder all its languages.
        rules: "official" or "multilingual".
        data: the task's local data, needed for lmms-eval's logs.

    Returns:
        The rows of the asked rules. `model` is the name in run.json, else the file's or folder's own.

    Raises:
        UsageError: see `read_predictions`.
    """
    from lrm_eval import answers
    from lrm_eval.fidelity import with_language

    benchmark, declared = benchmark_of(task)
    model = run_folder.model_name(path) if run_folder.is_run(path) else path.stem or path.resolve().name
    found: list[ScoreRow] = []
    for part in read_predictions(task, path, labels, language, data):
        items = [
            Item(
                sample,
                response,
                with_language(answers.read(benchmark, sample, response, rules), sample, response, part.condition),
            )
            for sample, response in part.pairs
        ]
        scored = rows(model, task, benchmark, part.language, part.condition, rules, items, declared=declared)
        found += [with_notes(row, part.notes) for row in scored]
    return found
