"""Whether two ways of reaching a model give the same answers: in this process and behind a server, say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.types import Request, Response

Verdict: TypeAlias = Literal["same", "blanks", "differs", "error"]
TASKS = ("tiny-mme", "tiny-pope", "tiny-seedbench", "tiny-mmbench")
VERDICTS: tuple[Verdict, ...] = ("same", "blanks", "differs", "error")


@dataclass(frozen=True, slots=True)
class Pair:
    """One question, answered both ways.

    Attributes:
        key: the request's key.
        first: the answer of the model that is looked at.
        second: the answer of the one that it is held against.
    """

    key: str
    first: Response
    second: Response

    @property
    def verdict(self) -> Verdict:
        """Same text; the same but for blanks at its ends; another text; no answer on a side."""
        if self.first.error is not None or self.second.error is not None:
            return "error"
        if self.first.text == self.second.text:
            return "same"
        return "blanks" if self.first.text.strip() == self.second.text.strip() else "differs"

    @property
    def prompts_differ(self) -> bool:
        """Whether both count the tokens of the prompt, and count another number."""
        counts = (self.first.prompt_tokens, self.second.prompt_tokens)
        return None not in counts and counts[0] != counts[1]

    @property
    def ends_differ(self) -> bool:
        """Whether one answer was cut and the other not."""
        return self.verdict != "error" and self.first.finish_reason != self.second.finish_reason


@dataclass(frozen=True, slots=True)
class Parity:
    """All questions.

    Attributes:
        first: name of the model that is looked at.
        second: name of the one that it is held against.
        pairs: in the order in which they were chosen.
    """

    first: str
    second: str
    pairs: tuple[Pair, ...]

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """Verdict -> questions."""
        found = Counter(pair.verdict for pair in self.pairs)
        return {verdict: found[verdict] for verdict in VERDICTS}

    @property
    def agree(self) -> bool:
        """Whether every answer is the same but for blanks, and no prompt has another length."""
        alike = all(pair.verdict in ("same", "blanks") for pair in self.pairs)
        return alike and not any(pair.prompts_differ or pair.ends_differ for pair in self.pairs)


def tiny_questions(count: int, tags: Sequence[str]) -> list[Request]:
    """Questions of the tiny tasks, spread over tasks, languages and the whole of each.

    Args:
        count: how many.
        tags: languages.

    Raises:
        UsageError: fewer than one, or a language that the tiny tasks lack.
    """
    from lrm_eval.data import availability, load_samples
    from lrm_eval.languages import get
    from lrm_eval.prompts import build_request
    from lrm_eval.tasks import load_task

    if count < 1:
        raise UsageError(f"--questions {count}: ask at least one")
    cells = [(load_task(name), get(tag)) for tag in tags for name in TASKS]
    found: list[Request] = []
    for place, (task, language) in enumerate(cells):
        share = count // len(cells) + (place < count % len(cells))
        if not share:
            continue
        if availability(task, language).state != "ready":
            raise UsageError(
                f"{task.name} has no questions in {language.name} ({language.tag}); `lrm-eval tasks` tells"
            )
        samples = load_samples(task, language)
        chosen = [samples[number * len(samples) // share] for number in range(min(share, len(samples)))]
        found += [build_request(task, sample) for sample in chosen]
    return found


def pair_up(requests: Sequence[Request], first: Sequence[Response], second: Sequence[Response]) -> tuple[Pair, ...]:
    """Answers by key, in the order of the requests.

    Raises:
        KeyError: a question without an answer.
    """
    one, two = ({response.key: response for response in side} for side in (first, second))
    return tuple(Pair(request.key, one[request.key], two[request.key]) for request in requests)
