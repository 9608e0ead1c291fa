"""The wheel holds everything that a run needs, and runs without the checkout."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ("mme", "pope", "seedbench", "mmbench")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    # Without hatchling here, build gets it for itself from the package registry.
    isolation = ["--no-isolation"] if importlib.util.find_spec("hatchling") else []
    command = [sys.executable, "-m", "build", "--wheel", *isolation, "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _tracked(folder, pattern):
    return {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob(pattern) if "__pycache__" not in path.parts}


def _there(names, wanted, moved=""):
    assert wanted
    assert {f"{moved}{name}" for name in wanted} - names == set()


def test_tasks_with_packs_and_tiny_data_are_in_the_wheel(names):
    _there(names, _tracked("tasks", "*.*"), "lrm_eval/_data/")
    for benchmark in BENCHMARKS:
        assert f"lrm_eval/_data/tasks/{benchmark}/base.yaml" in names
        assert f"lrm_eval/_data/tasks/tiny-{benchmark}/data.parquet" in names
        assert f"lrm_eval/_data/tasks/tiny-{benchmark}/packs/sw.jsonl" in names


def test_templates_and_published_numbers_are_in_the_wheel(names):
    _there(names, _tracked("reports/templates", "*.*"), "lrm_eval/_data/")
    _there(names, _tracked("results/published", "*.csv"), "lrm_eval/_data/")


def test_languages_presets_grammars_and_wordings_are_in_the_wheel(names):
    for folder in (
        "lrm_eval/languages/data", "model_adapters/presets", "lrm_llava/tiny/grammar", "lrm_llava/instructions/data",
    ):  # fmt: skip
        _there(names, _tracked(folder, "*.yaml"))


def test_code_and_type_marker_are_in_the_wheel(names):
    for package in ("lrm_eval", "model_adapters", "lrm_llava"):
        _there(names, _tracked(package, "*.py"))
    assert "lrm_eval/py.typed" in names


def test_checkpoints_of_the_presets_are_in_the_wheel(names):
    import yaml

    for preset in (ROOT / "model_adapters" / "presets").glob("*.yaml"):
        bundled = (yaml.safe_load(preset.read_text(encoding="utf-8")).get("checkpoint") or {}).get("bundled")
        if bundled:
            assert f"lrm_llava/{bundled}/config.json" in names
            assert f"lrm_llava/{bundled}/model.safetensors" in names


def test_nothing_of_runs_tests_or_this_machine_is_in_the_wheel(wheel, names):
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"lrm_eval", "model_adapters", "lrm_llava"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".partial"))]
    inside = [name for name in names if name.startswith("lrm_eval/_data/results/")]
    assert all(name.startswith("lrm_eval/_data/results/published/") for name in inside)
    with zipfile.ZipFile(wheel) as archive:
        for name in names:
            if name.endswith((".py", ".yaml", ".json", ".md")):
                assert str(ROOT).encode() not in archive.read(name), name


def test_console_scripts_and_adapters_are_entry_points(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        text = archive.read(points).decode()
    assert "lrm-eval = lrm_eval.cli:main" in text
    assert "lrm-llava = lrm_llava.cli:main" in text
    assert "[lrm_eval.adapters]" in text


def test_version_of_wheel_package_and_citation_agree(wheel):
    from lrm_eval import __version__

    assert wheel.name.split("-")[1] == __version__
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The wheel installed into a folder of its own; what it depends on comes from this environment."""
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    done = subprocess.run([*command, str(wheel)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return target


def _run(installed, folder, *arguments):
    """`lrm-eval` of the installation, from a folder that is not the checkout."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # -P: the folder it is started in is not looked into. An editable install of the checkout comes later on the path.
    return subprocess.run(
        [sys.executable, "-P", "-m", "lrm_eval.cli", *arguments],
        cwd=folder, env={**kept, "PYTHONPATH": str(installed)}, timeout=600, check=False,
        capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_installed_wheel_lists_its_own_tasks(installed, tmp_path):
    done = _run(installed, tmp_path, "tasks", "--json")
    assert done.returncode == 0, done.stderr
    states = {(one["task"], one["language"]): one["state"] for one in json.loads(done.stdout)["tasks"]}
    assert states["tiny-mme", "sw"] == "ready"
    where = subprocess.run(
        [sys.executable, "-P", "-c", "import lrm_eval.resources as r; print(r.tasks_dir())"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(where.stdout.strip()) == installed / "lrm_eval" / "_data" / "tasks"


@pytest.mark.slow
def test_installed_wheel_runs_and_reports_without_the_checkout(installed, tmp_path):
    done = _run(installed, tmp_path, "run", "--model", "random", "--suite", "tiny", "--langs", "sw,en", "--out", "run")
    assert done.returncode == 0, done.stderr
    scores = json.loads((tmp_path / "run" / "scores.json").read_text(encoding="utf-8"))["scores"]
    assert {row["task"] for row in scores} == {f"tiny-{name}" for name in BENCHMARKS}
    assert {row["language"] for row in scores} == {"sw", "en"}
    assert "<html" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert str(ROOT) not in (tmp_path / "run" / "run.json").read_text(encoding="utf-8")


@pytest.mark.slow
def test_installed_wheel_runs_its_bundled_checkpoint(installed, tmp_path):
    asked = ("--langs", "sw,en", "--tasks", "mme", "--limit", "4", "--out", "run")
    done = _run(installed, tmp_path, "run", "--model", "lrm-llava", *asked)
    assert done.returncode == 0, done.stderr
