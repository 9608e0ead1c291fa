"""Decoding settings: what `--gen-kwargs` may say, checked before anything is loaded."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lrm_eval.errors import UsageError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping


class Decoding(BaseModel):
    """How answers are generated: greedily unless said otherwise. Names and meanings are those of transformers.

    A checkpoint's own generation_config.json gives only its end tokens: sampling or penalties hidden in a file would
    make two models incomparable.

    Attributes:
        max_new_tokens: replaces the task's token budget; None keeps it.
        do_sample: draw tokens, seeded by run seed and request key. Set by a temperature above 0.
        temperature: 0 means greedy, as lmms-eval has it.
        top_p, top_k, min_p: limits of what is drawn; they need sampling.
        num_beams: beam search.
        length_penalty: of beam search.
        repetition_penalty: 1 is none. As in transformers the prompt's tokens count as repeated ones.
        no_repeat_ngram_size: 0 is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_new_tokens: Annotated[int, Field(ge=1)] | None = None
    do_sample: bool = False
    temperature: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    top_k: Annotated[int, Field(ge=0)] = 0
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.0
    num_beams: Annotated[int, Field(ge=1)] = 1
    length_penalty: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    repetition_penalty: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    no_repeat_ngram_size: Annotated[int, Field(ge=0)] = 0

    def for_transformers(self) -> dict[str, Any]:
        """Arguments of a transformers GenerationConfig, all but the token budget. Only what departs from greedy."""
        arguments: dict[str, Any] = {"do_sample": self.do_sample, "num_beams": self.num_beams}
        if self.do_sample:
            arguments.update(temperature=self.temperature, top_p=self.top_p, top_k=self.top_k)
            if self.min_p:
                arguments["min_p"] = self.min_p
        if self.num_beams > 1:
            arguments["length_penalty"] = self.length_penalty
        if self.repetition_penalty != 1:
            arguments["repetition_penalty"] = self.repetition_penalty
        if self.no_repeat_ngram_size:
            arguments["no_repeat_ngram_size"] = self.no_repeat_ngram_size
        return arguments


def parse_decoding(gen_kwargs: Mapping[str, Any]) -> Decoding:
    """Settings from `--gen-kwargs`; values may be typed or text.

    Raises:
        UsageError: an unknown name (with the nearest), a value out of range, or settings that contradict each other.
    """
    asked = dict(gen_kwargs)
    for name in asked:
        if name not in Decoding.model_fields:
            raise unknown("generation setting", name, Decoding.model_fields)
    try:
        given = Decoding(**asked)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise UsageError(f"generation setting {name}={asked[name]}: {first['msg']}") from error
    warm = "temperature" in asked and given.temperature > 0
    if "do_sample" in asked:
        if given.do_sample and given.temperature == 0:
            raise UsageError("generation settings do_sample=true and temperature=0 contradict each other")
        if not given.do_sample and warm and given.temperature != 1:
            raise UsageError("generation setting temperature needs sampling, and do_sample=false forbids it")
    elif warm:
        given = given.model_copy(update={"do_sample": True})
    for name in ("top_p", "top_k", "min_p"):
        if name in asked and not given.do_sample:
            raise UsageError(f"generation setting {name} needs sampling: add temperature=1")
    if "length_penalty" in asked and given.num_beams == 1:
        raise UsageError("generation setting length_penalty needs beam search: add num_beams=4")
    return given


def request_seed(seed: int, key: str) -> int:
    """A seed of 63 bits for one request, so that its draws depend on nothing but the run's seed and its key."""
    digest = hashlib.sha256(f"{seed}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
