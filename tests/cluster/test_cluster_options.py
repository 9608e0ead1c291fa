from __future__ import annotations

import importlib.util

import pytest

from lrm_eval.cluster.options import ClusterOptions, lacking, room
from lrm_eval.commands.options import parse_cluster, with_address
from lrm_eval.errors import UsageError

EIGHT = {"CPU": 64.0, "GPU": 8.0}
PLAIN = {"CPU": 4.0}


@pytest.fixture
def _with_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)


@pytest.mark.usefixtures("_with_ray")
@pytest.mark.parametrize(
    ("options", "device", "message"),
    [
        (ClusterOptions(workers=0), None, "--workers 0: ask for at least one"),
        (ClusterOptions(cpus=0), None, "--cpus-per-worker 0: a worker needs more than none"),
        (ClusterOptions(gpus=1.5), None, "--gpus-per-worker 1.5: type a whole number, a part of one"),
        (ClusterOptions(gpus=-1), None, "--gpus-per-worker -1: type a whole number"),
        (ClusterOptions(gpus=float("nan")), None, "--gpus-per-worker nan: type a whole number"),
        (ClusterOptions(), "cuda:1", "with --ray each worker gets its GPUs from Ray; type --device cuda"),
        (ClusterOptions(), "mps", "Ray hands out no Metal devices"),
        (ClusterOptions(gpus=2), "cpu", "--device cpu and --gpus-per-worker 2 exclude each other"),
        (ClusterOptions(gpus=0), "cuda", "--device cuda and --gpus-per-worker 0 exclude each other"),
        (ClusterOptions("ray://head:10001"), None, "answers cannot be streamed through Ray Client"),
        (ClusterOptions("head"), None, "--ray head: type HOST:PORT of the cluster's head, local, or nothing"),
        (ClusterOptions("head:port"), None, "--ray head:port: type HOST:PORT"),
        (ClusterOptions("head:70000"), None, "--ray head:70000: type HOST:PORT"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(options: ClusterOptions, device: str | None, message: str) -> None:
    with pytest.raises(UsageError) as error:
        options.check(device)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("_with_ray")
@pytest.mark.parametrize(
    ("options", "device"),
    [
        (ClusterOptions(), None),
        (ClusterOptions("local", 4, 0.25), "cuda"),
        (ClusterOptions("10.0.0.1:6379", gpus=4), "auto"),
        (ClusterOptions("[::1]:6379", gpus=0), "cpu"),
    ],
)
def test_what_can_be_is_not_refused(options: ClusterOptions, device: str | None) -> None:
    options.check(device)


def test_without_ray_the_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'lrm-eval\[ray\]'"):
        ClusterOptions().check(None)


def test_a_worker_has_a_gpu_where_the_cluster_has_some() -> None:
    assert ClusterOptions().gpus_each(None, [PLAIN, EIGHT]) == 1
    assert ClusterOptions().gpus_each("auto", [PLAIN]) == 0
    assert ClusterOptions().gpus_each("cpu", [EIGHT]) == 0
    assert ClusterOptions(gpus=4).gpus_each(None, [PLAIN]) == 4
    # Asked for by name: waited for, though no machine has one yet.
    assert ClusterOptions().gpus_each("cuda", [PLAIN]) == 1


@pytest.mark.parametrize(
    ("nodes", "gpus", "cpus", "expected"),
    [
        ([EIGHT, PLAIN], 1, 1, 8),
        ([EIGHT, EIGHT], 4, 1, 4),
        # Six GPUs of two machines of eight are two workers: none is spread over both.
        ([EIGHT, EIGHT], 6, 1, 2),
        ([EIGHT], 0.5, 1, 16),
        ([EIGHT], 0.3, 1, 24),
        ([EIGHT], 1, 16, 4),
        ([PLAIN, PLAIN], 0, 1, 8),
        ([PLAIN], 0, 0.1, 40),
        ([PLAIN], 1, 1, 0),
        ([], 0, 1, 0),
    ],
)
def test_workers_that_fit(nodes: list[dict[str, float]], gpus: float, cpus: float, expected: int) -> None:
    assert room(nodes, gpus, cpus) == expected


def test_why_no_worker_fits_names_the_largest_machine() -> None:
    assert lacking([PLAIN, EIGHT], 16, 1) == (
        "a worker needs 16 GPUs and 1 CPU of one machine, and the largest of the cluster has 8 GPUs and 64 CPUs"
    )
    assert "has 0 GPUs and 0 CPUs" in lacking([], 1, 1)


def test_the_address_may_be_left_out() -> None:
    assert with_address(["run", "--ray", "--workers", "2"]) == ["run", "--ray", "auto", "--workers", "2"]
    assert with_address(["run", "--ray"]) == ["run", "--ray", "auto"]
    assert with_address(["run", "--ray", "head:6379"]) == ["run", "--ray", "head:6379"]
    assert with_address(["run", "--ray=local"]) == ["run", "--ray=local"]


def test_workers_without_ray_are_refused() -> None:
    assert parse_cluster(None, None, None, None) is None
    assert parse_cluster("local", 2, 0.5, None) == ClusterOptions("local", 2, 0.5, 1)
    for given in ((2, None, None), (None, 0.5, None), (None, None, 2.0)):
        with pytest.raises(UsageError, match="workers are Ray's; add --ray"):
            parse_cluster(None, *given)
