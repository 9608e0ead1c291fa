"""The run folder: where everything of a run lies, and how it is read.

    run.json                                      what was asked, versions, hashes, environment, seed
    responses/<task>/<lang>[.<condition>].jsonl   append-only, one line per request
    readings/<rules>/<task>/<lang>….jsonl         derived from responses
    scores.json                                   derived from readings
    images/<sha256>.webp                          thumbnails, so that a page needs nothing but the folder
    report.html

Everything derived can be made again from the responses, without the model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError, UsageError
from lrm_eval.runs.codec import SCORES_SCHEMA, Record, reading_from_dict, score_from_dict
from lrm_eval.runs.manifest import check_manifest
from lrm_eval.runs.responses import read_records, whole_lines
from lrm_eval.types import DEFAULT_CONDITION, Item, Reading, Rules, ScoreRow

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One task in one language under one condition: one file of responses."""

    task: str
    language: str
    condition: str = DEFAULT_CONDITION

    @property
    def stem(self) -> str:
        """`<task>/<lang>[.<condition>]`, the place of its files."""
        tail = "" if self.condition == DEFAULT_CONDITION else f".{self.condition}"
        return f"{self.task}/{self.language}{tail}"

    def __str__(self) -> str:
        tail = "" if self.condition == DEFAULT_CONDITION else f" ({self.condition})"
        return f"{self.task} {self.language}{tail}"


class UnknownSchemaError(RunError):
    """A file in a layout that this version does not know."""


def check_scores_schema(path: Path, data: Any) -> None:
    """Refuse a scores.json of a later version.

    Raises:
        UnknownSchemaError: its schema is none of 1 to SCORES_SCHEMA.
    """
    schema = data.get("schema", 1) if isinstance(data, dict) else 1
    if not isinstance(schema, int) or isinstance(schema, bool) or not 1 <= schema <= SCORES_SCHEMA:
        raise UnknownSchemaError(
            f"{path}: schema {schema!r}, this version of lrm-eval knows 1 to {SCORES_SCHEMA}: use the version that "
            "made it, or `lrm-eval rescore` the folder with this one"
        )


def read_json(path: Path) -> Any:
    """A JSON file of a run folder.

    Raises:
        RunError: it cannot be read or is not JSON; file and line are named.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise RunError(f"{path}: not valid JSON ({error})") from None


class RunFolder:
    """A run on disk. Making one touches nothing; `open` also checks that it is one."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """The run at `path` (the folder, or a file in it such as its report.html).

        Raises:
            UsageError: there is no run there.
        """
        folder = Path(path)
        if folder.is_file():
            folder = folder.parent
        if not folder.exists():
            raise UsageError(f"no run folder {folder}: it does not exist; `lrm-eval run --model M --langs L` makes one")
        if not (folder / "run.json").is_file():
            what = f"{path} is not in a run folder" if Path(path).is_file() else f"{folder} is not a run folder"
            raise UsageError(f"{what}: it has no run.json")
        return cls(folder)

    @property
    def manifest_path(self) -> Path:
        """run.json."""
        return self.path / "run.json"

    @property
    def scores_path(self) -> Path:
        """scores.json."""
        return self.path / "scores.json"

    @property
    def report_path(self) -> Path:
        """report.html."""
        return self.path / "report.html"

    @property
    def images_path(self) -> Path:
        """The folder of thumbnails, `<sha256>.webp`."""
        return self.path / "images"

    def responses_path(self, cell: Cell) -> Path:
        """The responses file of a cell."""
        return self.path / "responses" / f"{cell.stem}.jsonl"

    def readings_path(self, cell: Cell, rules: Rules) -> Path:
        """The readings file of a cell under a rule set."""
        return self.path / "readings" / rules / f"{cell.stem}.jsonl"

    def thumbnail(self, sha256: str) -> Path | None:
        """The thumbnail of an image, or None if none was kept."""
        path = self.images_path / f"{sha256}.webp"
        return path if path.is_file() else None

    def manifest(self) -> dict[str, Any]:
        """run.json.

        Raises:
            RunError: missing, damaged or of a newer version.
        """
        return check_manifest(self.manifest_path, read_json(self.manifest_path))

    def scores(self) -> list[ScoreRow]:
        """The rows of scores.json.

        Raises:
            RunError: missing or damaged; `lrm-eval rescore` makes it again.
        """
        again = f"`lrm-eval rescore {self.path}` makes it again"
        try:
            data = read_json(self.scores_path)
            check_scores_schema(self.scores_path, data)
            return [score_from_dict(row) for row in data["scores"]]
        except UnknownSchemaError:
            raise
        except RunError as error:
            raise RunError(f"{error}; {again}") from None
        except (KeyError, TypeError) as error:
            raise RunError(f"{self.scores_path}: not a table of scores ({error!r}); {again}") from None

    def cells(self) -> list[Cell]:
        """Every task x language x condition with a responses file, sorted; finished or not."""
        found = []
        for path in (self.path / "responses").glob("*/*.jsonl"):
            language, _, condition = path.stem.partition(".")
            found.append(Cell(path.parent.name, language, condition or DEFAULT_CONDITION))
        return sorted(found)

    def planned(self) -> dict[Cell, int]:
        """How many requests each cell of run.json has."""
        return {
            Cell(cell["task"], cell["language"], cell["condition"]): int(cell["planned"])
            for cell in self.manifest().get("cells", [])
        }

    def records(self, cell: Cell) -> list[Record]:
        """What was asked and answered, in the order of the responses file; of each key the last line.

        Raises:
            RunError: a line is damaged; file and line are named.
        """
        return read_records(self.responses_path(cell))

    def readings(self, cell: Cell, rules: Rules) -> dict[str, Reading]:
        """The readings of a cell by key; empty if they were not derived yet.

        Raises:
            RunError: a line is damaged; `lrm-eval rescore` makes the file again.
        """
        path = self.readings_path(cell, rules)
        found: dict[str, Reading] = {}
        for number, line in whole_lines(path):
            try:
                data = json.loads(line)
                found[data["key"]] = reading_from_dict(data)
            except (ValueError, KeyError, TypeError) as error:
                raise RunError(
                    f"{path}, line {number}: not a reading ({error!r}); `lrm-eval rescore {self.path}` makes it again"
                ) from None
        return found

    def items(self, cell: Cell, rules: Rules) -> list[Item]:
        """Samples with responses and readings, in the order of the task's data; the input of scorers and pages.

        Raises:
            RunError: a file is damaged, or readings are missing (`lrm-eval rescore` makes them).
        """
        readings = self.readings(cell, rules)
        items = []
        for record in in_data_order(self.records(cell)):
            reading = readings.get(record.key)
            if reading is None:
                raise RunError(
                    f"{self.readings_path(cell, rules)} has no reading of {record.key}: "
                    f"finish the run, or `lrm-eval rescore {self.path}`"
                )
            items.append(Item(record.sample, record.response, reading))
        return items


def in_data_order(records: list[Record]) -> list[Record]:
    """Sorted by place in the task's data, so that scores do not depend on the order of the answers."""
    return sorted(records, key=lambda record: (record.order, record.key))


def benchmarks(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The benchmark of each task of run.json, e.g. {"tiny-mme": "mme"}."""
    return {name: str(task["benchmark"]) for name, task in manifest.get("tasks", {}).items()}


def categories(manifest: Mapping[str, Any], task: str) -> list[str] | None:
    """The categories a task of run.json consists of, or None if it has none."""
    found = manifest.get("tasks", {}).get(task, {}).get("categories")
    return [str(name) for name in found] if found else None
