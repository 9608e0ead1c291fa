"""The nouns of the harness, in the order in which a sample walks through them.

    Task + Language (+ condition) -> Sample -> Request -> (adapter) -> Response -> Reading -> Score -> Report

Each is small and frozen, each arrow is one function, nothing reaches back. This module imports
nothing but the standard library: it is what every other part of the project may import.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

AnswerKind: TypeAlias = Literal["yes_no", "option", "text"]
Rules: TypeAlias = Literal["official", "multilingual"]
Outcome: TypeAlias = Literal["read", "unparsed", "refusal", "empty", "truncated", "error"]
FinishReason: TypeAlias = Literal["stop", "length", "content_filter", "error"]

RULES: tuple[Rules, ...] = ("official", "multilingual")
OUTCOMES: tuple[Outcome, ...] = ("read", "unparsed", "refusal", "empty", "truncated", "error")
DEFAULT_CONDITION = "default"


@dataclass(frozen=True, slots=True)
class ImageRef:
    """A reference to one image: where it lies and what it contains.

    Attributes:
        uri: a file path, or `<file>.parquet#<row>` for an image stored in a table; shown to users.
        sha256: hash of the encoded bytes (hex), or None if they could not be read.
        reader: returns the encoded bytes; raises OSError or ValueError if they cannot be had.
    """

    uri: str
    sha256: str | None
    reader: Callable[[], bytes] = field(repr=False, compare=False)

    def read(self) -> bytes:
        """The encoded bytes (PNG, JPEG, ...) of the image."""
        return self.reader()


@dataclass(frozen=True, slots=True)
class Sample:
    """One question in one language.

    Attributes:
        id: stable across languages, e.g. `mme/color/0001.png/0` (see DESIGN: ids).
        task: task name, e.g. `mme` or `tiny-mme`.
        language: canonical BCP-47 tag.
        kind: what an answer is: yes/no, one of the lettered options, or free text.
        question: the question alone, in `language`; hint and format instruction are separate.
        instruction: the format instruction, e.g. "Answer the question using a single word or phrase."
        hint: context printed before the question (MMBench), or "".
        options: option texts in the order shown; empty for yes/no.
        labels: the labels shown before the options ("A", "B", ...), as many as options.
        gold: "yes"/"no" for yes_no; the label for option; the text for text.
        category: the subtask (MME), question type (SEED-Bench) or category (MMBench); "" if none.
        split: POPE's random/popular/adversarial; "" elsewhere.
        group: questions scored as one (CircularEval passes, MME image pairs).
        cluster: content hash of the image, the unit of all error bars.
        order: position in the task's data file; official programs match by order.
    """

    id: str
    task: str
    language: str
    kind: AnswerKind
    question: str
    gold: str
    images: tuple[ImageRef, ...] = ()
    instruction: str = ""
    hint: str = ""
    options: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    category: str = ""
    split: str = ""
    group: str = ""
    cluster: str = ""
    order: int = 0


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text inside a request."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image inside a request."""

    image: ImageRef


Part: TypeAlias = TextPart | ImagePart


