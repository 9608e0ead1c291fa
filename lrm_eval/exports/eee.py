"""A run in the form of Every Eval Ever, the shared data base of evaluation results (schema 0.3.0).

    DIR/data/lrm-eval/<developer>/<model>/<uuid>.json            every score with its interval
    DIR/data/lrm-eval/<developer>/<model>/<uuid>_samples.jsonl   with samples: every question of the headline scores

Form: evaleval/every_eval_ever, eval.schema.json and instance_level_eval.schema.json, and what its validator asks beyond
them: bounds that contain the score, proportions on the scale 0 to 1 under the names that all sources share, a path that
follows from the model. The names of the files follow from the content: an export done again writes the same files.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from lrm_eval.errors import RunError, UsageError, unknown
from lrm_eval.exports.eee_metrics import metric_config, part_of
from lrm_eval.runs.folder import Cell, benchmarks
from lrm_eval.scorers.conditions import DELTA, SPREAD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.runs.folder import RunFolder
    from lrm_eval.types import ScoreRow

SCHEMA = "0.3.0"
COLLECTION = "lrm-eval"
Relationship: TypeAlias = Literal["first_party", "third_party", "collaborative", "other"]
RELATIONSHIPS: tuple[Relationship, ...] = get_args(Relationship)
_MODEL = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who says so.

    Attributes:
        organization: who ran the evaluation.
        relationship: of them to the model's developer.
        model_id: `developer/model`; "" takes the hub's name of the run's weights.
    """

    organization: str
    relationship: Relationship = "third_party"
    model_id: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is written: the files by their paths under the data base's root.

    Attributes:
        files: path -> content, the aggregate first.
        scores: how many scores.
        samples: how many questions, 0 without samples.
    """

    files: Mapping[PurePosixPath, bytes]
    scores: int
    samples: int


def evaluation(folder: RunFolder, reporter: Reporter, samples: bool = False, now: datetime | None = None) -> Evaluation:
    """A run as an entry of the data base.

    Args:
        folder: the run.
        reporter: who reports it.
        samples: with the questions and answers. They hold the benchmark's texts: its licence decides whether they may
            be passed on. Tasks without right and wrong (captions) have none.
        now: when the entry is made; None: now.

    Raises:
        UsageError: no model id, or one of another form; an unknown relationship; no organization.
        RunError: the run has no scores, or a file of it is damaged.
    """
    manifest = folder.manifest()
    model = _model_id(folder, manifest, reporter)
    if reporter.relationship not in RELATIONSHIPS:
        raise unknown("relationship", reporter.relationship, RELATIONSHIPS)
    if not reporter.organization.strip():
        raise UsageError("--organization is empty: name who ran the evaluation")
    rows = [row for row in folder.scores() if row.value is not None and row.metric not in (DELTA, SPREAD)]
    if not rows:
        raise RunError(f"{folder.path}: has no scores; finish the run, or `lrm-eval rescore {folder.path}`")
    digest = hashlib.sha256(folder.scores_path.read_bytes()).digest()
    identity = f"{COLLECTION}/{model}/{digest.hex()[:16]}"
    name = str(uuid.UUID(bytes=digest[:16], version=4))
    place = PurePosixPath("data", COLLECTION, *model.split("/"))
    log = _log(manifest, reporter, model, identity, rows, now or datetime.now(UTC))
    files: dict[PurePosixPath, bytes] = {}
    count = 0
    if samples:
        from lrm_eval.exports.eee_samples import sample_lines

        lines = list(sample_lines(folder, manifest, rows, identity, model))
        count = len(lines)
        if lines:
            content = b"".join(map(_line, lines))
            path = place / f"{name}_samples.jsonl"
            files[path] = content
            log["detailed_evaluation_results"] = {
                "format": "jsonl",
                "file_path": str(path),
                "hash_algorithm": "sha256",
                "checksum": hashlib.sha256(content).hexdigest(),
                "total_rows": count,
            }
    text = json.dumps(log, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    return Evaluation({place / f"{name}.json": text.encode(), **files}, len(rows), count)


def result_id(identity: str, row: ScoreRow) -> str:
    """What ties a question to a score."""
    return f"{identity}#{row.task}/{row.language}/{row.condition}/{row.rules}/{row.metric}"


def evaluation_name(row: ScoreRow) -> str:
    """`lrm-eval.<task>.<language>`, with the condition and the part of the benchmark where there is one."""
    condition = "" if row.condition == "default" else f".{row.condition}"
    part = part_of(row.metric)
    return f"{COLLECTION}.{row.task}.{row.language}{condition}" + (f".{part}" if part else "")


def _line(value: Mapping[str, Any]) -> bytes:
    """One line of UTF-8 JSON; lone surrogates of a broken answer are escaped, as in the run folder."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        return (text + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(value, allow_nan=False) + "\n").encode()


