"""Which parts of the common languages a table also has sums for: the choices of the page's filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.reporting.names import language
from lrm_eval.reporting.paired import PIVOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrm_eval.reporting.names import LanguageView

_GROUPS: tuple[tuple[str, Callable[[LanguageView], str]], ...] = (
    ("family", lambda one: one.family),
    ("script", lambda one: one.script),
    ("resource class", lambda one: "" if one.joshi_class is None else str(one.joshi_class)),
)


def common_sets(common: Sequence[str], trained: Sequence[frozenset[str] | None]) -> list[tuple[str, tuple[str, ...]]]:
    """Label and tags of each part; every set of languages once, and never the whole.

    Args:
        common: tags that every model of the table has, in the table's order.
        trained: per model, the languages its makers name; None if not known.
    """
    known = [language(tag) for tag in common]
    found: list[tuple[str, list[str]]] = [("without English", [tag for tag in common if tag != PIVOT])]
    for name, of in _GROUPS:
        for value in sorted({of(one) for one in known} - {""}):
            found.append((f"{name} {value}", [one.tag for one in known if of(one) == value]))
    told = [tags for tags in trained if tags is not None]
    if told and len(told) == len(trained):
        found.append(("named by the makers of every model", [t for t in common if all(t in tags for tags in told)]))
        found.append(("named by the makers of no model", [t for t in common if not any(t in tags for tags in told)]))
    result: dict[tuple[str, ...], str] = {}
    for label, tags in found:
        # One language alone has its own column.
        if 1 < len(tags) < len(common):
            result.setdefault(tuple(tags), label)
    return [(label, tags) for tags, label in result.items()]
