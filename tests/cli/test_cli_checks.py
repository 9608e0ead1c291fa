"""The lines of `lrm-eval verify`."""

from __future__ import annotations

import io

from rich.console import Console

from lrm_eval.commands.checks import print_checks
from lrm_eval.runs.check import Check


def _printed(checks: list[Check], **options: object) -> list[str]:
    out = io.StringIO()
    print_checks(checks, Console(file=out, width=80, **options))  # type: ignore[arg-type]
    return out.getvalue().splitlines()


def test_notes_of_one_cause_are_said_once() -> None:
    checks = [Check(f"questions of tiny-mme {tag}", None, "not checked") for tag in ("am", "cs", "de", "en")]
    assert _printed(checks) == ["note: questions of tiny-mme am and 3 more: not checked", "0 checks hold, 0 do not"]


def test_what_is_wrong_is_told_one_by_one() -> None:
    checks = [Check(f"responses of tiny-mme {tag}", False, "changed") for tag in ("am", "cs", "de", "en")]
    assert len(_printed([*checks, Check("scores.json", True)])) == 5


def test_a_terminal_of_80_columns_holds_every_line() -> None:
    long = Check(
        "files of task tiny-mme", None, "changed since the run: " + ", ".join(f"{tag}.yaml" for tag in "abcdef" * 5)
    )
    assert max(map(len, _printed([long], force_terminal=True, color_system=None))) <= 80
    assert max(map(len, _printed([long]))) > 80, "a program reads whole lines"
