"""The tiny world: buckets, pictures, questions and their truth."""

import random

import numpy as np
import pytest

from lrm_llava.tiny import questions as q
from lrm_llava.tiny.world import HELD_OUT_PAIRS, IMAGE_SIZE, Object, Scene, draw_scene, png_bytes, render

BUCKETS = ("train", "dev", "test")


def drawn(bucket: str, count: int, seed: int = 0) -> list[Scene]:
    rng = random.Random(seed)
    return [draw_scene(rng, bucket) for _ in range(count)]  # type: ignore[arg-type]


def test_a_scene_belongs_to_one_bucket_only() -> None:
    seen = {bucket: set(drawn(bucket, 400)) for bucket in BUCKETS}
    assert all(scene.bucket == bucket for bucket in BUCKETS for scene in seen[bucket])
    assert not seen["train"] & seen["test"] and not seen["train"] & seen["dev"] and not seen["dev"] & seen["test"]


def test_training_never_shows_a_held_out_pair_and_the_test_does() -> None:
    assert not any(scene.has_held_out_pair for scene in drawn("train", 2000))
    assert any(scene.has_held_out_pair for scene in drawn("test", 400))


def test_objects_of_a_scene_differ_in_cell_and_in_colour_and_shape() -> None:
    for scene in drawn("train", 500):
        assert 1 <= len(scene.objects) <= 4
        assert len({item.cell for item in scene.objects}) == len(scene.objects)
        assert len({item.pair for item in scene.objects}) == len(scene.objects)


def test_a_picture_is_the_same_for_the_same_seed_and_differs_for_another() -> None:
    scene = drawn("test", 1)[0]
    assert png_bytes(render(scene, random.Random(1))) == png_bytes(render(scene, random.Random(1)))
    assert png_bytes(render(scene, random.Random(1))) != png_bytes(render(scene, random.Random(2)))


def test_only_occupied_cells_hold_paint_at_their_centre() -> None:
    side = IMAGE_SIZE // 3
    for scene in drawn("train", 50):
        pixels = np.asarray(render(scene, random.Random(3)), dtype=int)
        background = pixels[0, IMAGE_SIZE // 2 - side // 2]
        occupied = {item.cell for item in scene.objects}
        for cell in range(9):
            centre = pixels[side * (cell // 3) + side // 2, side * (cell % 3) + side // 2]
            painted = np.abs(centre - background).sum() > 60
            assert painted == (cell in occupied)


def truth(scene: Scene, query: q.Query) -> object:
    """The answer found by looking at the scene, independently of how the query was made."""
    items = scene.objects
    named = [i for i in items if i.shape == query.shape]
    match query.kind:
        case "exist_object":
            return any(i.shape == query.shape and i.color == query.color for i in items)
        case "exist_shape":
            return bool(named)
        case "exist_color":
            return any(i.color == query.color for i in items)
        case "count_is":
            return len(items) == query.place
        case "color_is":
            return named[0].color == query.color
        case "row_is":
            return ("top", "middle", "bottom")[named[0].cell // 3] == query.place
        case "column_is":
            return ("left", "center", "right")[named[0].cell % 3] == query.place
        case "color_of":
            return named[0].color
        case "shape_of":
            return next(i.shape for i in items if i.color == query.color)
        case "count_of":
            return len(items)
        case "where_is":
            return named[0].cell
    raise AssertionError(query.kind)


@pytest.mark.parametrize("kind", q.YES_NO)
@pytest.mark.parametrize("answer", [True, False])
def test_yes_no_queries_are_true_when_they_say_so(kind: str, answer: bool) -> None:
    rng = random.Random(5)
    made = 0
    for scene in drawn("train", 300):
        query = q.YES_NO_MAKERS[kind](scene, rng, answer)
        if query is not None:
            made += 1
            assert query.answer is answer
            assert truth(scene, query) is answer
    assert made > 50


@pytest.mark.parametrize("kind", q.OPEN)
def test_lettered_queries_hold_the_true_answer_once(kind: str) -> None:
    rng = random.Random(6)
    for scene in drawn("train", 200):
        query = q.OPEN_MAKERS[kind](scene, rng)
        if query is None:
            continue
        lettered = q.with_choices(query, rng, 4, scene)
        assert truth(scene, lettered) == lettered.answer
        assert len(set(lettered.choices)) == 4
        assert lettered.choices["ABCD".index(lettered.letter)] == lettered.answer


def test_letters_are_used_evenly() -> None:
    rng = random.Random(7)
    letters = []
    for scene in drawn("train", 2000):
        query = q.count_of(scene, rng)
        assert query is not None
        letters.append(q.with_choices(query, rng, 4).letter)
    shares = [letters.count(letter) / len(letters) for letter in "ABCD"]
    assert max(shares) - min(shares) < 0.06


def test_training_questions_never_name_a_held_out_pair() -> None:
    rng = random.Random(8)
    for scene in drawn("train", 3000):
        for answer in (True, False):
            for maker in (q.exist_object, q.color_is):
                query = maker(scene, rng, answer)
                assert query is None or (query.color, query.shape) not in HELD_OUT_PAIRS


def test_shapes_and_colours_are_named_alone_only_when_unique() -> None:
    scene = Scene((Object(0, "red", "star"), Object(1, "blue", "star"), Object(2, "red", "circle")))
    assert [item.shape for item in scene.unique_shapes()] == ["circle"]
    assert [item.color for item in scene.unique_colors()] == ["blue"]
