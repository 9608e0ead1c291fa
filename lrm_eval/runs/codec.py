"""Between the nouns of `lrm_eval.types` and lines of JSON.

Written by hand: a run has hundreds of thousands of rows, and a validating model per row costs more
than everything else the harness does with it. `decode_record` is strict about what it needs and
raises ValueError, to which the reader of the file adds file and line.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lrm_eval.types import ChoiceScore, ImageRef, Reading, Response, Sample, ScoreRow, TextPart

if TYPE_CHECKING:
    from lrm_eval.types import Request

Json: TypeAlias = dict[str, Any]

# 1: rows without the versions of task and rules. 2: with them.
SCORES_SCHEMA = 2

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_ascii = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a responses file: what was asked and what came back.

    Attributes:
        key: the request's key.
        order: position of the sample in the task's data file.
        sample: everything that scoring needs; its images can be read while they still lie where they lay.
        response: what the adapter answered.
        request: digest of prompt text and token budget (`request_digest`); "" where the line has none.
    """

    key: str
    order: int
    sample: Sample
    response: Response
    request: str = ""


def dumps_line(value: Json) -> bytes:
    """One line of UTF-8 JSON with its line end; lone surrogates of a broken answer are escaped."""
    try:
        return (_encode(value) + "\n").encode("utf-8")
    except UnicodeEncodeError:
        return (_encode_ascii(value) + "\n").encode("ascii")


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _read_uri(uri: str) -> bytes:
    return Path(uri).read_bytes()


def sample_to_dict(sample: Sample) -> Json:
    """The fields of a sample as plain JSON; an image is its address and content hash."""
    return {
        "id": sample.id,
        "task": sample.task,
        "language": sample.language,
        "kind": sample.kind,
        "question": sample.question,
        "gold": sample.gold,
        "instruction": sample.instruction,
        "hint": sample.hint,
        "options": list(sample.options),
        "labels": list(sample.labels),
        "category": sample.category,
        "split": sample.split,
        "group": sample.group,
        "cluster": sample.cluster,
        "order": sample.order,
        "images": [{"uri": image.uri, "sha256": image.sha256} for image in sample.images],
    }


def sample_from_dict(data: Json) -> Sample:
    """The sample again. Its image readers read the `uri` where that is a file, and raise OSError otherwise.

    Raises:
        KeyError: a field is missing.
    """
    return Sample(
        id=data["id"],
        task=data["task"],
        language=data["language"],
        kind=data["kind"],
        question=data["question"],
        gold=data["gold"],
        images=tuple(
            ImageRef(image["uri"], image["sha256"], functools.partial(_read_uri, image["uri"]))
            for image in data["images"]
        ),
        instruction=data["instruction"],
        hint=data["hint"],
        options=tuple(data["options"]),
        labels=tuple(data["labels"]),
        category=data["category"],
        split=data["split"],
        group=data["group"],
        cluster=data["cluster"],
        order=data["order"],
    )


def response_to_dict(response: Response) -> Json:
    """The fields of a response but its key; a log-probability that is not finite becomes null."""
    return {
        "text": response.text,
        "finish_reason": response.finish_reason,
        "prompt_tokens": response.prompt_tokens,
        "completion_tokens": response.completion_tokens,
        "choices": [
            {
                "text": choice.text,
                "logprob_sum": _finite(choice.logprob_sum),
                "logprob_mean": _finite(choice.logprob_mean),
                "tokens": choice.tokens,
            }
            for choice in response.choices
        ],
        "prompt": response.prompt,
        "error": response.error,
    }


def _logprob(value: float | None) -> float:
    # JSON has no infinity; an impossible choice is the only one whose log-probability is not finite.
    return -math.inf if value is None else float(value)


def response_from_dict(key: str, data: Json) -> Response:
    """The response again.

    Raises:
        KeyError: a field is missing.
    """
    return Response(
        key=key,
        text=data["text"],
        finish_reason=data["finish_reason"],
        prompt_tokens=data["prompt_tokens"],
        completion_tokens=data["completion_tokens"],
        choices=tuple(
            ChoiceScore(
                choice["text"], _logprob(choice["logprob_sum"]), _logprob(choice["logprob_mean"]), choice["tokens"]
            )
            for choice in data["choices"]
        ),
        prompt=data["prompt"],
        error=data["error"],
    )


