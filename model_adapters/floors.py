"""Floors to compare a model with: what is reached without looking, or without a model."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Literal

from lrm_eval.errors import UsageError
from lrm_eval.types import Capabilities, ChoiceScore, Response
from model_adapters.base import AdapterBase
from model_adapters.decoding import request_seed
from model_adapters.devices import check_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Self

    from lrm_eval.types import Request, Sample
    from model_adapters.spec import LoadOptions, ModelSpec


class FloorAdapter(AdapterBase):
    """Answers without a model, in the words of the sample's language.

    - random: a valid answer drawn from the run's seed and the request's key: yes or no, or one of the labels shown; for
      choices random scores. A free text cannot be drawn: the answer is empty.
    - majority: the most frequent gold answer among all requests of the same task and language in the plan given to
      `prepare`. It sees the golds: it is the score of an answer that looks at neither image nor question, no model.
      Where the sample does not show that label, the most frequent one that it shows. Ties go to the first in order.

    Args:
        kind: "random" or "majority".
        seed: seed of "random".
    """

    capabilities = Capabilities(choices=True, batch=True, concurrency=True, deterministic=True, text_only=True)
    version = 1

    def __init__(self, kind: Literal["random", "majority"], seed: int = 0) -> None:
        self.kind = kind
        self.seed = seed
        self._golds: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._best: dict[tuple[str, str, tuple[str, ...]], str] = {}

    @classmethod
    def load(cls, spec: ModelSpec, options: LoadOptions) -> Self:
        """A floor; device, dtype and batch size mean nothing to it, but must be names that mean something.

        Raises:
            UsageError: decoding settings or a checkpoint were given, which a floor cannot follow; no device or dtype
                of that name.
        """
        check_names(options.device, options.dtype)
        if options.gen_kwargs:
            raise UsageError(
                f"model {spec.name}: takes no --gen-kwargs ({', '.join(options.gen_kwargs)}): it generates nothing"
            )
        if spec.checkpoint is not None:
            raise UsageError(f"model {spec.name}: takes no --checkpoint: it has no weights")
        if spec.preset.floor is None:
            raise UsageError(f"model {spec.name}: its preset names no floor (random or majority)")
        return cls(spec.preset.floor, options.seed)

    def prepare(self, requests: Sequence[Request]) -> None:
        """Count the gold answers of the whole plan, each sample once; only "majority" uses them."""
        self._golds.clear()
        self._best.clear()
        samples = {(r.sample.task, r.sample.language, r.sample.id): r.sample.gold for r in requests}
        for (task, language, _), gold in samples.items():
            self._golds[task, language][gold] += 1

    def generate(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Answer each request.

        Raises:
            RuntimeError: "majority" is asked before `prepare`.
        """
        for request in requests:
            draw = random.Random(request_seed(self.seed, request.key))
            value = self._majority(request.sample) if self.kind == "majority" else _random(request.sample, draw)
            yield Response(
                key=request.key,
                text=_in_words(request.sample, value),
                prompt_tokens=0,
                completion_tokens=0,
                choices=self._choices(request, value, draw),
            )

    def fingerprint(self) -> Mapping[str, Any]:
        """Kind, version, and the seed if it matters."""
        return {
            "adapter": "floor",
            "adapter_version": self.version,
            "floor": self.kind,
            "seed": self.seed if self.kind == "random" else None,
        }

    def _majority(self, sample: Sample) -> str:
        if not self._golds:
            raise RuntimeError("the majority floor needs prepare(plan) before generate()")
        shown = tuple(sample.labels)
        key = (sample.task, sample.language, shown)
        if key not in self._best:
            golds = self._golds[sample.task, sample.language]
            # A label that is never gold counts 0: some sample may show nothing but such labels.
            candidates = {label: golds[label] for label in shown} if shown else dict(golds)
            # On a balanced set every constant is a majority: "yes" is the floor that POPE's papers quote (F1 66.7).
            self._best[key] = min(candidates, key=lambda value: (-candidates[value], value != "yes", value), default="")
        return self._best[key]

    def _choices(self, request: Request, value: str, draw: random.Random) -> tuple[ChoiceScore, ...]:
        count = len(request.choices)
        weights = [draw.random() + 1e-9 for _ in range(count)]
        if self.kind == "majority":
            # Choices stand in the order of the options: the one under the majority label gets most of the mass.
            best = _places(request, value)
            weights = [float(count) if place in best else 1.0 for place in range(count)]
        total = sum(weights)
        return tuple(
            ChoiceScore(text, math.log(weight / total), math.log(weight / total), 1)
            for text, weight in zip(request.choices, weights, strict=True)
        )


def _places(request: Request, value: str) -> set[int]:
    labels = request.sample.labels
    if len(labels) == len(request.choices) and value in labels:
        return {labels.index(value)}
    return {
        place for place, choice in enumerate(request.choices) if choice in (value, _in_words(request.sample, value))
    }


def _random(sample: Sample, draw: random.Random) -> str:
    if sample.kind == "yes_no":
        return draw.choice(("yes", "no"))
    return draw.choice(sample.labels) if sample.labels else ""


def _in_words(sample: Sample, value: str) -> str:
    if sample.kind != "yes_no" or value not in ("yes", "no"):
        return value
    from lrm_eval.languages import get

    language = get(sample.language)
    return str((language.yes if value == "yes" else language.no)[0])
