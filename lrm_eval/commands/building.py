"""`lrm-eval data build` and `data texts`: packs from translators and from people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrm_eval.errors import RunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.console import Console

    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.translation.storing import Made
    from lrm_eval.translation.translators import Options
    from lrm_eval.translation.workflow import Orders


@dataclass(frozen=True, slots=True)
class Build:
    """What `lrm-eval data build` was asked for.

    Attributes:
        task: the task.
        languages: the languages.
        method: "auto", "template" or "translator".
        translator: `--translator`, or None.
        options: settings of the translator.
        orders: how it is done.
        source: local English data, or None.
        part: whether a pack of what the task's lexicon words is enough.
    """

    task: Task
    languages: Sequence[Language]
    method: str
    translator: str | None
    options: Options
    orders: Orders
    source: Path | None
    part: bool = False


def build(asked: Build, out: Console, err: Console, tell: Callable[[Language, Made], bool]) -> bool:
    """Make the packs.

    Args:
        asked: what was asked for.
        out: standard output.
        err: standard error.
        tell: shows a pack that was made; whether its audit found no error.

    Returns:
        Whether every pack was made and none has an error. A dry run: True.

    Raises:
        UsageError: something cannot be done as asked.
        RunError: the translator broke, or texts are left without a translation.
    """
    from lrm_eval.commands.packing import by_template, method_of
    from lrm_eval.translation import workflow
    from lrm_eval.translation.show import Watcher
    from lrm_eval.translation.storing import check_target
    from lrm_eval.translation.translators import Translator, make_translator
    from lrm_eval.translation.translators.people import PeopleOnly

    how, orders = method_of(asked.method), asked.orders
    for language in asked.languages:
        check_target(asked.task, language, orders.replace_pack)
    if asked.part and (orders.given is not None or orders.dry):
        raise UsageError("--part is a pack of what the lexicon words, and nothing else: without --given and --dry-run")
    if orders.given is not None and len(asked.languages) > 1:
        raise UsageError("--given names texts in one language: name one with --lang")
    # A translator that cannot be is told before data is downloaded.
    translator: Translator | None = None
    if asked.translator is not None:
        translator = make_translator(asked.translator, asked.options)
    fine: list[bool] = []
    left = list(asked.languages)
    if orders.given is None and not orders.dry:
        left = by_template(
            asked.task,
            asked.languages,
            how,
            asked.translator,
            asked.source,
            orders.replace_pack,
            orders.licence,
            orders.contact,
            lambda language, made: fine.append(tell(language, made)),
            asked.part,
            lambda line: _say(out, line),
        )
    if not left:
        return all(fine)
    if translator is None:
        if orders.given is None:
            raise UsageError("--dry-run: which translator? name one with --translator")
        translator = PeopleOnly(orders.given)
    unfinished = []
    for language in left:
        made = workflow.build_pack(asked.task, language, translator, Watcher(out, err), asked.source, orders)
        if orders.dry:
            continue
        if made.pack is not None:
            fine.append(tell(language, made))
            continue
        assert made.built is not None, "a build without a pack says what failed"
        if isinstance(translator, PeopleOnly):
            failed = made.built.failed
            raise RunError(
                f"{orders.given}: {len(failed)} texts have no finished translation, the first: {next(iter(failed))!r}; "
                "finish them and type the same again, or add --translator SPEC for the rest"
            )
        text, why = next(iter(made.built.failed.items()))
        _say(err, f"{language.tag}: {len(made.built.failed)} texts have no translation, first {text!r}: {why}")
        unfinished.append(f"{made.failures} ({language.tag})")
    if unfinished:
        raise RunError(
            f"no pack written for what is left in {', '.join(unfinished)}: type the same again, or fill in the column "
            "'translation' and add --given FILE"
        )
    return all(fine)


def write_texts(task: Task, language: Language, path: Path, source: Path | None, drafts: bool, out: Console) -> None:
    """`lrm-eval data texts`: a file for people, and what to do with it."""
    from lrm_eval.translation.show import counted
    from lrm_eval.translation.workflow import write_for_people

    found, pack = write_for_people(task, language, path, source, drafts)
    words = sum(len(text.source.split()) for text in found)
    kept = f", drafts from {pack}" if pack is not None else ""
    _say(
        out, f"{path}: {counted(len(found), 'text')}, {counted(words, 'word')} to translate into {language.name}{kept}"
    )
    _say(out, f"when it is back: lrm-eval data build {task.name} --lang {language.tag} --given {path}")


def _say(console: Console, text: str) -> None:
    console.print(" ".join(text.split()), markup=False, highlight=False, soft_wrap=True)
