"""Every Eval Ever's own schema files, where somebody put them: `make interop` does.

pip download --no-deps --python-version 3.12 --only-binary=:all: every-eval-ever==0.3.0
unzip every_eval_ever-*.whl; LRM_EVAL_EEE_SCHEMAS=every_eval_ever/schemas pytest tests/interop/test_every_eval_ever.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lrm_eval.exports.eee import SCHEMA, Reporter, evaluation

if TYPE_CHECKING:
    from lrm_eval.runs import RunFolder

SCHEMAS = os.environ.get("LRM_EVAL_EEE_SCHEMAS", "")

pytestmark = pytest.mark.skipif(not SCHEMAS, reason="needs Every Eval Ever's schemas: see the top of this file")


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(SCHEMAS) / name).read_text(encoding="utf-8"))
    return found


def test_a_run_is_valid_under_the_real_schemas(random_run: RunFolder) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="pip install jsonschema")
    made = evaluation(random_run, Reporter("A Laboratory", "third_party", "some-group/some-model"), samples=True)
    log, lines = (content.decode() for content in made.files.values())
    assert schema("eval.schema.json")["version"] == SCHEMA
    jsonschema.Draft7Validator(schema("eval.schema.json")).validate(json.loads(log))
    each = jsonschema.Draft7Validator(schema("instance_level_eval.schema.json"))
    for line in lines.splitlines():
        each.validate(json.loads(line))
    assert made.samples > 100


def test_what_the_data_bases_validator_asks_beyond_the_schema_holds(random_run: RunFolder) -> None:
    made = evaluation(random_run, Reporter("A Laboratory", "third_party", "some-group/some-model"), samples=True)
    files = {str(path): content.decode() for path, content in made.files.items()}
    checks = """
import json, sys
from every_eval_ever.validator import validation_core as v
files = json.load(sys.stdin)
found = []
for path, text in files.items():
    found += v.check_path_structure(path)
    if path.endswith(".json"):
        data = json.loads(text)
        found += v.check_score_metadata(data) + v.check_model_deployment(data) + v.check_model_identity_path(path, data)
        found += v.check_companion_exists(path, data, frozenset(files), files.__getitem__)
print(json.dumps(found))
"""
    package = Path(SCHEMAS).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", checks],
        env={**os.environ, "PYTHONPATH": str(package)},
        input=json.dumps(files),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []


def test_the_schema_is_strict_enough_to_find_a_mistake(random_run: RunFolder) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="pip install jsonschema")
    made = evaluation(random_run, Reporter("A Laboratory", "third_party", "some-group/some-model"))
    log = json.loads(next(iter(made.files.values())))
    del log["model_info"]["id"]
    with pytest.raises(jsonschema.ValidationError, match="'id' is a required property"):
        jsonschema.Draft7Validator(schema("eval.schema.json")).validate(log)
