"""The lines of `lrm-eval verify` and `lrm-eval doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from lrm_eval.commands.doctor import Finding
    from lrm_eval.runs.check import Check


# So many notes of one cause are still shown one by one.
_ALIKE = 3


def _mark(ok: bool | None) -> str:
    return {True: "[green]ok[/]", False: "[red]no[/]", None: "[yellow]note[/]"}[ok]


def print_checks(checks: Sequence[Check], console: Console) -> None:
    """What is wrong or worth knowing, one line each, and how much was checked."""
    from rich.markup import escape

    alike: dict[tuple[bool | None, str], list[str]] = {}
    for check in checks:
        if check.ok is not True:
            alike.setdefault((check.ok, check.detail), []).append(check.what)
    for (ok, detail), what in alike.items():
        # A note of one cause is said once: a task that has grown a version has it for each of its languages. What is
        # wrong is always told one by one.
        more = f" and {len(what) - 1} more" if ok is None and len(what) > _ALIKE else ""
        for one in what[:1] if more else what:
            line = f"{_mark(ok)}: {escape(one)}{more}: {escape(detail)}"
            console.print(line, soft_wrap=not console.is_terminal, highlight=False)
    wrong = sum(check.ok is False for check in checks)
    held = sum(check.ok is True for check in checks)
    console.print(f"{held} checks hold, {wrong} do not", style="bold red" if wrong else "bold green", highlight=False)


def as_json(checks: Sequence[Check]) -> dict[str, Any]:
    """For `--json`."""
    return {
        "ok": all(check.ok is not False for check in checks),
        "checks": [{"what": check.what, "ok": check.ok, "detail": check.detail} for check in checks],
    }


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """The table of `lrm-eval doctor`."""
    from rich.markup import escape

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    for finding in findings:
        mark = {True: "[green]ok[/]", False: "[red]no[/]", None: "[yellow]optional[/]"}[finding.ok]
        table.add_row(mark, escape(finding.what), escape(finding.value), escape(finding.mend))
    console.print(table)
