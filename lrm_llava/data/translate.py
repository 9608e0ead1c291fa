"""`lrm-llava data translate`: the conversations of a file into a language, by any translator that lrm-eval has.

    record -> lines (code, labels, format instructions cut out) -> translator -> checks -> record in the language

The file is read in portions and never held whole. What is translated is in the cache of translations at once, so that
a run that stopped goes on there; the result is written anew from it and put in place when it is whole. A text that the
translator spoils costs its record, which is left out, and goes to a table for people; one that is merely doubtful is
used, and its record says so.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Protocol

from lrm_eval.errors import UsageError
from lrm_eval.languages import get
from lrm_eval.runs.files import sha256_file, write_atomic, write_failed
from lrm_eval.translation import problems
from lrm_eval.translation.build import fulfil, plan
from lrm_eval.translation.cache import Cache
from lrm_eval.translation.estimate import Estimate, estimate_of, shown
from lrm_eval.translation.glossary import EMPTY, Glossary
from lrm_llava.conversations import RecordError, parse_record, read_records
from lrm_llava.data.lines import CutTurn, Lines, cut_conversation, is_sentence, joined, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lrm_eval.languages import Language
    from lrm_eval.translation.planning import Plan
    from lrm_eval.translation.translators import Translator

PORTION = 500  # records at a time
_ENGLISH = "en"
_MOST_MARKS = 5  # a record


@dataclass(frozen=True, slots=True)
class Orders:
    """How a file is translated, besides by whom.

    Attributes:
        given: English text -> translation by people; they win.
        glossary: terms and names that translations keep to.
        sentences: whether lines are cut into sentences (seq2seq models are made for single ones).
        replace: whether a translation that something else made is replaced.
        most: US dollars that it may cost at most; None = whatever it costs.
        dry: whether nothing is sent or written.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    glossary: Glossary = EMPTY
    sentences: bool = False
    replace: bool = False
    most: float | None = None
    dry: bool = False


@dataclass(slots=True)
class Todo:
    """What there is to do, counted before anything is sent.

    Attributes:
        records: that can be translated.
        unusable: that cannot be trained on in any language.
        texts, cached, people, left: different texts of a portion, summed: a text that comes again far behind counts
            again, though it is translated once.
        calls: of the translator.
        characters: sent, prompts apart.
    """

    records: int = 0
    unusable: int = 0
    texts: int = 0
    cached: int = 0
    people: int = 0
    left: int = 0
    calls: int = 0
    characters: int = 0

    def add(self, found: Plan[Lines]) -> None:
        """Count a portion."""
        self.texts += found.texts
        self.cached += found.cached
        self.people += len(found.people)
        self.left += found.left
        self.calls += len(found.jobs)
        self.characters += found.characters


@dataclass(slots=True)
class Outcome:
    """What came out.

    Attributes:
        path: the translations; None after a dry run, or where there is not one.
        written: records in it.
        marked: of them, those with something doubtful.
        kinds: what is doubtful, by check.
        left_out: records that some text has no translation of.
        failed: texts without a translation.
        first: the first of them and why, "" if none.
        failures: the table of them; None if there are none.
    """

    path: Path | None = None
    written: int = 0
    marked: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    failed: int = 0
    first: str = ""
    failures: Path | None = None


class Observer(Protocol):
    """Hears how a translation goes on."""

    def planned(self, language: Language, todo: Todo, cost: Estimate) -> None:
        """Before the first call."""
        ...

    def advance(self, texts: int) -> None:
        """So many more texts are done."""
        ...

    def ended(self) -> None:
        """The last call is done, or it stops."""
        ...