def request_digest(request: Request) -> str:
    """16 hex digits over prompt text, token budget, system text and examples: what the sample's fields do not hold."""
    texts = [part.text for part in request.parts if isinstance(part, TextPart)]
    about: list[Any] = [texts, request.max_new_tokens]
    if request.system or request.shots:
        shots = [
            [*(part.text for part in shot.parts if isinstance(part, TextPart)), shot.answer] for shot in request.shots
        ]
        about += [request.system, shots]
    asked = _encode_ascii(about)
    return hashlib.sha256(asked.encode("ascii")).hexdigest()[:16]


def encode_record(request: Request, response: Response) -> bytes:
    """The line of a responses file."""
    sample = request.sample
    return dumps_line(
        {
            "key": request.key,
            "order": sample.order,
            "request": request_digest(request),
            "sample": sample_to_dict(sample),
            "response": response_to_dict(response),
        }
    )


def parse_line(line: bytes) -> Json:
    """A line of a responses file as JSON, its shape checked.

    Raises:
        ValueError: it is no JSON object with key, sample and response.
    """
    data = json.loads(line)
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    for name, kind in (("key", str), ("order", int), ("sample", dict), ("response", dict)):
        if not isinstance(data.get(name), kind):
            raise ValueError(f"no {name!r}, or not of type {kind.__name__}")
    return data


def decode_record(line: bytes) -> Record:
    """A line of a responses file.

    Raises:
        ValueError: it is not what `encode_record` writes.
    """
    data = parse_line(line)
    try:
        return Record(
            data["key"],
            data["order"],
            sample_from_dict(data["sample"]),
            response_from_dict(data["key"], data["response"]),
            str(data.get("request", "")),
        )
    except KeyError as missing:
        raise ValueError(f"no field {missing}") from None
    except TypeError as error:
        raise ValueError(f"a field of another type ({error})") from None


def reading_to_dict(key: str, reading: Reading) -> Json:
    """A line of a readings file."""
    return {
        "key": key,
        "value": reading.value,
        "rule": reading.rule,
        "outcome": reading.outcome,
        "language": reading.language,
    }


def reading_from_dict(data: Json) -> Reading:
    """The reading again.

    Raises:
        KeyError: a field is missing.
    """
    return Reading(data["value"], data["rule"], data["outcome"], data["language"])


def score_to_dict(row: ScoreRow) -> Json:
    """A row of scores.json; numbers are not rounded, undefined ones are null."""
    return {
        "model": row.model,
        "task": row.task,
        "language": row.language,
        "condition": row.condition,
        "rules": row.rules,
        "metric": row.metric,
        "value": _finite(row.value),
        "ci_low": _finite(row.ci_low),
        "ci_high": _finite(row.ci_high),
        "n": row.n,
        "clusters": row.clusters,
        "unparsed_rate": _finite(row.unparsed_rate),
        "outcomes": dict(row.outcomes),
        "primary": row.primary,
        "note": row.note,
        "task_version": row.task_version,
        "rules_version": row.rules_version,
        "chance": _finite(row.chance),
        "chance_corrected": _finite(row.chance_corrected),
    }


def score_from_dict(data: Json) -> ScoreRow:
    """The row again. Fields that have a default may be missing: older rows lack them.

    Raises:
        KeyError: any other field is missing.
    """
    fields = ScoreRow.__dataclass_fields__.values()
    return ScoreRow(**{item.name: data[item.name] for item in fields if item.name in data or item.default is MISSING})


def dumps_scores(rows: list[ScoreRow]) -> str:
    """scores.json: valid JSON, one row a line, so that two runs can be compared with `diff`."""
    lines = ",\n".join(json.dumps(score_to_dict(row), ensure_ascii=False) for row in rows)
    return f'{{"schema": {SCORES_SCHEMA}, "scores": [' + (f"\n{lines}\n" if lines else "") + "]}\n"