@dataclass(frozen=True, slots=True)
class Shot:
    """A question with its answer, shown before the one that is asked.

    Attributes:
        parts: as `Request.parts`.
        answer: what a good answer looks like, in the words of the question's language.
    """

    parts: tuple[Part, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Request:
    """What an adapter is asked.

    Attributes:
        key: unique in a run: `<sample id>@<language>` or `<sample id>@<language>.<condition>`.
        parts: the prompt as LLaVA-1.5 would get it: the image first, then one text.
        sample: the structured fields, so that a preset can render a prompt of its own.
        max_new_tokens: token budget of the answer.
        budget_language: the language whose cost in tokens the budget is scaled by, so that an answer may be as long in
            it as in English; "" where the budget is the benchmark's own and stays as it is.
        system: text of the system turn; "" for none but the template's own.
        shots: earlier turns: user and assistant, in this order.
        choices: answer texts whose log-probability is asked for; empty for plain generation.
    """

    key: str
    parts: tuple[Part, ...]
    sample: Sample
    max_new_tokens: int
    choices: tuple[str, ...] = ()
    budget_language: str = ""
    system: str = ""
    shots: tuple[Shot, ...] = ()


@dataclass(frozen=True, slots=True)
class ChoiceScore:
    """Log-probability (nats) of one choice given the prompt.

    Attributes:
        text: the choice.
        logprob_sum: sum over its tokens (InstructBLIP's convention in SEED-Bench).
        logprob_mean: mean over its tokens (LLaVA's convention in SEED-Bench-2).
        tokens: number of tokens.
    """

    text: str
    logprob_sum: float
    logprob_mean: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Response:
    """What an adapter answered; appended to disk as it comes and never rewritten.

    Attributes:
        key: the request's key.
        text: the raw answer, special tokens removed, nothing else changed.
        finish_reason: "stop", "length" (the budget ran out), "content_filter" (a server kept the answer back) or
            "error".
        prompt_tokens: tokens of the prompt, image tokens included; None if unknown.
        completion_tokens: tokens generated; None if unknown.
        choices: scores of the request's choices, in the same order.
        prompt: the prompt as the model saw it, if the adapter renders one.
        error: why there is no answer; None if there is one.
    """

    key: str
    text: str = ""
    finish_reason: FinishReason = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    choices: tuple[ChoiceScore, ...] = ()
    prompt: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer means, under one rule set. Derived from a response and its sample.

    Attributes:
        value: "yes"/"no", a label, a text; official rules may give "other" or "Z"; None if nothing was read.
        rule: the rule that read it, for the reader of the page ("lexicon:ndiyo", "marker:jibu").
        outcome: "read" exactly if `value` is not None.
        language: language of the answer if identified, else None.
    """

    value: str | None
    rule: str
    outcome: Outcome
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A sample with its response and reading: the input of every scorer."""

    sample: Sample
    response: Response
    reading: Reading


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One number in scores.json. See DESIGN "The run folder" for the contract of its fields.

    Attributes:
        value: unrounded; 0-100 unless the metric says otherwise; None if undefined (say, a sum over absent subtasks).
        ci_low: lower end of the 95 % interval; None where there is no honest interval.
        ci_high: upper end.
        n: items the value is taken over.
        clusters: different images among them.
        unparsed_rate: share (0-1) without a reading, whatever the cause.
        outcomes: rate (0-1) of each outcome.
        primary: true for the headline metric of its task under its rules.
        note: what a reader must know ("absent: landmark, OCR"); "" if nothing.
        task_version: of the task's YAML, raised when its scores are no longer comparable; "" if not known.
        rules_version: of the reading and scoring under `rules`; "" in rows of before there were versions.
        chance: mean score of a reader that guesses on the same items; None where nothing can be guessed.
        chance_corrected: 100 (value - chance) / (best - chance): 0 is guessing, 100 is perfect; None likewise.
    """

    model: str
    task: str
    language: str
    condition: str
    rules: Rules
    metric: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int
    clusters: int
    unparsed_rate: float
    outcomes: Mapping[str, float]
    primary: bool = False
    note: str = ""
    task_version: str = ""
    rules_version: str = ""
    chance: float | None = None
    chance_corrected: float | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do; checked against what a task needs before anything runs.

    Attributes:
        choices: can give the log-probability of given texts.
        batch: answers several requests at once.
        concurrency: may be asked from several threads.
        deterministic: the same request always gets the same answer.
        text_only: answers requests without an image too (`--hide-image`).
        images: most images that a request may have, those of its shots counted; None = any number.
        system: follows `Request.system`.
        shots: shows `Request.shots`.
    """

    choices: bool = False
    batch: bool = False
    concurrency: bool = False
    deterministic: bool = True
    text_only: bool = False
    images: int | None = None
    system: bool = False
    shots: bool = False


@runtime_checkable
class Adapter(Protocol):
    """One way of reaching a model. Knows nothing of tasks.

    `generate` may answer in any order; it answers every request exactly once. An error of one
    request is a Response with `error` set; an exception means that the adapter itself is broken.
    """

    capabilities: Capabilities

    def generate(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Answer each request. Requests arrive grouped by image."""
        ...

    def fingerprint(self) -> Mapping[str, Any]:
        """Everything that decides the answers: content hash of the weights, template, dtype, decoding settings."""
        ...

    def close(self) -> None:
        """Give back memory, servers, files."""
        ...
