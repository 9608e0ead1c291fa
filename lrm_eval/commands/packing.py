"""What `lrm-eval data build` does without a translator: packs by template and lexicon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from lrm_eval.errors import UsageError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.translation.storing import Made

Method: TypeAlias = Literal["auto", "template", "translator"]


def method_of(name: str) -> Method:
    """What was typed after `--method`.

    Raises:
        UsageError: another word.
    """
    for method in get_args(Method):
        if name.casefold() == method:
            found: Method = method
            return found
    raise unknown("method", name, get_args(Method))


def by_template(
    task: Task,
    languages: Sequence[Language],
    method: Method,
    translator: str | None,
    source: Path | None,
    replace_pack: bool,
    licence: str,
    contact: str,
    tell: Callable[[Language, Made], None],
    part: bool = False,
    say: Callable[[str], None] | None = None,
) -> list[Language]:
    """Make the packs that need no translator.

    Args:
        task: the task.
        languages: the languages asked for.
        method: "template": every pack must come by template; "auto": those that can; "translator": none.
        translator: the translator that was named, if any.
        source: the user's own English data, or None for the task's.
        replace_pack: whether a pack that is there is replaced.
        licence: of the packs, or "".
        contact: whom to ask about them, or "".
        tell: called with each pack that was made.
        part: whether a pack of what the lexicon words is enough.
        say: called with a line about what such a pack leaves out.

    Returns:
        The languages that are left for a translator.

    Raises:
        UsageError: a language that must come by template cannot, or one is left and no translator was named.
    """
    from lrm_eval.translation.rendering import render_pack

    if part and (translator is not None or method == "translator"):
        raise UsageError("--part is a pack of what the lexicon words, a translator translates the rest: choose one")
    if method == "translator":
        if translator is None:
            raise UsageError(_which_translator())
        return list(languages)
    left: list[Language] = []
    why: dict[str, str] = {}
    for language in languages:
        made, coverage = render_pack(task, language, source, replace_pack, licence, contact, part)
        if made.pack is not None:
            if say is not None and coverage is not None and coverage.missing:
                say(f"{task.name} in {language.name}: left out and not asked: {coverage.lacking()}")
            tell(language, made)
            continue
        if coverage is None:
            why[language.tag] = f"task {task.name!r} has no lexicon in {language.name}"
        else:
            covered, total = len(coverage.covered), len(coverage.covered) + len(coverage.missing)
            why[language.tag] = (
                f"{coverage.lexicon.path} words {covered} of the {total} questions, not {coverage.lacking()}"
                + ("; --part makes a pack of those alone" if covered and not part else "")
            )
        left.append(language)
    if left and (method == "template" or part):
        raise UsageError(f"{why[left[0].tag]}; --translator SPEC translates what is left")
    if left and translator is None:
        raise UsageError(_which_translator(f"{why[left[0].tag]}; "))
    return left


def _which_translator(reason: str = "") -> str:
    return (
        f"{reason}which translator? --translator openai:MODEL --base-url http://localhost:8000/v1 (any "
        "OpenAI-compatible server), or --translator hf:facebook/nllb-200-distilled-600M (in this process)"
    )
