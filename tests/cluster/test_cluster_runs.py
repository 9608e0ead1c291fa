"""Runs on a real Ray cluster of one machine with two slots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from drawn_mme_for_tests import PLUGIN, processes_by_image, texts

import lrm_eval
from lrm_eval.cluster import ClusterOptions
from lrm_eval.errors import RunError, UsageError
from lrm_eval.runs.observer import Silent

if TYPE_CHECKING:
    from pathlib import Path


class Told(Silent):
    """Keeps what a run says."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.workers_seen: list[tuple[int, int]] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def workers(self, ready: int, wanted: int) -> None:
        self.workers_seen.append((ready, wanted))


def evaluate(drawn: Path, out: Path, model: str = "hardy", **options: Any) -> lrm_eval.RunResult:
    return lrm_eval.run(model, "en,sw", data={"mme": drawn}, out=out, include_paths=[PLUGIN], report=False, **options)


def test_two_workers_give_the_files_of_one_process_and_split_no_image(
    drawn: Path, tmp_path: Path, ray_address: str
) -> None:
    alone = evaluate(drawn, tmp_path / "alone")
    told = Told()
    spread = evaluate(
        drawn, tmp_path / "spread", "hardy:delay=0.01", cluster=ClusterOptions(ray_address), observer=told
    )
    assert texts(spread) == texts(alone)
    scores = [(result.folder.path / "scores.json").read_text(encoding="utf-8") for result in (alone, spread)]
    assert scores[0] == scores[1].replace("hardy:delay=0.01", "hardy")
    by_image = processes_by_image(spread)
    assert {len(processes) for processes in by_image.values()} == {1}
    assert told.workers_seen[-1] == (2, 2)
    settings = spread.folder.manifest()["model"]["settings"]
    assert settings["workers"] == 2
    performance = spread.folder.manifest()["command"]["performance"]
    assert performance["prompts"] == 48
    assert performance["workers_ended"] == 0


def test_a_model_that_cannot_be_loaded_is_one_line_and_leaves_nothing(
    drawn: Path, tmp_path: Path, ray_address: str
) -> None:
    with pytest.raises(UsageError) as error:
        evaluate(drawn, tmp_path / "run", "hardy:refuse=1", cluster=ClusterOptions(ray_address))
    assert "checkpoint of hardy:refuse=1: has no weights" in str(error.value)
    assert "the worker on " in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_a_floor_needs_no_workers(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="type `pip install 'lrm-eval[ray]'`")
    told = Told()
    options: dict[str, Any] = {"suite": "tiny", "limit": 8, "report": False, "observer": told}
    floor = lrm_eval.run("majority", "en", "pope", out=tmp_path / "run", cluster=ClusterOptions("local"), **options)
    assert floor.asked == 8
    told_why = "--ray: majority computes nothing and sees the whole plan: it answers in this process, without workers"
    assert told.notices == [told_why]


def test_an_address_where_nothing_answers_is_refused_at_once(drawn: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="type `pip install 'lrm-eval[ray]'`")
    with pytest.raises(UsageError, match=r"--ray 127\.0\.0\.1:9: nothing answers there \(.*`ray start --head`"):
        evaluate(drawn, tmp_path / "run", cluster=ClusterOptions("127.0.0.1:9"))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_an_image_that_kills_workers_is_given_up_alone_and_asked_again_later(
    drawn: Path, tmp_path: Path, ray_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Workers get the environment of their machine, not of this process: the switch is a file that both know.
    poison = drawn / "poison"
    model = f"hardy:poison=003+switch={poison}"
    poison.touch()
    told = Told()
    options: dict[str, Any] = {"cluster": ClusterOptions(ray_address), "observer": told}
    hurt = evaluate(drawn, tmp_path / "run", model, **options)
    assert hurt.errors == 4
    lost = [
        record
        for cell in hurt.folder.cells()
        for record in hurt.folder.records(cell)
        if record.response.error is not None
    ]
    assert {record.sample.images[0].uri for record in lost} == {str(drawn / "003.png")}
    assert lost[0].response.error == (
        "given up: 3 workers ended while they answered the questions on this image (the last: its process died)"
    )
    assert any("given up: the questions on" in notice and "003.png (4)" in notice for notice in told.notices)
    poison.unlink()
    well = evaluate(drawn, tmp_path / "run", model, **options)
    assert well.errors == 0
    assert well.asked == 4
    alone = evaluate(drawn, tmp_path / "alone", model)
    scores = [(result.folder.path / "scores.json").read_bytes() for result in (alone, well)]
    assert scores[0] == scores[1]


@pytest.mark.slow
def test_a_model_that_always_breaks_stops_the_run(drawn: Path, tmp_path: Path, ray_address: str) -> None:
    with pytest.raises(RunError, match=r"6 workers ended one after the other .* ValueError: the device is on fire"):
        evaluate(drawn, tmp_path / "run", "hardy:fire=1", cluster=ClusterOptions(ray_address))


@pytest.mark.slow
def test_workers_that_die_while_they_load_stop_the_run(drawn: Path, tmp_path: Path, ray_address: str) -> None:
    with pytest.raises(RunError, match="workers end while they load the model"):
        evaluate(drawn, tmp_path / "run", "hardy:dies=1", cluster=ClusterOptions(ray_address))


@pytest.mark.slow
def test_a_worker_with_another_model_is_not_let_in(drawn: Path, tmp_path: Path, ray_address: str) -> None:
    told = Told()
    options: dict[str, Any] = {"cluster": ClusterOptions(ray_address), "observer": told}
    result = evaluate(drawn, tmp_path / "run", "hardy:other=1+delay=0.1", **options)
    assert result.errors == 0
    assert len(set.union(*processes_by_image(result).values())) == 1
    assert any("loaded another model than the first (weights:" in notice for notice in told.notices)
