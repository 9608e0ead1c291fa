"""The HTML page of an audit: every language's figures, then its items, the worst first. One file, no network."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrm_eval import __version__, resources
from lrm_eval.translation.findings import CHECKS
from lrm_eval.translation.packfile import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.translation.auditing import Report
    from lrm_eval.translation.findings import Finding

_TEMPLATE = "audit.html.j2"
# A page of more items than this opens slowly; the JSON has all of them.
MOST_ITEMS = 1000
_MOST_APART = 50
_WEIGHT = {"error": 100, "warning": 10}


@dataclass(frozen=True, slots=True)
class ItemView:
    """One item on the page, or the pack itself (`id` is "")."""

    id: str
    where: str
    findings: tuple[Finding, ...]
    english: tuple[tuple[str, str], ...]
    worded: tuple[tuple[str, str], ...]
    back: str
    comet: float | None
    errors: int


def audit_page(title: str, reports: Sequence[Report]) -> str:
    """The page.

    Args:
        title: of the task.
        reports: one a language, in any order: the one with most errors comes first.
    """
    import jinja2

    loader = jinja2.FileSystemLoader(resources.templates_dir())
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    ordered = sorted(reports, key=lambda one: (-one.audit.count("error"), -one.audit.count("warning")))
    return environment.get_template(_TEMPLATE).render(
        title=title, languages=[_view(one) for one in ordered], checks=CHECKS, made=now(), version=__version__
    )


def _view(report: Report) -> dict[str, Any]:
    found = report.audit
    counts = {check: (found.count("error", check), found.count("warning", check)) for check in CHECKS}
    items = worst_first(report)
    return {
        "language": report.language,
        "name": report.name.rpartition("/")[2],
        "audit": found,
        "errors": found.count("error"),
        "warnings": found.count("warning"),
        "counts": {check: pair for check, pair in counts.items() if any(pair)},
        "items": items[:MOST_ITEMS],
        "left": max(0, len(items) - MOST_ITEMS),
        "agreement": report.agreement,
        "apart": report.apart[:_MOST_APART],
        "back": report.back,
        "comet": report.comet,
    }


def worst_first(report: Report) -> list[ItemView]:
    """The items that something was found in, the gravest first; what is about the whole pack before all."""
    by_item: dict[str, list[Finding]] = defaultdict(list)
    for finding in report.audit.findings:
        by_item[finding.id].append(finding)

    def badness(name: str) -> tuple[bool, int, float]:
        weight = sum(_WEIGHT[finding.level] for finding in by_item[name])
        # Of items alike by what was found, the one that COMET likes least.
        return (name != "", -weight, report.comets.get(name, 0.0))

    return [_item(report, name, by_item[name]) for name in sorted(by_item, key=badness)]


def _item(report: Report, name: str, findings: Sequence[Finding]) -> ItemView:
    pair = report.pairs.get(name)
    english: list[tuple[str, str]] = []
    worded: list[tuple[str, str]] = []
    if pair is not None:
        sample, row = pair.sample, pair.row
        english = [("", sample.hint), ("", sample.question), *zip(sample.labels, sample.options, strict=False)]
        worded = [("", row.hint), ("", row.question)]
        worded += [
            (sample.labels[place] if place < len(sample.labels) else "?", option)
            for place, option in enumerate(row.options)
        ]
    where = findings[0].where
    path, colon, line = where.rpartition(":")
    return ItemView(
        id=name,
        where=f"{path.rpartition('/')[2]}:{line}" if colon and line.isdigit() else where.rpartition("/")[2],
        findings=tuple(findings),
        english=tuple(item for item in english if item[1]),
        worded=tuple(item for item in worded if item[1]),
        back=report.backs.get(pair.row.question, "") if pair is not None else "",
        comet=report.comets.get(name),
        errors=sum(finding.level == "error" for finding in findings),
    )
