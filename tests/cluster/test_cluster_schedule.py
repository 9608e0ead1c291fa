from __future__ import annotations

from lrm_eval.cluster.parcels import Unit
from lrm_eval.cluster.schedule import TRIES, Schedule, Work
from lrm_eval.types import Request, Sample


def ask(image: str, number: int = 0) -> Request:
    sample = Sample(f"t/{image}/{number}", "t", "en", "yes_no", "?", "yes", cluster=image)
    return Request(f"{sample.id}@en", (), sample, 8)


def unit(*images: str) -> Unit:
    return Unit(tuple(ask(image, number) for image in images for number in range(2)))


def take(schedule: Schedule) -> Work:
    work = schedule.take()
    assert work is not None
    return work


def test_units_are_handed_out_once_and_in_order() -> None:
    schedule = Schedule(iter([unit("a"), unit("b")]))
    assert [take(schedule).unit, take(schedule).unit] == [unit("a"), unit("b")]
    assert schedule.take() is None
    assert not schedule.waiting()


def test_what_is_left_of_a_dead_workers_unit_comes_next() -> None:
    schedule = Schedule(iter([unit("a", "b"), unit("c")]))
    work = take(schedule)
    del work.left["t/a/0@en"]
    assert schedule.lost(work, "died", blamed=True) == []
    assert schedule.waiting()
    again = take(schedule)
    assert list(again.left) == ["t/a/1@en", "t/b/0@en", "t/b/1@en"]
    assert take(schedule).unit == unit("c")


def test_an_answered_unit_comes_back_to_nobody() -> None:
    schedule = Schedule(iter([unit("a")]))
    work = take(schedule)
    work.left.clear()
    assert schedule.lost(work, "died", blamed=True) == []
    assert schedule.take() is None


def test_the_last_try_is_each_image_alone_so_that_only_the_one_that_kills_is_given_up() -> None:
    schedule = Schedule(iter([unit("a", "b", "c")]))
    for _ in range(TRIES - 1):
        assert schedule.lost(take(schedule), "died", blamed=True) == []
    alone = [take(schedule) for _ in range(3)]
    assert [list(work.left) for work in alone] == [[f"t/{name}/0@en", f"t/{name}/1@en"] for name in "abc"]
    given_up = schedule.lost(alone[1], "the machine ran out of memory", blamed=True)
    assert [response.key for response in given_up] == ["t/b/0@en", "t/b/1@en"]
    assert {response.error for response in given_up} == {
        "given up: 3 workers ended while they answered the questions on this image "
        "(the last: the machine ran out of memory)"
    }
    assert schedule.take() is None


def test_the_loss_of_a_machine_is_no_units_fault() -> None:
    schedule = Schedule(iter([unit("a", "b")]))
    for _ in range(10):
        assert schedule.lost(take(schedule), "gone", blamed=False) == []
    work = take(schedule)
    assert work.unit == unit("a", "b")
    assert work.tries == 0
    # Neither is it once the images are asked one by one.
    schedule.lost(work, "died", blamed=True)
    schedule.lost(take(schedule), "died", blamed=True)
    one = take(schedule)
    assert schedule.lost(one, "gone", blamed=False) == []
    assert list(take(schedule).left) == list(one.left)


def test_batches_of_a_unit_asked_again_are_formed_over_the_same_plan_until_it_is_split() -> None:
    whole = Unit(unit("a", "b").requests, plan=unit("a", "b").requests)
    schedule = Schedule(iter([whole]))
    work = take(schedule)
    del work.left["t/a/0@en"]
    schedule.lost(work, "died", blamed=True)
    work = take(schedule)
    assert work.unit.plan == whole.plan
    schedule.lost(work, "died", blamed=True)
    assert take(schedule).unit.plan == ()
