from __future__ import annotations

import pickle
from functools import partial

import pytest

from lrm_eval.cluster.parcels import Unit, number_images, pack, unit_size, units
from lrm_eval.types import ImagePart, ImageRef, Request, Sample, Shot, TextPart


def image(name: str, content: bytes = b"") -> ImageRef:
    return ImageRef(f"data/{name}", name, partial(bytes, content))


def ask(name: str, language: str = "en", content: bytes = b"", shown: bool = True) -> Request:
    picture = image(name, content)
    sample = Sample(f"t/{name}", "t", language, "yes_no", "?", "yes", images=(picture,), cluster=name)
    parts = (ImagePart(picture), TextPart("?")) if shown else (TextPart("?"),)
    return Request(f"t/{name}@{language}", parts, sample, 8)


def plan(images: int, languages: int) -> list[Request]:
    return [ask(f"i{place}", f"l{language}") for place in range(images) for language in range(languages)]


@pytest.mark.parametrize(("size", "expected"), [(1, [3] * 5), (4, [6, 6, 3]), (6, [6, 6, 3]), (100, [15])])
def test_a_unit_has_whole_images_and_enough_of_them(size: int, expected: list[int]) -> None:
    asked = plan(5, 3)
    made = list(units(asked, number_images(asked, size), {}))
    assert [len(unit.requests) for unit in made] == expected
    assert [request for unit in made for request in unit.requests] == asked


def test_an_image_is_never_split_however_many_languages_ask_about_it() -> None:
    asked = plan(4, 50)
    for unit in units(asked, number_images(asked, 8), {}):
        assert len({request.sample.cluster for request in unit.requests}) == 1
        assert len(unit.requests) == 50


def test_a_unit_of_a_resumed_run_is_the_rest_of_the_unit_of_the_whole_plan() -> None:
    asked = plan(6, 2)
    numbers = number_images(asked, 4)
    plans = {number: [one for one in asked if numbers[one.sample.cluster] == number] for number in numbers.values()}
    left = [asked[3], *asked[8:]]
    made = list(units(left, numbers, plans))
    assert [unit.requests for unit in made] == [(asked[3],), tuple(asked[8:])]
    assert [unit.plan for unit in made] == [tuple(asked[:4]), tuple(asked[8:])]


def test_units_are_made_as_they_are_taken() -> None:
    asked = plan(100, 1)
    taken: list[Request] = []

    def stream():
        for request in asked:
            taken.append(request)
            yield request

    made = units(stream(), number_images(asked, 10), {})
    next(made)
    assert len(taken) <= 11


def test_short_plans_are_spread_where_any_cut_gives_the_same_answers() -> None:
    assert unit_size(batch=8, planned=10_000, workers=4, invariant=True) == 32
    assert unit_size(batch=8, planned=64, workers=4, invariant=True) == 4
    assert unit_size(batch=8, planned=3, workers=4, invariant=True) == 1
    # Elsewhere the cut depends on nothing that a second command may have otherwise.
    assert unit_size(batch=8, planned=64, workers=4, invariant=False) == 32


def test_a_packed_unit_carries_each_image_once() -> None:
    content = bytes(range(256)) * 400
    unit = Unit(tuple(ask("a", f"l{number}", content) for number in range(20)))
    parcel = pickle.loads(pickle.dumps(pack(unit)))
    assert len(pickle.dumps(pack(unit))) < 2 * len(content)
    for request in parcel.unpacked():
        assert request.parts[0].image.read() == content
        assert request.sample.images[0].read() == content
        assert request.sample.images[0].uri == "data/a"


def test_a_packed_unit_is_the_unit() -> None:
    unit = Unit((ask("a"), ask("b", "sw")), plan=(ask("a"), ask("a", "sw"), ask("b", "sw")))
    parcel = pickle.loads(pickle.dumps(pack(unit)))
    assert parcel.unpacked() == unit.requests
    assert parcel.requests == unit.plan


def test_a_hidden_image_does_not_travel() -> None:
    (request,) = pack(Unit((ask("a", content=b"secret", shown=False),))).unpacked()
    with pytest.raises(OSError, match="hidden"):
        request.sample.images[0].read()


def test_an_image_that_cannot_be_read_is_an_error_where_it_is_read() -> None:
    def broken() -> bytes:
        raise OSError("the disk is gone")

    picture = ImageRef("data/a", None, broken)
    sample = Sample("t/a", "t", "en", "yes_no", "?", "yes", images=(picture,))
    (request,) = pickle.loads(pickle.dumps(pack(Unit((Request("k", (ImagePart(picture),), sample, 8),))))).unpacked()
    with pytest.raises(OSError, match="the disk is gone"):
        request.parts[0].image.read()


def test_images_of_examples_travel_too() -> None:
    shot = Shot((ImagePart(image("s", b"shown before")), TextPart("?")), "yes")
    asked = ask("a")
    (request,) = pack(Unit((Request(asked.key, asked.parts, asked.sample, 8, shots=(shot,)),))).unpacked()
    (request,) = pickle.loads(pickle.dumps((request,)))
    assert request.shots[0].parts[0].image.read() == b"shown before"
