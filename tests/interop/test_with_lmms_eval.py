"""The real lmms-eval, in an environment of its own: the same checkpoint on the same questions through both harnesses.

make interop        builds the environment (python -m lrm_eval.interop.environment) and runs this file
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lmms_rules
import pytest
from lmms_rules import Answered

import lrm_eval
from lrm_eval.interop.environment import default_folder, interpreter
from lrm_eval.interop.lmms_samples import read_exported
from lrm_eval.runs.folder import Cell
from model_adapters.lmms_name import PYTHON

if TYPE_CHECKING:
    from lrm_eval.runs import RunFolder

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT = ROOT / "lrm_llava" / "checkpoints" / "lrm-llava"
TASKS = ("tiny-mme", "tiny-pope", "tiny-seedbench", "tiny-mmbench")
LANGUAGES = ("en", "sw")
CELLS = [Cell(task, language) for task in TASKS for language in LANGUAGES]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python() -> str:
    found = os.environ.get(PYTHON) or interpreter(default_folder())
    if not found:
        pytest.skip("lmms-eval has no environment: `make interop` builds one and runs this")
    if not (CHECKPOINT / "model.safetensors").is_file():
        pytest.skip("the bundled checkpoint is not built: `lrm-llava tiny build`")
    return str(Path(found).absolute())


@pytest.fixture(scope="module")
def ours(python: str, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The bundled model, asked by this harness."""
    out = tmp_path_factory.mktemp("ours") / "run"
    return lrm_eval.run(
        "lrm-llava", ",".join(LANGUAGES), list(TASKS), limit=24, out=out, device="cpu", report=False
    ).folder


def name_of(cell: Cell) -> str:
    return f"lrm_{cell.task.replace('-', '_')}_{cell.language}"


def lmms_eval(python: str, exported: Path, out: Path, model: str, arguments: str) -> Path:
    """`lmms-eval --model …` over the exported tasks; the folder with its results and logs."""
    command = [python, "-m", "lmms_eval", "--model", model, "--model_args", arguments, "--include_path", str(exported)]
    command += ["--tasks", ",".join(name_of(cell) for cell in CELLS), "--output_path", str(out), "--log_samples"]
    if model.startswith("lrm"):
        command += ["--batch_size", "auto", "--device", "cpu"]
    offline = {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HOME": str(out / "home"),
        "CUDA_VISIBLE_DEVICES": "",
    }
    done = subprocess.run(
        command, env={**os.environ, **offline}, cwd=out.parent, capture_output=True, text=True, check=False
    )
    results = sorted(out.rglob("*_results.json"))
    assert results, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return results[0].parent


