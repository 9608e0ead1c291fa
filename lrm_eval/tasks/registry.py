"""Finding tasks: the bundled folders and those of `--include-path`.

A folder with a `base.yaml` is a task; its name is the folder's. An included folder of a built-in task's
name may add languages and packs to it, but never replace anything: a score called `mme` is always MME.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from lrm_eval import resources
from lrm_eval.errors import UsageError, unknown
from lrm_eval.tasks.model import ENGLISH, Task, TaskLanguage, TaskSpec
from lrm_eval.tasks.yamlfile import read_yaml, validate

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE = "base.yaml"
# Folders of an include path for presets of models and for languages; unless they have a base.yaml they are no tasks.
NO_TASKS = ("models", "languages")
_SHOWN_FIRST = (
    *("mme", "pope", "seedbench", "mmbench"),
    *("tiny-mme", "tiny-pope", "tiny-seedbench", "tiny-mmbench"),
    *("cvqa", "cvqa-en", "marvl", "marvl-stacked", "m5-vgr", "xm3600"),
)


def task_names(include_paths: Sequence[str | Path] = ()) -> list[str]:
    """Names of all tasks, the built-in ones first. Reads no YAML.

    Raises:
        UsageError: an include path does not exist, or a task is defined twice.
    """
    return list(_folders(tuple(Path(path) for path in include_paths)))


def load_task(name: str, include_paths: Sequence[str | Path] = ()) -> Task:
    """Read one task with all its languages.

    Raises:
        UsageError: unknown name (with the nearest one), or a mistake in a YAML (with file and line).
    """
    included = tuple(Path(path) for path in include_paths)
    folders = _folders(included)
    if name not in folders:
        raise unknown("task", name, folders, "lrm-eval tasks")
    bases = [folder for folder in folders[name] if (folder / BASE).is_file()]
    others = [folder for folder in folders[name] if folder not in bases]
    return _load(name, bases[0], tuple(others), tuple(_fingerprint(folder) for folder in folders[name]))


def list_tasks(include_paths: Sequence[str | Path] = ()) -> list[Task]:
    """All tasks with all their languages, the built-in ones first.

    Raises:
        UsageError: as `load_task`.
    """
    return [load_task(name, include_paths) for name in task_names(include_paths)]


def _folders(included: tuple[Path, ...]) -> dict[str, list[Path]]:
    """Task name -> its folders: the one with base.yaml and those that add to it."""
    found: dict[str, list[Path]] = {}
    for folder in _task_folders(resources.tasks_dir()):
        found[folder.name] = [folder]
    builtin = set(found)
    if included:
        from lrm_eval import languages

        # An included task may be in an included language, so languages come first.
        languages.include(included)
    for path in included:
        if not path.is_dir():
            raise UsageError(f"--include-path {path}: no such folder")
        candidates = [path] if (path / BASE).is_file() else sorted(item for item in path.iterdir() if item.is_dir())
        for folder in (item.resolve() for item in candidates):
            if (folder / BASE).is_file():
                if folder.name in builtin:
                    raise UsageError(
                        f"{folder / BASE}: {folder.name!r} is a built-in task and cannot be replaced: rename the "
                        f"folder and its 'name', or remove {BASE} to add languages to it"
                    )
                if any((other / BASE).is_file() for other in found.get(folder.name, ())):
                    raise UsageError(f"{folder / BASE}: task {folder.name!r} is already in {found[folder.name][0]}")
                found.setdefault(folder.name, []).insert(0, folder)
            elif folder.name in NO_TASKS:
                continue
            elif any(folder.glob("*.yaml")) or (folder / "packs").is_dir():
                found.setdefault(folder.name, []).append(folder)
    for name, folders in found.items():
        if not any((folder / BASE).is_file() for folder in folders):
            raise UsageError(f"{folders[0]}: no {BASE}, and no task {name!r} that it could add languages to")
    rank = {name: position for position, name in enumerate(_SHOWN_FIRST)}
    return dict(sorted(found.items(), key=lambda item: (rank.get(item[0], len(rank)), item[0])))


def _task_folders(root: Path) -> list[Path]:
    if not root.is_dir():
        raise UsageError(f"{root}: the task folder of this installation is missing; install lrm-eval again")
    return sorted(folder for folder in root.iterdir() if (folder / BASE).is_file())


def _fingerprint(folder: Path) -> tuple[tuple[str, int, int], ...]:
    stats = ((path.name, path.stat()) for path in sorted(folder.glob("*.yaml")))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


@lru_cache(maxsize=256)
def _load(name: str, folder: Path, additions: tuple[Path, ...], fingerprint: object) -> Task:
    base = folder / BASE
    document = read_yaml(base)
    spec = validate(document, TaskSpec)
    if spec.name != name:
        raise UsageError(f"{document.where(('name',))}: name {spec.name!r} differs from its folder {name!r}")
    languages: dict[str, TaskLanguage] = {}
    files = [base]
    for origin in (folder, *additions):
        for path in sorted(item for item in origin.glob("*.yaml") if item.name != BASE):
            tag = _canonical(path)
            if tag in languages:
                raise UsageError(f"{path}: task {name!r} has {tag!r} already and it cannot be replaced")
            languages[tag] = validate(read_yaml(path), TaskLanguage)
            files.append(path)
    if ENGLISH not in languages and not spec.native:
        raise UsageError(f"{folder}: no {ENGLISH}.yaml; English is the language every task starts from")
    if spec.native and not all(language.dataset for language in languages.values()):
        bare = next(tag for tag, language in languages.items() if not language.dataset)
        raise UsageError(
            f"{folder / bare}.yaml: a native task has data of its own in every language: add `dataset: {{}}`"
        )
    ordered = {tag: languages[tag] for tag in sorted(languages, key=lambda tag: (tag != ENGLISH, tag))}
    packs = tuple(origin / "packs" for origin in additions)
    fields = {key: getattr(spec, key) for key in TaskSpec.model_fields}
    return Task(**fields, languages=ordered, files=tuple(files), folder=folder, pack_dirs=packs)


def _canonical(path: Path) -> str:
    if path.parent.parent == resources.tasks_dir():
        return path.stem  # the bundled names are canonical: tests/tasks checks every one
    from lrm_eval.languages import get

    try:
        language = get(path.stem)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    if language.tag != path.stem:
        raise UsageError(f"{path}: write {language.name} as {language.tag!r}: rename it to {language.tag}.yaml")
    return path.stem
