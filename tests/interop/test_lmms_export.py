"""Tasks written for lmms-eval: what their functions do is what a run does, to the last digit."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lrm_eval.errors import RunError, UsageError
from lrm_eval.exports.lmms_eval import export_lmms_eval, read_index
from lrm_eval.interop.lmms_images import StoredImages, write_images
from lrm_eval.languages import get
from lrm_eval.prompts import prompt_text
from lrm_eval.runs.folder import Cell
from lrm_eval.tasks import load_task
from lrm_eval.types import ImageRef

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lrm_eval.runs import RunFolder


def load_yaml(path: Path) -> dict[str, Any]:
    """A task as lmms-eval reads it: `!function utils.f` is `f` of the utils.py beside the file."""

    class Loader(yaml.SafeLoader):
        pass

    def function(_: Any, node: yaml.ScalarNode) -> Any:
        module, name = node.value.rsplit(".", 1)
        spec = importlib.util.spec_from_file_location(module, path.parent / f"{module}.py")
        assert spec is not None and spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        return getattr(loaded, name)

    Loader.add_constructor("!function", function)
    config: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)
    return config


def docs_of(config: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return pq.read_table(path.parent / config["dataset_kwargs"]["data_files"]["test"]).to_pylist()


def score_as_lmms_eval(path: Path, texts: dict[str, str]) -> dict[str, float]:
    """What lmms-eval 0.7.3 does with answers: blanks removed, process_results, an aggregation for each metric."""
    config = load_yaml(path)
    items: dict[str, list[Any]] = {}
    for doc in docs_of(config, path):
        for name, item in config["process_results"](doc, [texts[doc["id"]].strip()]).items():
            items.setdefault(name, []).append(json.loads(json.dumps(item)))
    return {each["metric"]: each["aggregation"](items[each["metric"]]) for each in config["metric_list"]}


@pytest.mark.parametrize("task", ["tiny-mme", "tiny-pope", "tiny-seedbench", "tiny-mmbench"])
def test_scores_there_are_the_scores_here(task: str, random_run: RunFolder, exported: Path) -> None:
    path = exported / f"lrm_{task.replace('-', '_')}" / "sw.yaml"
    texts = {record.sample.id: record.response.text for record in random_run.records(Cell(task, "sw"))}
    found = score_as_lmms_eval(path, texts)
    ours = {
        row.metric: row.value
        for row in random_run.scores()
        if (row.task, row.language, row.rules) == (task, "sw", "multilingual")
    }
    assert found
    for name, value in found.items():
        assert value == (ours[name] if ours[name] is not None else pytest.approx(float("nan"), nan_ok=True)), name
    primary = {row.metric for row in random_run.scores() if row.task == task and row.primary}
    assert next(iter(found)) in primary


def test_the_official_rules_can_be_asked_for(random_run: RunFolder, tmp_path: Path) -> None:
    export_lmms_eval(tmp_path / "x", [(load_task("tiny-pope"), None)], [get("sw")], "official", limit=24)
    texts = {record.sample.id: record.response.text for record in random_run.records(Cell("tiny-pope", "sw"))}
    found = score_as_lmms_eval(tmp_path / "x/lrm_tiny_pope/sw.yaml", texts)
    rows = [row for row in random_run.scores() if row.task == "tiny-pope" and row.language == "sw"]
    official = {row.metric: row.value for row in rows if row.rules == "official"}
    assert {name: official[name] for name in found} == found
    # "ndiyo" is a yes to one of the rule sets only: that it is another number shows that the rules were followed.
    assert found["f1"] != next(row.value for row in rows if row.metric == "f1" and row.rules == "multilingual")


def test_prompts_images_and_budgets_are_those_of_a_run(random_run: RunFolder, exported: Path) -> None:
    path = exported / "lrm_tiny_mmbench" / "sw.yaml"
    config = load_yaml(path)
    docs = {doc["id"]: doc for doc in docs_of(config, path)}
    records = random_run.records(Cell("tiny-mmbench", "sw"))
    assert {record.sample.id for record in records} == set(docs)
    for record in records:
        doc = docs[record.sample.id]
        assert config["doc_to_text"](doc) == prompt_text(record.sample)
        assert doc[config["doc_to_target"]] == record.sample.gold
        assert doc["images"] == [image.sha256 for image in record.sample.images]
    pictures = config["doc_to_visual"](docs[records[0].sample.id])
    assert [picture.mode for picture in pictures] == ["RGB"]
    # Without `until` lmms-eval ends an answer at a blank line.
    assert config["generation_kwargs"] == {
        "max_new_tokens": 16, "do_sample": False, "temperature": 0, "num_beams": 1, "until": [],
    }  # fmt: skip


def test_every_image_stands_once_for_all_languages(exported: Path) -> None:
    import pyarrow.parquet as pq

    folder = exported / "lrm_tiny_pope"
    hashes = pq.read_table(folder / "images.parquet")["sha256"].to_pylist()
    asked = {
        sha256 for tag in ("en", "sw") for row in pq.read_table(folder / f"{tag}.parquet")["images"].to_pylist()
        for sha256 in row
    }  # fmt: skip
    assert len(hashes) == len(set(hashes))
    assert set(hashes) == asked


def test_the_folder_can_be_moved(exported: Path, tmp_path: Path) -> None:
    import shutil

    moved = tmp_path / "elsewhere"
    shutil.copytree(exported, moved)
    config = load_yaml(moved / "lrm_tiny_mme" / "en.yaml")
    doc = docs_of(config, moved / "lrm_tiny_mme" / "en.yaml")[0]
    assert config["doc_to_visual"](doc)
    for path in moved.rglob("*.yaml"):
        assert str(exported) not in path.read_text(encoding="utf-8")


def test_a_configuration_can_be_copied_deeply_as_lmms_eval_does(exported: Path) -> None:
    import copy

    config = load_yaml(exported / "lrm_tiny_pope" / "en.yaml")
    copied = copy.deepcopy(config)
    assert copied["doc_to_visual"] is config["doc_to_visual"]


def test_the_index_tells_which_task_is_which(exported: Path, tmp_path: Path) -> None:
    found = read_index(exported)["lrm_tiny_pope_sw"]
    assert (found.task, found.language, found.rules) == ("tiny-pope", "sw", "multilingual")
    with pytest.raises(UsageError, match=r"no export\.json in it"):
        read_index(tmp_path)
    (tmp_path / "export.json").write_text('{"schema": 99, "tasks": {}}', encoding="utf-8")
    with pytest.raises(UsageError, match="schema 99"):
        read_index(tmp_path)
    (tmp_path / "export.json").write_text("[]", encoding="utf-8")
    with pytest.raises(UsageError, match="not what `lrm-eval export lmms-eval` writes"):
        read_index(tmp_path)


def test_a_folder_with_something_in_it_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is not empty"):
        export_lmms_eval(tmp_path, [(load_task("tiny-pope"), None)], [get("en")], limit=2)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_an_image_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    row = {"image": "gone.png", "question": "Red?", "category": "color"}
    lines = [json.dumps(row | {"id": f"color/1/{n}", "answer": gold}) for n, gold in enumerate(("yes", "no"))]
    (data / "d.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(RunError, match=r"image .*gone\.png: cannot be read"):
        export_lmms_eval(tmp_path / "x", [(load_task("mme"), data)], [get("en")])
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_stored_images_come_back_byte_for_byte(tmp_path: Path) -> None:
    contents = [f"image {number}".encode() for number in range(40)]
    references = [
        ImageRef(f"{number}.png", f"sha{number}", lambda number=number: contents[number]) for number in range(40)
    ]
    assert write_images(tmp_path / "i.parquet", [*references, references[3]]) == 40
    store = StoredImages(tmp_path / "i.parquet")
    assert [store.content(f"sha{number}") for number in (39, 0, 17)] == [contents[39], contents[0], contents[17]]
    with pytest.raises(ValueError, match="has no image other"):
        store.content("other")
    (tmp_path / "bad.parquet").write_bytes(b"nothing")
    with pytest.raises(RunError, match=r"bad\.parquet: cannot be read"):
        StoredImages(tmp_path / "bad.parquet")


def test_the_command_says_what_to_type_next(command: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    status, out, _ = command(
        "export", "lmms-eval", tmp_path / "x", "--tasks", "tiny-pope", "--langs", "sw", "--limit", 4
    )
    assert status == 0
    assert out.splitlines() == [
        "lrm_tiny_pope_sw: 4 questions",
        f"lmms-eval --model … --include_path {tmp_path / 'x'} --tasks lrm_tiny_pope_sw",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tasks", "tiny-pop", "--langs", "sw"), "unknown task 'tiny-pop': did you mean 'tiny-pope'"),
        (("--tasks", "tiny-pope", "--langs", "swahilli"), "did you mean"),
        (("--tasks", "tiny-pope", "--langs", "sw", "--rules", "oficial"), "did you mean 'official'"),
        (("--tasks", "pope", "--langs", "sw", "--data", "pope=/nowhere"), "no such file or folder"),
    ],
)
def test_mistakes_are_one_line(
    words: tuple[str, ...], message: str, command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    status, _, err = command("export", "lmms-eval", tmp_path / "x", *words)
    assert status == 2
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "x").exists()