def translate_file(
    file: Path, folder: Path, language: Language, translator: Translator, observer: Observer, orders: Orders
) -> Outcome:
    """Write folder/<language>.jsonl, a record a line in the order of `file`, and a card beside it.

    Args:
        file: LLaVA conversations, a JSON array or JSON lines.
        folder: where `lrm-llava data build` looks: translations/<source>.
        language: to translate into.
        translator: by whom.
        observer: hears plan, cost and progress.
        orders: how.

    Raises:
        UsageError: the file cannot be read, the translation there is another's, or it would cost more than it may.
        RunError: the translator broke on the way; what was translated is kept.
    """
    if language.tag == _ENGLISH:
        raise UsageError("the conversations are English already: name other languages")
    target = folder / f"{language.tag}.jsonl"
    card = folder / f"{language.tag}.card.json"
    _check_target(target, card, translator, orders)
    with Cache(translator.name, language.tag) as cache:
        todo = _count(file, cache, translator, orders)
        cost = estimate_of(
            todo.calls, todo.characters, translator.price, translator.overhead, translator.concurrency,
            cache.seconds_per_call(), translator.assumed_seconds,
        )  # fmt: skip
        observer.planned(language, todo, cost)
        if orders.dry:
            return Outcome()
        if orders.most is not None and (cost.high is None or cost.high > orders.most):
            raise UsageError(f"--max-cost {orders.most:g}: this is {shown(cost)}; nothing was sent")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_failed(folder, error) from error
        try:
            outcome = _write(file, target, language, translator, observer, orders, cache)
        finally:
            observer.ended()
    if outcome.path is None:
        return outcome
    told = {
        "language": language.tag, "translator": translator.name,
        "source": file.name, "source_sha256": sha256_file(file),
        "records": outcome.written, "marked": outcome.marked, "marks": dict(outcome.kinds.most_common()),
        "left_out": outcome.left_out, "unusable": todo.unusable, "made": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip
    write_atomic(card, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return outcome


def _check_target(target: Path, card: Path, translator: Translator, orders: Orders) -> None:
    if not target.is_file() or orders.replace or orders.dry:
        return
    maker = json.loads(card.read_text(encoding="utf-8"))["translator"] if card.is_file() else "somebody else"
    if maker != translator.name:
        raise UsageError(f"{target}: was made by {maker}; --replace puts a new translation in its place")


def _portions(file: Path, orders: Orders) -> Iterator[list[tuple[str, tuple[CutTurn, ...] | None]]]:
    """(id, turns) of the records in order; None for one that cannot be trained on."""

    def records() -> Iterator[tuple[str, tuple[CutTurn, ...] | None]]:
        for number, record in read_records(file):
            # As `lrm-llava data build` names them.
            own = str(record.get("id") or number) if isinstance(record, dict) else str(number)
            try:
                yield own, cut_conversation(parse_record(record), orders.sentences)
            except RecordError:
                yield own, None

    stream = records()
    while portion := list(islice(stream, PORTION)):
        yield portion


def _plan(
    portion: list[tuple[str, tuple[CutTurn, ...] | None]], cache: Cache, translator: Translator, orders: Orders
) -> Plan[Lines]:
    units = [lines for _, turns in portion if turns is not None for lines in lines_of(turns)]
    return plan(units, cache, orders.given, translator, orders.glossary)


def _count(file: Path, cache: Cache, translator: Translator, orders: Orders) -> Todo:
    todo = Todo()
    for portion in _portions(file, orders):
        usable = sum(turns is not None for _, turns in portion)
        todo.records += usable
        todo.unusable += len(portion) - usable
        todo.add(_plan(portion, cache, translator, orders))
    return todo


def _write(
    file: Path, target: Path, language: Language, translator: Translator, observer: Observer, orders: Orders,
    cache: Cache,
) -> Outcome:  # fmt: skip
    outcome = Outcome()
    partial = target.with_name(f".{target.name}.partial")
    failures = target.with_name(f"{language.tag}.untranslated.tsv")
    told: set[int] = set()
    try:
        with partial.open("w", encoding="utf-8") as out, failures.open("w", encoding="utf-8", newline="") as table:
            rows = csv.writer(table, delimiter="\t", lineterminator="\n")
            rows.writerow(["source", "translation", "problem"])
            for portion in _portions(file, orders):
                todo = _plan(portion, cache, translator, orders)
                known, failed = fulfil(todo, translator, get(_ENGLISH), language, cache, observer.advance)
                for text, why in failed.items():
                    # Hashes alone are kept: a translator that fails everywhere must not fill the memory.
                    if (digest := hash(text)) not in told:
                        told.add(digest)
                        rows.writerow([text, "", " ".join(why.split())])
                        outcome.first = outcome.first or f"{text[:80]!r}: {why}"
                for own, turns in portion:
                    if turns is not None:
                        _one(own, turns, known, todo, language, orders, out, outcome)
    except BaseException as error:
        # What was translated is in the cache: half a file would only be taken for a whole one.
        partial.unlink(missing_ok=True)
        failures.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise write_failed(target, error) from error
        raise
    outcome.failed = len(told)
    if outcome.written:
        partial.replace(target)
        outcome.path = target
    else:
        partial.unlink()
    if told:
        outcome.failures = failures
    else:
        failures.unlink()
    return outcome


def _one(
    own: str, turns: tuple[CutTurn, ...], known: Mapping[str, str], todo: Plan[Lines], language: Language,
    orders: Orders, out: IO[str], outcome: Outcome,
) -> None:  # fmt: skip
    try:
        record: dict[str, Any] = {"id": own, "conversations": joined(turns, known, language)}
    except KeyError:
        outcome.left_out += 1
        return
    found = [
        (text, problem)
        for text in dict.fromkeys(piece.text for turn in turns for piece in turn.pieces if piece.translated)
        if text not in todo.people
        for problem in problems.find(text, known[text], language, is_sentence(text), orders.glossary)
    ]
    if found:
        outcome.marked += 1
        outcome.kinds.update({problem.check for _, problem in found})
        record["marks"] = [f"{problem.check}: {text[:60]!r}: {problem.detail}" for text, problem in found[:_MOST_MARKS]]
    outcome.written += 1
    out.write(json.dumps(record, ensure_ascii=False) + "\n")
