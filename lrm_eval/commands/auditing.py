"""`lrm-eval data audit`: what was asked, the reports, and where they go."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.translation.auditing import Measures, Report
    from lrm_eval.translation.glossary import Glossary
    from lrm_eval.translation.translators import Options, Translator


@dataclass(frozen=True, slots=True)
class Request:
    """What `lrm-eval data audit` was asked for.

    Attributes:
        task: the task.
        languages: the languages.
        pack: `--pack`, in which `{lang}` stands for the language, or None.
        second: `--second`: packs of another translation (`{lang}` likewise), or a translator; None.
        back: `--back`: the translator that translates back, or None.
        comet: whether COMET is asked.
        comet_command: its program, or None.
        comet_model: its model, or None for the default.
        glossary: terms and names.
        options: settings of the translators.
        source: local English data, or None.
    """

    task: Task
    languages: Sequence[Language]
    pack: str | None
    second: str | None
    back: str | None
    comet: bool
    comet_command: str | None
    comet_model: str | None
    glossary: Glossary
    options: Options
    source: Path | None


def reports(asked: Request) -> list[Report]:
    """Audit each language.

    Raises:
        UsageError: one file for several languages, a file that is not there, or whatever an audit raises.
        RunError: a translator or COMET failed.
    """
    from lrm_eval.translation.auditing import audit_language
    from lrm_eval.translation.translators import make_translator
    from lrm_eval.translation.translators.base import KINDS

    for option, value in (("--pack", asked.pack), ("--second", asked.second)):
        plain = value is not None and "{lang}" not in value and value.partition(":")[0] not in KINDS
        if plain and len(asked.languages) > 1:
            raise UsageError(f"{option} names one file: name one language with --lang, or write {{lang}} in the path")
    back = make_translator(asked.back, asked.options) if asked.back is not None else None
    other: Translator | None = None
    if asked.second is not None and asked.second.partition(":")[0] in KINDS:
        other = make_translator(asked.second, asked.options)
    return [
        audit_language(
            asked.task,
            language,
            _path(asked.pack, language),
            asked.source,
            _measures(asked, language, back, other),
        )
        for language in asked.languages
    ]


def _measures(asked: Request, language: Language, back: Translator | None, other: Translator | None) -> Measures:
    from lrm_eval.translation.auditing import Measures
    from lrm_eval.translation.comet import MODEL

    second = None if other is not None else _path(asked.second, language)
    if second is not None and not second.is_file():
        raise UsageError(
            f"--second {second}: no such pack; name a pack file (with {{lang}} for several languages), or a translator "
            "such as openai:MODEL, hf:NAME or google:PROJECT"
        )
    return Measures(asked.glossary, back, second, other, asked.comet, asked.comet_command, asked.comet_model or MODEL)


def _path(text: str | None, language: Language) -> Path | None:
    return None if text is None else Path(text.replace("{lang}", language.tag)).expanduser()


def show(asked: Request, found: Sequence[Report], out: Console, shown: int) -> None:
    """Print each report."""
    from lrm_eval.translation.show import print_audit

    for report in found:
        print_audit(asked.task.name, report.language, report.audit, out, shown)
        for line in measured(report):
            out.print(line, markup=False, highlight=False, soft_wrap=True)


def measured(report: Report) -> list[str]:
    """The measures of a report, a line each."""
    lines = []
    if report.agreement is not None:
        one = report.agreement
        lines.append(f"{one.first} against {one.second}: {one.texts} texts, {one.same:.1%} alike")
        lines.append(f"BLEU {one.bleu:.2f} ({one.bleu_signature})")
        lines.append(f"chrF2++ {one.chrf:.2f} ({one.chrf_signature})")
    if report.back is not None:
        lines.append(f"back-translated questions: chrF2 {report.back:.1f}")
    if report.comet is not None:
        lines.append(f"COMET {report.comet:.4f}, mean of {len(report.comets)} questions")
    return lines


def as_dict(task: str, report: Report) -> dict[str, Any]:
    """For `--json`."""
    from lrm_eval.translation.show import audit_as_dict

    return {
        **audit_as_dict(task, report.language, report.audit),
        "agreement": None if report.agreement is None else asdict(report.agreement),
        "back_chrf": report.back,
        "comet": report.comet,
    }


def write(asked: Request, found: Sequence[Report], html: Path | None, agreement: Path | None) -> list[Path]:
    """Write the page and the agreements that were asked for.

    Raises:
        UsageError: agreements without a second translation.
        RunError: a file cannot be written.
    """
    from lrm_eval.runs.files import write_atomic
    from lrm_eval.translation.agreement import write_agreements
    from lrm_eval.translation.page import audit_page

    written = []
    if agreement is not None:
        rows = [report.agreement for report in found if report.agreement is not None]
        if not rows:
            raise UsageError("--agreement: measured with --second PACK or --second TRANSLATOR")
        write_agreements(agreement, rows)
        written.append(agreement)
    if html is not None:
        write_atomic(html, audit_page(asked.task.title, found))
        written.append(html)
    return written
