"""run.json: everything needed to repeat a run, and what must stay the same while a folder grows."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError, UsageError
from lrm_eval.runs.codec import dumps_line, sample_to_dict
from lrm_eval.runs.files import sha256_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lrm_eval.runs.plan import PlannedCell
    from lrm_eval.tasks import Task
    from lrm_eval.translation.packfile import Card

SCHEMA = 1
_SHOWN_DIFFERENCES = 8
_HASH = re.compile(r"((?:sha256:)?)([0-9a-f]{40,})")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that a folder was made with and that is otherwise now."""

    what: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.what}: {self.old} → {self.new}"


def check_manifest(path: Path, data: Any) -> dict[str, Any]:
    """The content of a run.json, its shape checked as far as everything else relies on it.

    Raises:
        RunError: it is another file, damaged by hand, or of a newer version.
    """
    if not isinstance(data, dict):
        raise RunError(f"{path}: not a JSON object")
    schema = data.get("schema", SCHEMA)
    if schema != SCHEMA:
        raise RunError(
            f"{path}: schema {schema}, this version of lrm-eval knows {SCHEMA}: use the version that made it"
        )
    model = data.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("name"), str):
        raise _not_a_run(path, "no model with a name")
    tasks, cells = data.get("tasks", {}), data.get("cells", [])
    if not isinstance(tasks, dict) or not isinstance(cells, list):
        raise _not_a_run(path, "tasks or cells of another type")
    for name, task in tasks.items():
        if not isinstance(task, dict) or not isinstance(task.get("benchmark"), str):
            raise _not_a_run(path, f"task {name!r} has no benchmark")
    for cell in cells:
        words = ("task", "language", "condition")
        whole = isinstance(cell, dict) and all(isinstance(cell.get(word), str) for word in words)
        if not whole or not isinstance(cell.get("planned"), int):
            raise _not_a_run(path, "a cell without task, language, condition or number of questions")
    return data


def _not_a_run(path: Path, why: str) -> RunError:
    return RunError(
        f"{path}: not what `lrm-eval run` writes ({why}); restore it, or give `--out` another folder and run again"
    )


def plain_json(value: Any) -> Any:
    """What the value will be once it was written to run.json and read again."""
    return json.loads(json.dumps(value, default=str))


