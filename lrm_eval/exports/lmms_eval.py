"""Tasks in lmms-eval's form: YAML and parquet that `lmms-eval --include_path` runs, with our prompts and our scores.

    DIR/export.json                    which task name means which task and language
    DIR/lrm_tiny_pope/sw.yaml          one a language, task name lrm_tiny_pope_sw
    DIR/lrm_tiny_pope/sw.parquet       its questions
    DIR/lrm_tiny_pope/images.parquet   the images of all its languages, each once
    DIR/lrm_tiny_pope/utils.py         takes its functions from lrm_eval.interop.lmms_task
    DIR/lrm_tiny_pope/group.yaml       group lrm_tiny_pope: all languages

Nothing in it is tied to this machine: the folder can be moved, and its files put into a data set repository.
Form: lmms-eval 0.7.3, lmms_eval/api/task.py and docs/task_guide.md; built-in task names win there, so ours begin with
`lrm_`.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError, UsageError
from lrm_eval.types import Item, Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lrm_eval.languages import Language
    from lrm_eval.runs.plan import PlannedCell
    from lrm_eval.tasks import Task
    from lrm_eval.types import Rules

INDEX = "export.json"
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class ExportedTask:
    """One task that lmms-eval can be asked for.

    Attributes:
        name: after `--tasks` there.
        task: our task.
        language: canonical tag.
        data: its parquet, relative to the export.
        rules: under which it is scored there.
        questions: how many.
    """

    name: str
    task: str
    language: str
    data: str
    rules: str
    questions: int


def export_lmms_eval(
    folder: Path,
    tasks: Sequence[tuple[Task, Path | None]],
    languages: Sequence[Language],
    rules: Rules = "multilingual",
    limit: int | None = None,
) -> list[ExportedTask]:
    """Write tasks in languages as lmms-eval's tasks.

    Args:
        folder: new or empty; it is there whole, or not at all.
        tasks: with local data, or None for their own.
        languages: each task in each of them.
        rules: under which the exported tasks are scored.
        limit: questions per task and language, whole groups.

    Returns:
        What can be asked for.

    Raises:
        UsageError: the folder holds something; bad data.
        RunError: data or an image that cannot be had; the disk is full.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: is not empty; name a new folder")
    made: list[ExportedTask] = []
    with _whole(folder) as staging:
        for task, source in tasks:
            made += _write_task(staging, task, source, languages, rules, limit)
        index = {"schema": _SCHEMA, "tasks": {each.name: _entry(each) for each in made}}
        (staging / INDEX).write_text(json.dumps(index, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return made


def read_index(folder: Path) -> dict[str, ExportedTask]:
    """What an export holds, by task name.

    Raises:
        UsageError: it is no export, or of a later version.
    """
    path = folder / INDEX
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != _SCHEMA:
            raise UsageError(f"{path}: schema {data['schema']}, this version of lrm-eval knows {_SCHEMA}")
        return {name: ExportedTask(name=name, **entry) for name, entry in data["tasks"].items()}
    except FileNotFoundError:
        raise UsageError(f"{folder}: no {INDEX} in it: not what `lrm-eval export lmms-eval` writes") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: not what `lrm-eval export lmms-eval` writes ({error!r})") from None


def _entry(task: ExportedTask) -> dict[str, Any]:
    return {
        "task": task.task,
        "language": task.language,
        "data": task.data,
        "rules": task.rules,
        "questions": task.questions,
    }


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A folder beside the wanted one, which takes its place when everything is written."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise RunError(f"cannot write {folder}: {error.strerror or error}") from error
    try:
        yield staging
        staging.chmod(0o755)
        if folder.is_dir():
            folder.rmdir()
        staging.replace(folder)
    except OSError as error:
        raise RunError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _write_task(
    root: Path, task: Task, source: Path | None, languages: Sequence[Language], rules: Rules, limit: int | None
) -> list[ExportedTask]:
    from lrm_eval.interop.lmms_images import FILE, write_images
    from lrm_eval.runs.plan import plan_cell

    group = f"lrm_{_identifier(task.name)}"
    folder = root / group
    folder.mkdir()
    cells = [plan_cell(task, language, source, limit) for language in languages]
    write_images(
        folder / FILE, (image for cell in cells for request in cell.requests for image in request.sample.images)
    )
    names = _metric_names(task, cells, rules)
    (folder / "utils.py").write_text(_utils(task, cells, rules, names), encoding="utf-8")
    made = []
    for cell, language in zip(cells, languages, strict=True):
        name = f"{group}_{_identifier(language.tag)}"
        _write_questions(folder / f"{language.tag}.parquet", cell)
        text = _task_yaml(name, task, language, rules, names)
        (folder / f"{language.tag}.yaml").write_text(text, encoding="utf-8")
        data = f"{group}/{language.tag}.parquet"
        made.append(ExportedTask(name, task.name, language.tag, data, rules, len(cell.requests)))
    (folder / "group.yaml").write_text(_yaml({"group": group, "task": [each.name for each in made]}), encoding="utf-8")
    return made


def _identifier(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _write_questions(path: Path, cell: PlannedCell) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from lrm_eval.interop.lmms_task import SAMPLE, row_of
    from lrm_eval.prompts import prompt_text

    text = pa.string()
    schema = pa.schema(
        [
            *((name, text) for name in ("id", "language", "prompt", "gold")),
            ("images", pa.list_(text)),
            ("max_new_tokens", pa.int64()),
            ("budget_language", text),
            (SAMPLE, text),
        ]
    )
    rows = [
        row_of(request.sample, prompt_text(request.sample), request.max_new_tokens, request.budget_language)
        for request in cell.requests
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema), path)


def _declared(task: Task, cells: Sequence[PlannedCell]) -> list[str] | None:
    """As `lrm_eval.scorers.rows` has it: the task's own categories, or those present in a task of another name."""
    if task.category_order or task.name == task.benchmark:
        return list(task.category_order) or None
    return list(dict.fromkeys(request.sample.category for cell in cells for request in cell.requests))


def _metric_names(task: Task, cells: Sequence[PlannedCell], rules: Rules) -> list[str]:
    """Names of the metrics, the primary one first: which there are, the questions decide and not the answers."""
    from lrm_eval import answers, scorers

    names: dict[str, None] = {}
    for cell in cells:
        items = []
        for request in cell.requests:
            response = Response(key=request.key)
            items.append(Item(request.sample, response, answers.read(task.benchmark, request.sample, response, rules)))
        names |= dict.fromkeys(m.name for m in scorers.metrics(task.benchmark, items, rules, _declared(task, cells)))
    return list(names)


def _function(place: int, name: str) -> str:
    return f"metric_{place}_{_identifier(name)}"


def _utils(task: Task, cells: Sequence[PlannedCell], rules: Rules, names: Sequence[str]) -> str:
    declared = _declared(task, cells)
    lines = [
        f'"""Functions of {task.title}, written by `lrm-eval export lmms-eval`.',
        "",
        "They are lrm-eval's own: install it beside lmms-eval (pip install lrm-eval).",
        '"""',
        "",
        "from lrm_eval.interop.lmms_task import doc_to_text, here, metric, results, visuals",
        "",
        f"BENCHMARK, RULES = {task.benchmark!r}, {rules!r}",
        f"DECLARED = {declared!r}",
        f"METRICS = {list(names)!r}",
        "",
        "doc_to_visual = visuals(here(__file__))",
        "process_results = results(BENCHMARK, RULES, METRICS)",
        *(
            f"{_function(place, name)} = metric(BENCHMARK, RULES, DECLARED, {name!r})"
            for place, name in enumerate(names)
        ),
        "",
    ]
    return "\n".join(lines)


def _task_yaml(name: str, task: Task, language: Language, rules: Rules, names: Sequence[str]) -> str:
    from lrm_eval import __version__

    config: dict[str, Any] = {
        "task": name,
        "task_alias": f"{task.title}, {language.name}",
        "dataset_path": "parquet",
        "dataset_kwargs": {"data_files": {"test": f"{language.tag}.parquet"}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_visual": _Function("utils.doc_to_visual"),
        "doc_to_text": _Function("utils.doc_to_text"),
        "doc_to_target": "gold",
        # `until` empty: without it lmms-eval would end an answer at its first blank line.
        "generation_kwargs": {
            "max_new_tokens": task.max_new_tokens,
            "do_sample": False,
            "temperature": 0,
            "num_beams": 1,
            "until": [],
        },
        "process_results": _Function("utils.process_results"),
        "metric_list": [
            {
                "metric": metric,
                "aggregation": _Function(f"utils.{_function(place, metric)}"),
                "higher_is_better": True,
            }
            for place, metric in enumerate(names)
        ],
        "metadata": {"version": task.version, "rules": rules, "lrm_eval": __version__, "language": language.tag},
    }
    return _yaml(config)


class _Function(str):
    """A name that stands in YAML as `!function name`."""

    __slots__ = ()


def _yaml(config: Mapping[str, Any]) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    Dumper.add_representer(_Function, lambda dumper, name: dumper.represent_scalar("!function", str(name)))
    text: str = yaml.dump(dict(config), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text
