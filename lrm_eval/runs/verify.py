"""`lrm-eval verify`: is what a folder says still what follows from its responses?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.errors import LrmEvalError
from lrm_eval.runs import environment
from lrm_eval.runs.check import Check
from lrm_eval.runs.derive import walk
from lrm_eval.runs.files import sha256_file
from lrm_eval.runs.folder import Cell, RunFolder
from lrm_eval.runs.verify_data import check_questions
from lrm_eval.runs.verify_scores import check_readings, check_scores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lrm_eval.types import Reading, Rules


def verify(folder: RunFolder) -> list[Check]:
    """Derive everything again and compare; compare questions and hashes with run.json and with the installed tasks.

    Nothing is written. Files of tasks and code that changed since the run are worth knowing, not wrong: what counts
    is that today's code gets the same scores from the responses, and that the questions are the task's.
    """
    try:
        manifest = folder.manifest()
        checks = [
            *_state(folder, manifest),
            *_responses(folder, manifest),
            *check_questions(folder, manifest),
            *_derived(folder, manifest),
        ]
    except LrmEvalError as error:
        return [Check("readable", False, str(error))]
    return [*checks, *_sources(manifest)]


def _state(folder: RunFolder, manifest: Mapping[str, Any]) -> list[Check]:
    there = set(folder.cells())
    missing = [str(cell) for cell in folder.planned() if cell not in there]
    state = manifest.get("command", {}).get("state")
    checks = [Check("last command", state == "finished", str(state))]
    if missing:
        checks.append(Check("cells", False, f"planned and not there: {', '.join(missing)}"))
    return checks


def _responses(folder: RunFolder, manifest: Mapping[str, Any]) -> list[Check]:
    told = {Cell(entry["task"], entry["language"], entry["condition"]) for entry in manifest.get("cells", [])}
    # Answers that run.json knows nothing of have no hash to be held against.
    checks = [
        Check(f"responses of {cell}", False, "not among the cells of run.json")
        for cell in sorted(set(folder.cells()) - told)
    ]
    for entry in manifest.get("cells", []):
        cell = Cell(entry["task"], entry["language"], entry["condition"])
        path = folder.responses_path(cell)
        if not path.is_file():
            continue
        recorded = entry.get("responses_sha256")
        same = recorded is not None and sha256_file(path) == recorded
        detail = "" if same else "no hash yet: the run is not finished" if recorded is None else "changed since the run"
        checks.append(Check(f"responses of {cell}", same, detail))
    return checks


def _derived(folder: RunFolder, manifest: Mapping[str, Any]) -> list[Check]:
    checks: list[Check] = []
    same_code = _rules_code(manifest) == environment.code_hashes().get("rules")

    def compare(cell: Cell, rules: Rules, readings: dict[str, Reading]) -> None:
        checks.append(check_readings(folder, cell, rules, readings, same_code))

    derived = walk(folder, compare)
    for cell, (answered, planned) in derived.unfinished.items():
        checks.append(Check(f"answers of {cell}", False, f"{answered} of {planned}"))
    for cell, errors in derived.errors.items():
        checks.append(Check(f"answers of {cell}", None, f"{errors} are errors"))
    return [*checks, *check_scores(folder, derived.scores, same_code)]


def _rules_code(manifest: Mapping[str, Any]) -> str | None:
    """Hash of the code that made the readings and scores on disk: that of `rescore` if there was one."""
    for part in ("rescored", "command"):
        told = manifest.get(part)
        if isinstance(told, dict) and isinstance(told.get("code_sha256"), dict):
            found = told["code_sha256"].get("rules")
            return None if found is None else str(found)
    return None


def _sources(manifest: Mapping[str, Any]) -> list[Check]:
    from lrm_eval.runs.manifest import describe_task
    from lrm_eval.tasks import load_task

    checks = []
    for name, task in manifest.get("tasks", {}).items():
        try:
            files = describe_task(load_task(name))["files"]
        except LrmEvalError:
            checks.append(Check(f"files of task {name}", None, "not installed here"))
            continue
        changed = sorted(path for path, digest in task["files"].items() if files.get(path) != digest)
        if changed:
            checks.append(Check(f"files of task {name}", None, f"changed since the run: {', '.join(changed)}"))
    code = manifest.get("command", {}).get("code_sha256", {})
    now = environment.code_hashes()
    checks += [
        Check(f"code of {part}", None, "another than the run's")
        for part, digest in now.items()
        if code.get(part) != digest
    ]
    return checks
