"""Language packs: the question text of a task in another language.

A pack is JSON lines {"id", "question", "options", "hint", "provenance"}; ids, images and gold answers stay those
of the English data. The options of a CircularEval question may be given for its first pass only: they are turned for
the other passes by the English option texts, so that an option is translated once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from lrm_eval import resources
from lrm_eval.data.places import packs_dir
from lrm_eval.data.rows import json_object, not_utf8
from lrm_eval.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lrm_eval.tasks.model import Task
    from lrm_eval.types import Sample

PATTERNS = "patterns"
_LEXICON = "lexicon"
_KEYS = ("id", "question", "options", "hint", "provenance")


@dataclass(frozen=True, slots=True)
class PackRow:
    """One line of a pack.

    Attributes:
        id: id of the sample it words.
        question: the question, without options and format instruction.
        options: option texts, in the order of the English ones; empty for yes/no.
        hint: context before the question; "" where the English one has none.
        provenance: how this text came to be.
        where: `file:line`.
    """

    id: str
    question: str
    options: tuple[str, ...]
    hint: str
    provenance: str
    where: str


def pack_command(task: str, tag: str) -> str:
    """The command that builds a pack."""
    return f"lrm-eval data build {task} --lang {tag}"


def pack_paths(task: Task, tag: str) -> tuple[Path, ...]:
    """Where a language's pack may lie, the first that exists counts: include paths, the user's folder, the bundle."""
    name = task.language(tag).pack or f"{tag}.jsonl"
    return tuple(folder / name for folder in (*task.pack_dirs, packs_dir() / task.name, task.folder / "packs"))


def find_pack(task: Task, tag: str) -> Path | None:
    """The pack of a task in a language, or None if there is none."""
    return next((path for path in pack_paths(task, tag) if path.is_file()), None)


def lexicon_paths(task: Task, name: str, owner: str = "") -> tuple[Path, ...]:
    """Where a lexicon may lie, by which the questions of a task are worded; the first that exists counts.

    Args:
        task: the task.
        name: a language's tag, or `PATTERNS` for the English wordings.
        owner: another task beside this one that holds it; "" = the task itself.
    """
    homes = [*(folder.parent for folder in task.pack_dirs), task.folder]
    if owner:
        homes = [*(home.parent / owner for home in homes), resources.tasks_dir() / owner]
    return tuple(home / _LEXICON / f"{name}.yaml" for home in homes)


def has_lexicon(task: Task, tag: str) -> bool:
    """Whether a pack in a language can be made by template, without a translator."""
    return any(path.is_file() for path in lexicon_paths(task, tag))


def require_pack(task: Task, tag: str) -> Path:
    """The pack of a task in a language.

    Raises:
        UsageError: there is none; names the command that builds it.
    """
    path = find_pack(task, tag)
    if path is None:
        raise UsageError(
            f"task {task.name!r} has no questions in {tag!r}: language pack {pack_paths(task, tag)[-1].name} not "
            f"found; build it with `{pack_command(task.name, tag)}`"
        )
    return path


def read_pack(path: Path) -> Mapping[str, PackRow]:
    """Sample id -> its line.

    Raises:
        UsageError: malformed JSON, an unknown or missing key, an id given twice (with file and line).
    """
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, mtime: int, size: int) -> Mapping[str, PackRow]:
    rows: dict[str, PackRow] = {}
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from None
    for line, text in enumerate(content.split("\n"), 1):
        if not text.strip():
            continue
        row = _row(text, f"{path}:{line}")
        if row.id in rows:
            raise UsageError(f"{row.where}: id {row.id!r} is given twice (first in {rows[row.id].where})")
        rows[row.id] = row
    return rows


def _row(text: str, where: str) -> PackRow:
    values = json_object(text, where)
    for key in values:
        if key not in _KEYS:
            close = nearest(key, _KEYS, count=1)
            hint = f"did you mean {close[0]!r}?" if close else f"valid: {', '.join(_KEYS)}."
            raise UsageError(f"{where}: unknown key {key!r}: {hint}")
    options = values.get("options") or []
    if not isinstance(options, list) or not all(isinstance(option, str) and option.strip() for option in options):
        raise UsageError(f"{where}: 'options' must be a list of texts, none of them empty")
    for key in ("id", "question", "hint", "provenance"):
        value = values.get(key)
        needed = key in ("id", "question")
        if (needed or value is not None) and not isinstance(value, str):
            raise UsageError(
                f"{where}: {key!r} must be a text" if key in values else f"{where}: key {key!r} is missing"
            )
        if needed and not str(value).strip():
            raise UsageError(f"{where}: {key!r} is empty")
    hint = values.get("hint") or ""
    provenance = values.get("provenance") or ""
    return PackRow(values["id"], values["question"], tuple(options), hint, provenance, where)


def card_path(pack: Path) -> Path:
    """The card of a pack, which tells where its texts come from."""
    return pack.with_name(f"{pack.stem}.card.json")


def lacks(pack: Path) -> int:
    """How many English samples a pack leaves out, as its card says; 0 if it has no card, or one that cannot be read."""
    try:
        value = json.loads(card_path(pack).read_text(encoding="utf-8"))["lacks"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    return value if isinstance(value, int) else 0


def worded_groups(samples: Sequence[Sample], pack: Mapping[str, PackRow]) -> list[Sample]:
    """The samples of every group that a pack words as a whole: an MME image, a circular question."""
    by_id = {sample.id: sample for sample in samples}
    lost = {sample.group for sample in samples if sample.id not in pack and _base(sample, by_id, pack) is None}
    return [sample for sample in samples if sample.group not in lost]


def apply_pack(
    samples: Sequence[Sample],
    pack: Mapping[str, PackRow],
    path: Path,
    tag: str,
    command: str,
    partial: bool,
    lacking: bool = False,
) -> list[Sample]:
    """The samples with the question text of a pack.

    Args:
        samples: the English samples, all of them.
        pack: sample id -> line.
        path: the pack's file, for messages.
        tag: language of the pack.
        command: the command that builds the pack anew, for messages.
        partial: whether the samples may be a part of what the pack words.
        lacking: whether the pack may word a part of the samples; groups that it does not word whole are left out.

    Raises:
        UsageError: an id without a line (unless `lacking`; then: no group at all), a line without an id (unless
            `partial`), another number of options, a hint missing or too many, or an option whose translation differs
            inside a circular group.
    """
    by_id = {sample.id: sample for sample in samples}
    if not partial:
        strangers = [key for key in pack if key not in by_id]
        if strangers:
            close = nearest(strangers[0], by_id, count=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            more = f" (and {len(strangers) - 1} more)" if len(strangers) > 1 else ""
            raise UsageError(f"{pack[strangers[0]].where}: no sample has the id {strangers[0]!r}{more}{hint}")
    if lacking:
        samples = worded_groups(samples, pack)
        if not samples:
            raise UsageError(f"{path}: words none of these samples; build the pack again: `{command}`")
    missing = [sample.id for sample in samples if sample.id not in pack and _base(sample, by_id, pack) is None]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise UsageError(f"{path}: no line for {missing[0]!r}{more}; add it, or build the pack again: `{command}`")
    worded = [_worded(sample, by_id, pack, tag) for sample in samples]
    _check_gold(worded, path)
    return worded


def _base(sample: Sample, by_id: Mapping[str, Sample], pack: Mapping[str, PackRow]) -> Sample | None:
    """The first pass of a circular group, if the pack words it."""
    if not sample.options or sample.group == sample.id or sample.group not in pack:
        return None
    return by_id.get(sample.group)


def _worded(sample: Sample, by_id: Mapping[str, Sample], pack: Mapping[str, PackRow], tag: str) -> Sample:
    row = pack.get(sample.id)
    base = sample
    if row is None:
        first = _base(sample, by_id, pack)
        assert first is not None, "apply_pack has checked that each sample has a line or a first pass"
        base, row = first, pack[first.id]
    if len(row.options) != len(base.options):
        raise UsageError(f"{row.where}: {len(row.options)} options, but {base.id!r} has {len(base.options)} in English")
    if bool(row.hint.strip()) != bool(base.hint.strip()):
        here, there = ("no hint", "one") if base.hint.strip() else ("a hint", "none")
        raise UsageError(f"{row.where}: {here}, but the English question has {there} ({base.id!r})")
    options = row.options if base is sample else _turned(sample, base, row)
    return replace(sample, language=tag, question=row.question, hint=row.hint, options=options)


def _turned(sample: Sample, base: Sample, row: PackRow) -> tuple[str, ...]:
    """The translated options in the order in which a later pass shows the English ones."""
    # A list for each text: two options of one question may read alike (MMBench 1769).
    translations: dict[str, list[str]] = {}
    for english, translated in zip(base.options, row.options, strict=True):
        translations.setdefault(english, []).append(translated)
    turned: list[str] = []
    for english in sample.options:
        if not translations.get(english):
            raise UsageError(
                f"{row.where}: {sample.id!r} shows the option {english!r}, which {base.id!r} has not: "
                f"give {sample.id!r} a line of its own"
            )
        turned.append(translations[english].pop(0))
    return tuple(turned)


def _check_gold(worded: Sequence[Sample], path: Path) -> None:
    """One translation of the right option inside each circular group."""
    first: dict[str, tuple[str, str]] = {}
    for sample in worded:
        if sample.gold not in sample.labels:
            continue
        here = sample.options[sample.labels.index(sample.gold)]
        other, there = first.setdefault(sample.group, (sample.id, here))
        if there != here:
            raise UsageError(
                f"{path}: the right option of {sample.id!r} is {here!r}, but of {other!r}, the same question, {there!r}"
            )
