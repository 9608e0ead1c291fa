"""Reading the answers of many runs, quickly: what lines of different runs have in common is decoded once.

Twenty models are asked the same questions, and most readings are one of a few. Decoding each line whole takes four
times as long as looking the common part up. What does not look as our own writer left it is read by the run folder,
which is strict and tells file and line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError
from lrm_eval.runs import RunFolder
from lrm_eval.runs.codec import reading_from_dict, response_from_dict, sample_from_dict
from lrm_eval.types import Item, Reading, Rules, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lrm_eval.reporting.source import RunSource

# Inside a JSON string every quotation mark has a backslash before it: none of these can stand there.
_KEY, _ORDER, _SAMPLE, _RESPONSE, _VALUE = b'{"key":', b',"order":', b',"sample":', b',"response":', b',"value":'


@dataclass
class Shared:
    """What was decoded already, by its bytes."""

    samples: dict[bytes, Sample] = field(default_factory=dict)
    readings: dict[bytes, Reading] = field(default_factory=dict)


def read_cell(run: RunSource, cell: Any, shared: Shared) -> tuple[list[Item], list[Reading]]:
    """The items of one cell read under the multilingual rules, and their official readings in the same order.

    Args:
        run: any source; a run folder is read the quick way.
        cell: one of `run.cells()`.
        shared: keeps what cells have in common; the same one for all runs of a page.

    Raises:
        RunError: a file is damaged or a reading is missing; `lrm-eval rescore` is named where it helps.
    """
    if isinstance(run, RunFolder):
        found = _quickly(run, cell, shared)
        if found is not None:
            return found
    items = list(run.items(cell, "multilingual"))
    known = run.readings(cell, "official")
    _check_whole(run, cell, len(items), len(known))
    return items, [_reading(known, item, run) for item in items]


def refuse_cut_off(run: RunSource) -> None:
    """For what is made of scores alone: are the answers behind them still there?

    Counts lines, which is quick; whoever needs the answers reads them with `read_cell`.

    Raises:
        RunError: a responses file has fewer lines than answers were read from it.
    """
    if not isinstance(run, RunFolder):
        return
    for cell in run.cells():
        path = run.readings_path(cell, "multilingual")
        scored = path.read_bytes().count(b"\n") if path.is_file() else 0
        _check_whole(run, cell, run.responses_path(cell).read_bytes().count(b"\n"), scored)


def _check_whole(run: RunSource, cell: Any, answers: int, scored: int) -> None:
    if answers < scored:
        raise RunError(
            f"{run.path}: the responses of {cell} are {answers}, and {scored} were scored: the file was cut off or "
            f"changed. Restore it, or `lrm-eval rescore {run.path}` to score what is left"
        )


def _reading(known: Any, item: Item, run: RunSource) -> Reading:
    found: Reading | None = known.get(item.response.key)
    if found is None:
        raise RunError(
            f"{run.path}: no official reading of {item.response.key}: `lrm-eval rescore {run.path}` makes the "
            "readings again"
        )
    return found


def _quickly(run: RunFolder, cell: Any, shared: Shared) -> tuple[list[Item], list[Reading]] | None:
    """None if anything is not as expected: the strict reader then tells what.

    Raises:
        RunError: answers that were scored are no longer there.
    """
    try:
        multilingual = _readings(run.readings_path(cell, "multilingual"), shared)
        official = _readings(run.readings_path(cell, "official"), shared)
        rows = []
        for line in _lines(run.responses_path(cell)):
            at_order = line.index(_ORDER)
            at_sample = line.index(_SAMPLE, at_order)
            at_response = line.index(_RESPONSE, at_sample)
            raw = line[at_sample + len(_SAMPLE) : at_response]
            sample = shared.samples.get(raw)
            if sample is None:
                sample = shared.samples.setdefault(raw, sample_from_dict(json.loads(raw)))
            key = line[len(_KEY) : at_order]
            # Without a backslash a JSON string is its own text.
            name = json.loads(key) if b"\\" in key else key[1:-1].decode("utf-8")
            told = json.loads(line[at_response + len(_RESPONSE) : -1])
            response = response_from_dict(name, told)
            # Other fields may stand between the place and the question.
            place = line[at_order + len(_ORDER) : at_sample].partition(b",")[0]
            rows.append((int(place), name, key, sample, response))
        # Of each key the last line counts; the order is that of the data.
        last = {row[1]: row for row in rows}
        _check_whole(run, cell, len(last), len(multilingual))
        ordered = sorted(last.values(), key=lambda row: row[:2])
        return (
            [Item(sample, response, multilingual[key]) for _, _, key, sample, response in ordered],
            [official[key] for _, _, key, _, _ in ordered],
        )
    except (KeyError, TypeError, ValueError, OSError):
        return None


def _readings(path: Path, shared: Shared) -> dict[bytes, Reading]:
    found = {}
    for line in _lines(path):
        cut = line.index(_VALUE)
        tail = line[cut:]
        reading = shared.readings.get(tail)
        if reading is None:
            reading = shared.readings.setdefault(tail, reading_from_dict(json.loads(b"{" + tail[1:])))
        found[line[len(_KEY) : cut]] = reading
    return found


def _lines(path: Path) -> Iterator[bytes]:
    """Whole lines that begin with a key; a half-written last one is left out.

    Raises:
        ValueError: a line begins otherwise.
        OSError: the file cannot be read.
    """
    lines = path.read_bytes().split(b"\n")
    lines.pop()
    for line in lines:
        if not line.startswith(_KEY) or not line.endswith(b"}"):
            raise ValueError("not as our writer leaves it")
        yield line


def other_rules(items: list[Item], readings: list[Reading], rules: Rules) -> list[Item]:
    """The items under a rule set: as they are for the multilingual rules, with the official readings otherwise."""
    if rules == "multilingual":
        return items
    return [Item(item.sample, item.response, reading) for item, reading in zip(items, readings, strict=True)]