def _model_id(folder: RunFolder, manifest: Mapping[str, Any], reporter: Reporter) -> str:
    found = reporter.model_id or str(manifest["model"].get("checkpoint") or "").partition("@")[0]
    if not _MODEL.fullmatch(found):
        if reporter.model_id:
            raise UsageError(f"--model-id {found}: type DEVELOPER/MODEL, e.g. llava-hf/llava-1.5-7b-hf")
        name = manifest["model"]["name"]
        raise UsageError(
            f"{folder.path}: nothing tells whose model {name} is: give --model-id DEVELOPER/MODEL, as on the model hub"
        )
    return found


def _log(
    manifest: Mapping[str, Any], reporter: Reporter, model: str, identity: str, rows: Sequence[ScoreRow], now: datetime
) -> dict[str, Any]:
    command = manifest.get("command", {})
    recorded = {cell["recorded"]["program"] for cell in manifest.get("cells", []) if "recorded" in cell}
    version = str((command.get("versions") or {}).get("lrm_eval") or "unknown")
    library: dict[str, Any] = {"name": "lrm-eval", "version": version}
    if recorded:
        # lrm-eval only scored them.
        library = {
            "name": ", ".join(sorted(recorded)),
            "version": "unknown",
            "additional_details": {"scorer": "lrm-eval"},
        }
    hub = bool(_MODEL.fullmatch(str(manifest["model"].get("checkpoint") or "").partition("@")[0]))
    log = {
        "schema_version": SCHEMA,
        "evaluation_id": identity,
        "retrieved_timestamp": str(int(now.timestamp())),
        "source_metadata": {
            "source_name": "lrm-eval",
            "source_type": "evaluation_run",
            "source_organization_name": reporter.organization.strip(),
            "evaluator_relationship": reporter.relationship,
        },
        "model_info": {
            "name": str(manifest["model"]["name"]),
            "id": model,
            "developer": model.partition("/")[0],
            "additional_details": {
                "deployment_type": "unknown" if recorded else "self_deployed",
                "model_availability": "open_weights" if hub else "unknown",
                "fingerprint": json.dumps(manifest["model"].get("fingerprint"), ensure_ascii=False, sort_keys=True),
            },
        },
        "eval_library": library,
        "evaluation_results": [_result(manifest, identity, row, rows) for row in rows],
    }
    if command.get("finished"):
        log["evaluation_timestamp"] = str(int(datetime.fromisoformat(command["finished"]).timestamp()))
    return log


def _result(manifest: Mapping[str, Any], identity: str, row: ScoreRow, rows: Sequence[ScoreRow]) -> dict[str, Any]:
    benchmark = benchmarks(manifest).get(row.task, row.task)
    config, scale = metric_config(benchmark, row, rows)
    assert row.value is not None
    details: dict[str, Any] = {
        "score": row.value * scale,
        "details": {
            "value_in_lrm_eval": json.dumps(row.value),
            "unparsed_rate": json.dumps(row.unparsed_rate),
            "images": str(row.clusters),
            **({"chance": json.dumps(row.chance)} if row.chance is not None else {}),
            **({"note": row.note} if row.note else {}),
        },
        "uncertainty": {"num_samples": row.n},
    }
    if row.ci_low is not None and row.ci_high is not None:
        details["uncertainty"]["confidence_interval"] = {
            "lower": row.ci_low * scale,
            "upper": row.ci_high * scale,
            "confidence_level": 0.95,
            "method": "clustered by image, see lrm-eval's docs/statistics.md",
        }
    return {
        "evaluation_result_id": result_id(identity, row),
        "evaluation_name": evaluation_name(row),
        "source_data": _source(manifest, row),
        "metric_config": config,
        "score_details": details,
        "generation_config": {"additional_details": _decoding(manifest, row)},
    }


def _source(manifest: Mapping[str, Any], row: ScoreRow) -> dict[str, Any]:
    task = manifest.get("tasks", {}).get(row.task, {})
    cell = _cell(manifest, row)
    details = {
        "language": row.language,
        "provenance": str(cell.get("provenance") or ""),
        "data_sha256": str(cell.get("data_sha256") or ""),
        "licence": str(task.get("licence") or ""),
    }
    dataset = task.get("dataset") or {}
    name = str(task.get("title") or row.task)
    if dataset.get("path") and cell.get("source") is None:
        split = dataset.get("split")
        return {
            "dataset_name": name,
            "source_type": "hf_dataset",
            "hf_repo": str(dataset["path"]),
            "hf_split": ",".join(split) if isinstance(split, list) else str(split),
            "samples_number": int(cell.get("planned", row.n)),
            "additional_details": {**details, "revision": str(cell.get("revision") or "")},
        }
    return {"dataset_name": name, "source_type": "other", "additional_details": details}


def _cell(manifest: Mapping[str, Any], row: ScoreRow) -> Mapping[str, Any]:
    wanted = Cell(row.task, row.language, row.condition)
    for cell in manifest.get("cells", []):
        if Cell(cell["task"], cell["language"], cell["condition"]) == wanted:
            return dict(cell)
    return {}


def _decoding(manifest: Mapping[str, Any], row: ScoreRow) -> dict[str, str]:
    asked = json.dumps(manifest.get("gen_kwargs") or {}, ensure_ascii=False, sort_keys=True)
    return {"gen_kwargs": asked, "seed": str(manifest.get("seed", 0)), "condition": row.condition}
