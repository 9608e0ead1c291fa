"""How a build and an audit look on a terminal, in a log and as JSON."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich import box
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from lrm_eval.translation.audit import CHECKS, Audit
from lrm_eval.translation.estimate import shown

if TYPE_CHECKING:
    from rich.console import Console

    from lrm_eval.languages import Language
    from lrm_eval.translation.build import Plan
    from lrm_eval.translation.estimate import Estimate

_PLAIN_SECONDS = 10.0


class Watcher:
    """Progress of a build: a bar on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, out: Console, err: Console) -> None:
        self._out, self._err = out, err
        self._progress: Progress | None = None
        self._done = self._total = 0
        self._begin = self._last = 0.0

    def planned(self, task: str, language: Language, todo: Plan[Any], cost: Estimate) -> None:
        """Say what there is to do before anything is sent, what it costs and how long it takes."""
        calls = counted(len(todo.jobs), "call")
        sent = f"{todo.left} to translate in {calls}, {counted(todo.characters, 'character')}"
        asked = bool(todo.left and cost.seconds)
        if not asked:  # everything is known, or nobody but people translates
            sent = f"{todo.left} without a translation" if todo.left else "nothing left to translate"
        kept = f", {todo.cached} from the cache" if todo.cached else ""
        kept += f", {len(todo.people)} by people" if todo.people else ""
        line = f"{task} → {language.name}: {len(todo.units)} items, {todo.texts} different texts{kept}; {sent}"
        self._out.print(line, style="bold", markup=False, highlight=False, soft_wrap=True)
        if asked:
            self._out.print(shown(cost), markup=False, highlight=False, soft_wrap=True)
        self._done, self._total = 0, todo.left
        self._begin = self._last = time.monotonic()
        if self._err.is_terminal and asked:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TimeRemainingColumn(elapsed_when_finished=True),
                console=self._err,
            )
            self._progress.add_task(f"{task} {language.tag}", total=todo.left)
            self._progress.start()

    def advance(self, texts: int) -> None:
        """So many more texts are done."""
        self._done += texts
        if self._progress is not None:
            self._progress.advance(self._progress.task_ids[0], texts)
            return
        now = time.monotonic()
        if now - self._last > _PLAIN_SECONDS:
            self._last = now
            rate = self._done / max(now - self._begin, 1e-9)
            left = time.strftime("%H:%M:%S", time.gmtime((self._total - self._done) / rate))
            line = f"{self._done} of {self._total} texts, {rate:.1f}/s, {left} left"
            self._err.print(line, markup=False, highlight=False, soft_wrap=True)

    def ended(self) -> None:
        """Leave the bar as it is."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def audit_as_dict(task: str, language: Language, audit: Audit) -> dict[str, Any]:
    """For `--json`."""
    return {
        "task": task,
        "language": language.tag,
        "ok": audit.ok,
        "errors": audit.count("error"),
        "warnings": audit.count("warning"),
        "samples": audit.samples,
        "rows": audit.rows,
        "questions": audit.questions,
        "untranslated_share": audit.untranslated_share,
        "script_share": audit.script_share,
        "length_ratio": audit.length_ratio,
        "multiplicity": {"english": audit.multiplicity[0], "pack": audit.multiplicity[1]},
        "findings": [
            {name: getattr(finding, name) for name in ("check", "level", "id", "where", "detail")}
            for finding in audit.findings
        ],
    }


def print_audit(task: str, language: Language, audit: Audit, console: Console, shown: int) -> None:
    """The figures, a line per check that found something, and the worst findings.

    Args:
        task: task name.
        language: language of the pack.
        audit: the audit.
        console: where to.
        shown: findings printed of each check; all are in the JSON.
    """
    figures = [
        f"{audit.rows} lines for {audit.samples} English samples ({audit.questions} different questions)",
        f"untranslated {audit.untranslated_share:.1%}",
    ]
    if audit.script_share is not None:
        figures.append(f"script {language.script} {audit.script_share:.1%}")
    if audit.length_ratio is not None:
        figures.append(f"length {audit.length_ratio:.2f} × English")
    figures.append(f"most frequent question {audit.multiplicity[1]} × (English {audit.multiplicity[0]} ×)")
    _line(console, f"{task} in {language.name}: {' · '.join(figures)}", "bold")
    if audit.findings:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        table.add_column("check", no_wrap=True)
        table.add_column("errors", justify="right")
        table.add_column("warnings", justify="right")
        table.add_column("what it looks for")
        for check, meaning in CHECKS.items():
            errors, warnings = audit.count("error", check), audit.count("warning", check)
            if errors or warnings:
                table.add_row(check, str(errors or ""), str(warnings or ""), meaning, style="red" if errors else None)
        console.print(table)
    for check in CHECKS:
        found = [finding for finding in audit.findings if finding.check == check]
        for finding in found[:shown]:
            name = f" {finding.id}" if finding.id else ""
            _line(console, f"{finding.level}: {check}: {finding.where}:{name}: {finding.detail}".replace("::", ":"))
        if len(found) > shown:
            _line(console, f"  … and {len(found) - shown} more of {check} (--show N, or --json for all)")
    errors, warnings = audit.count("error"), audit.count("warning")
    style = "bold red" if errors else "bold green"
    _line(console, f"{counted(errors, 'error')}, {counted(warnings, 'warning')}", style)


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural unless it is 1."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _line(console: Console, text: str, style: str | None = None) -> None:
    console.print(" ".join(text.split()), style=style, markup=False, highlight=False, soft_wrap=True)