def file_hashes(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of each file that exists, under its name with its folder (`mme/base.yaml`): no path of this machine."""
    return {f"{path.parent.name}/{path.name}": sha256_file(path) for path in paths if path.is_file()}


def describe_task(task: Task) -> dict[str, Any]:
    """A task's entry in run.json."""
    return {
        "title": task.title,
        "benchmark": task.benchmark,
        "version": task.version,
        "licence": task.licence,
        "tiny": task.tiny,
        "categories": list(task.category_order),
        "files": file_hashes(task.files),
        "dataset": plain_json(task.dataset.model_dump(mode="json")),
    }


def data_digest(planned: PlannedCell) -> str:
    """SHA-256 over what the cell's questions contain (images by content), whatever file they came from."""
    digest = hashlib.sha256()
    for request in planned.requests:
        sample = sample_to_dict(request.sample)
        sample["images"] = [image["sha256"] for image in sample["images"]]
        digest.update(dumps_line(sample))
    return digest.hexdigest()


def report_to(task: Task, pack: Path | None, card: Card | None) -> str:
    """Where a mistake in the questions of one language is reported."""
    if pack is None:
        # The tiny tasks have the form of their benchmark, and questions of our own.
        return f"the issues of lrm-eval, with {task.name} and the question's id" if task.tiny else task.homepage
    if card is not None and card.contact:
        return card.contact
    if pack.is_relative_to(task.folder):
        return f"the issues of lrm-eval, with {task.name}/{pack.name} and the question's id"
    return "whoever made the pack (its card names no contact)"


def training_facts(checkpoint: Path | None) -> dict[str, Any]:
    """What a checkpoint's training.json says it stands for in the paper's tables; nothing if it does not.

    Its key `table` holds `variant` (a line of table 3), `language_model` and `instructions` (table 4), and
    `non_english_percent` (figure 6); a checkpoint whose makers say nothing of it stands in none of them.
    """
    if checkpoint is None:
        return {}
    try:
        told = json.loads((checkpoint / "training.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    table = told.get("table") if isinstance(told, dict) else None
    return {"training": plain_json(table)} if isinstance(table, dict) and table else {}


def describe_cell(planned: PlannedCell) -> dict[str, Any]:
    """A cell's entry in run.json; `revision` is the commit of the hub's data set that was read."""
    from lrm_eval.data import hub
    from lrm_eval.data.fields import ENGLISH
    from lrm_eval.data.packs import find_pack
    from lrm_eval.translation.packfile import read_card

    cell = planned.cell
    task = planned.task
    language = task.language(cell.language)
    pack, revision = None, None
    if planned.source is None:
        fetched = hub.fetched(task.dataset_of(cell.language))
        revision = None if fetched is None else fetched.revision
    if cell.language != ENGLISH and language.dataset is None:
        pack = find_pack(task, cell.language)
    # The card tells of the pack that was read, the task's YAML of the one that it was written beside.
    card = None if pack is None else read_card(pack)
    return {
        "task": cell.task,
        "language": cell.language,
        "condition": cell.condition,
        "planned": len(planned.requests),
        "limit": planned.limit,
        "pack": {} if pack is None else file_hashes([pack]),
        "revision": revision,
        "source": None if planned.source is None else str(planned.source),
        "provenance": language.provenance if card is None else card.provenance,
        "report_to": report_to(task, pack, card),
        "images": len({image.sha256 for request in planned.requests for image in request.sample.images}),
        "data_sha256": data_digest(planned),
    }


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def short(value: Any) -> str:
    """A value as it is shown in a message: hashes and long texts cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    hashed = _HASH.fullmatch(text)
    if hashed:
        return f"{hashed[1]}{hashed[2][:12]}…"
    return text if len(text) <= 60 else f"{text[:59]}…"


def compare(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[Difference]:
    """The leaves in which two JSON objects differ."""
    before, after = dict(_flat(dict(old), prefix)), dict(_flat(dict(new), prefix))
    absent = "(not set)"
    found = []
    for name in dict.fromkeys([*before, *after]):
        # An empty mapping is no leaf where the other side has something in it.
        inner = any(other.startswith(f"{name}.") for other in (*before, *after))
        if not inner and before.get(name, absent) != after.get(name, absent):
            found.append(Difference(name, short(before.get(name, absent)), short(after.get(name, absent))))
    return found


def settings_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """What a command asks otherwise than the folder was made with, as far as run.json tells.

    New tasks, languages and a larger `--limit` are growth and no difference; a smaller one is one, for the folder
    holds more than was asked for and its scores would be over all of it.
    """
    found = model_differences(old["model"], new["model"], ("name", "adapter"))
    found += compare({"seed": old.get("seed")}, {"seed": new.get("seed")})
    found += compare({"gen_kwargs": old.get("gen_kwargs")}, {"gen_kwargs": new.get("gen_kwargs")})
    for name, task in new["tasks"].items():
        before = old.get("tasks", {}).get(name)
        if before is not None:
            keys = ("benchmark", "version")
            found += compare({key: before[key] for key in keys}, {key: task[key] for key in keys}, name)
    known = {(cell["task"], cell["language"], cell["condition"]): cell for cell in old.get("cells", [])}
    for cell in new["cells"]:
        before = known.get((cell["task"], cell["language"], cell["condition"]))
        if before is not None and cell["planned"] < before["planned"]:
            what = f"questions of {cell['task']} {cell['language']} (--limit)"
            found.append(Difference(what, str(before["planned"]), str(cell["planned"])))
    return found


def model_differences(
    old: Mapping[str, Any], new: Mapping[str, Any], keys: Sequence[str] = ("name", "adapter", "fingerprint")
) -> list[Difference]:
    """In what the model of a folder differs from the one asked for; its fingerprint is known once it is loaded."""
    return compare({key: old.get(key) for key in keys}, {key: new.get(key) for key in keys}, "model")


def refuse(folder: Path, differences: list[Difference]) -> None:
    """Raise if there is any difference.

    Raises:
        UsageError: lists the differences, old → new, and what to do.
    """
    if not differences:
        return
    shown = "; ".join(str(difference) for difference in differences[:_SHOWN_DIFFERENCES])
    more = len(differences) - _SHOWN_DIFFERENCES
    tail = f"; and {more} more" if more > 0 else ""
    raise UsageError(
        f"{folder} was made otherwise ({shown}{tail}): answers of both would be mixed. "
        "Give `--out` another folder, or go back to what it was made with"
    )


def grow(old: Mapping[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """The new run.json: this command's facts, over the tasks, languages and cells of all commands so far.

    The facts of earlier commands (argv, versions, environment, code, times) move to `history`.
    """
    if old is None:
        return {**new, "history": []}
    merged = dict(new)
    merged["tasks"] = dict(sorted({**old.get("tasks", {}), **new["tasks"]}.items()))
    merged["conditions"] = {**old.get("conditions", {}), **new.get("conditions", {})}
    merged["languages"] = list(dict.fromkeys([*old.get("languages", []), *new["languages"]]))
    cells = {
        (cell["task"], cell["language"], cell["condition"]): cell for cell in [*old.get("cells", []), *new["cells"]]
    }
    merged["cells"] = [cells[key] for key in sorted(cells)]
    merged["history"] = [*old.get("history", []), old.get("command", {})]
    return merged