@pytest.fixture(scope="module")
def our_model_there(python: str, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("there") / "out"
    return lmms_eval(python, exported, out, "lrm_llava", f"pretrained={CHECKPOINT},dtype=float32")


@pytest.fixture(scope="module")
def their_model_there(python: str, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("theirs") / "out"
    arguments = f"pretrained={CHECKPOINT},device_map=cpu,device=cpu,dtype=float32"
    return lmms_eval(python, exported, out, "llava_hf", arguments)


def logged(folder: Path, cell: Cell, exported: Path) -> dict[str, str]:
    (path,) = folder.glob(f"*_samples_{name_of(cell)}.jsonl")
    return {sample.id: response.text.strip() for sample, response in read_exported(path, exported).pairs}


def answered(folder: RunFolder, cell: Cell) -> dict[str, str]:
    return {record.sample.id: record.response.text.strip() for record in folder.records(cell)}


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_our_model_gives_there_the_answers_and_scores_of_here(
    cell: Cell, ours: RunFolder, our_model_there: Path, exported: Path
) -> None:
    assert logged(our_model_there, cell, exported) == answered(ours, cell)
    (path,) = our_model_there.glob("*_results.json")
    told = json.loads(path.read_text(encoding="utf-8"))["results"][name_of(cell)]
    here = {
        row.metric: row.value
        for row in ours.scores()
        if (row.task, row.language, row.rules) == (cell.task, cell.language, "multilingual")
    }
    found = {
        key.partition(",")[0]: value for key, value in told.items() if key.endswith(",none") and "stderr" not in key
    }
    assert found
    for name, value in found.items():
        if here[name] is not None:
            assert value == here[name], name


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_their_class_gives_the_same_answers_with_the_same_checkpoint(
    cell: Cell, ours: RunFolder, their_model_there: Path, exported: Path
) -> None:
    assert logged(their_model_there, cell, exported) == answered(ours, cell)


def test_their_class_gives_the_same_answers_inside_this_harness(
    python: str, ours: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PYTHON, python)
    name = f"lmms:llava_hf:pretrained={CHECKPOINT},device_map=cpu,device=cpu,dtype=float32"
    result = lrm_eval.run(name, ",".join(LANGUAGES), list(TASKS), limit=24, out=tmp_path / "run", report=False)
    assert result.errors == 0
    for cell in CELLS:
        assert answered(result.folder, cell) == answered(ours, cell), cell
    model = result.folder.manifest()["model"]
    assert (model["name"], model["settings"]["chat"]) == ("lmms:llava_hf:lrm-llava", True)
    assert model["fingerprint"]["class"] == "lmms_eval.models.chat.llava_hf.LlavaHf"
    assert str(ROOT) not in json.dumps(model)


def test_what_their_class_refuses_is_an_error_of_each_question(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PYTHON, python)
    name = f"lmms:llava_hf:pretrained={CHECKPOINT},device_map=cpu,device=cpu"
    result = lrm_eval.run(name, "en", ["tiny-pope"], limit=2, out=tmp_path / "run", batch_size=2, report=False)
    assert result.errors == 2
    (record, *_) = result.folder.records(Cell("tiny-pope", "en"))
    # lmms_eval/models/chat/llava_hf.py: it takes one question at a time and says so.
    assert "batch_size_per_gpu > 1" in str(record.response.error)


def test_an_unknown_class_is_told_with_the_nearest(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from lrm_eval.errors import UsageError
    from model_adapters import load_model, resolve_model

    monkeypatch.setenv(PYTHON, python)
    with pytest.raises(UsageError, match="did you mean 'llava_hf'"):
        load_model(resolve_model("lmms:lava_hf"))


# Answers as models give them, beside those of the checkpoint, so that every rule has something to decide.
ODD = ("Yes.", "Yes, there is.", "No, there is not.", "Ndiyo", "hapana", "", "I see a cat.", "y", "It is not there: no")
ODD_LETTERS = ("B.", "b", "(A)", "The answer is C", "", "A blue ball", "D. none")


def answers_of(ours: RunFolder, task: str, odd: tuple[str, ...]) -> list[Answered]:
    from lrm_eval import answers
    from lrm_eval.types import Response

    found = []
    for number, item in enumerate(ours.items(Cell(task, "sw"), "multilingual")):
        sample, text = item.sample, item.response.text.strip()
        read = item.reading.value
        if number % 2:
            text = odd[number // 2 % len(odd)]
            reading = answers.read(
                task.removeprefix("tiny-"), sample, Response(key=sample.id, text=text), "multilingual"
            )
            read = reading.value
        part = sample.split or "/".join((sample.category, sample.group))
        found.append(Answered(sample.gold, read, text, part))
    return found


@pytest.fixture(scope="module")
def both(python: str, ours: RunFolder) -> tuple[dict[str, list[Answered]], dict[str, float]]:
    """The answers, and what lmms-eval's own scorers make of them."""
    answers = {
        "pope": answers_of(ours, "tiny-pope", ODD),
        "mme": answers_of(ours, "tiny-mme", ODD),
        "seedbench": answers_of(ours, "tiny-seedbench", ODD_LETTERS),
    }
    given = json.dumps({name: [asdict(answer) for answer in part] for name, part in answers.items()})
    script = Path(__file__).with_name("their_scores.py")
    done = subprocess.run([python, str(script)], input=given, capture_output=True, text=True, check=True)
    return answers, json.loads(done.stdout)


def our_values(answers: list[Answered], task: str, ours: RunFolder) -> dict[str, float | None]:
    """Our own scorer over the same answers."""
    from lrm_eval import scorers
    from lrm_eval.types import Item

    items = []
    for answer, item in zip(answers, ours.items(Cell(task, "sw"), "multilingual"), strict=True):
        outcome = "unparsed" if answer.read is None else "read"
        reading = replace(item.reading, value=answer.read, outcome=outcome)
        items.append(Item(item.sample, replace(item.response, text=answer.text), reading))
    declared = list(dict.fromkeys(item.sample.category for item in items))
    return {
        each.name: each.value for each in scorers.metrics(task.removeprefix("tiny-"), items, "multilingual", declared)
    }


def test_every_difference_in_pope_is_a_named_rule(both: Any, ours: RunFolder) -> None:
    answers, theirs = both[0]["pope"], both[1]
    here = our_values(answers, "tiny-pope", ours)
    for name in ("f1", "accuracy", "precision", "recall", "yes_ratio"):
        switched = {"ours": lmms_rules.pope(answers)[name]}
        for count, rule in enumerate(lmms_rules.POPE, 1):
            switched[rule] = lmms_rules.pope(answers, lmms_rules.POPE[:count])[name]
        assert switched["ours"] == pytest.approx(here[name], abs=1e-9), name
        assert list(switched.values())[-1] == pytest.approx(100 * theirs[f"pope/{name}"], abs=1e-9), name
        assert sum(step for _, step in lmms_rules.steps(switched)) == pytest.approx(
            100 * theirs[f"pope/{name}"] - here[name], abs=1e-9
        )


def test_every_difference_in_mme_is_a_named_rule(both: Any, ours: RunFolder) -> None:
    answers, theirs = both[0]["mme"], both[1]
    here = our_values(answers, "tiny-mme", ours)
    total = sum(value for name, value in here.items() if name in ("perception", "cognition") and value is not None)
    assert lmms_rules.mme(answers) == pytest.approx(total, abs=1e-9)
    assert lmms_rules.mme(answers, lmms_rules.MME) == pytest.approx(theirs["mme"], abs=1e-9)


def test_every_difference_in_seedbench_is_a_named_rule(both: Any, ours: RunFolder) -> None:
    answers, theirs = both[0]["seedbench"], both[1]
    here = our_values(answers, "tiny-seedbench", ours)
    assert lmms_rules.seedbench(answers) == pytest.approx(here["accuracy"], abs=1e-9)
    assert lmms_rules.seedbench(answers, lmms_rules.SEEDBENCH) == pytest.approx(100 * theirs["seedbench"], abs=1e-9)


def test_the_page_names_every_rule() -> None:
    page = (ROOT / "docs" / "interop.md").read_text(encoding="utf-8")
    for rule in (*lmms_rules.POPE, *lmms_rules.MME, *lmms_rules.SEEDBENCH):
        assert f"`{rule}`" in page, rule
