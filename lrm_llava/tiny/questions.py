"""Questions about a scene: what is asked (a Query, without words) and how a language says it.

A query knows no language, so the same one is rendered in any: that is what EP-VQA and BVQA need, and
what keeps the twelve language versions of a benchmark parallel item by item.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from lrm_llava.tiny.grammar import THING
from lrm_llava.tiny.world import CELLS, COLORS, COLUMNS, HELD_OUT_PAIRS, MAX_OBJECTS, ROWS, SHAPES

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from lrm_llava.tiny.grammar import Grammar
    from lrm_llava.tiny.world import Object, Scene

Value: TypeAlias = "bool | int | str"

EXISTENCE = ("exist_object", "exist_shape", "exist_color")
POSITION = ("row_is", "column_is")
YES_NO = (*EXISTENCE, "count_is", "color_is", *POSITION)
OPEN = ("color_of", "shape_of", "count_of", "where_is")
LETTERS = "ABCD"


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a scene, and the true answer.

    Attributes:
        kind: one of YES_NO, OPEN or "describe".
        answer: True/False for yes/no; a colour, shape, count or cell number for open kinds.
        shape, color, place: what the question names (place: a row, a column or a count).
        choices: values offered as lettered options; empty when none are shown.
    """

    kind: str
    answer: Value
    shape: str = THING
    color: str | None = None
    place: str | int = ""
    choices: tuple[Value, ...] = ()

    @property
    def letter(self) -> str:
        """The letter of the right choice."""
        return LETTERS[self.choices.index(self.answer)]


def question_text(query: Query, grammar: Grammar) -> str:
    """The question alone, without options and format instruction."""
    if query.kind == "count_is":
        return grammar.count_is(int(query.place))
    words = {}
    if query.kind == "row_is":
        words["row"] = grammar.row(str(query.place))
    elif query.kind == "column_is":
        words["column"] = grammar.column(str(query.place))
    return grammar.sentence(query.kind, query.shape, query.color, **words)


def value_text(kind: str, value: Value, grammar: Grammar) -> str:
    """An open answer, or an option, in words."""
    if kind == "color_of":
        return grammar.color_name(str(value))
    if kind == "shape_of":
        return grammar.shape_name(str(value))
    if kind == "count_of":
        return grammar.number(int(value))
    if kind == "where_is":
        return grammar.cell(int(value))
    raise ValueError(f"{kind} has no open answer")


def description(scene: Scene, grammar: Grammar, order: Sequence[Object] | None = None) -> str:
    """All objects with their cells: "top left: red star. center: blue circle."."""
    parts = (
        f"{grammar.cell(item.cell)}: {grammar.phrase('bare', item.shape, item.color)}"
        for item in (order or scene.objects)
    )
    return ". ".join(parts) + "."


# --- asking ------------------------------------------------------------------------------------


def allowed_pairs(held_out: bool) -> list[tuple[str, str]]:
    """All colour-shape pairs that may be named; without the held-out ones unless `held_out`."""
    return [(c, s) for c in COLORS for s in SHAPES if held_out or (c, s) not in HELD_OUT_PAIRS]


def exist_object(scene: Scene, rng: random.Random, answer: bool, held_out: bool = False) -> Query | None:
    """Is there a <colour> <shape>? A false one is, half the time, a mixture of what is there."""
    present = {item.pair for item in scene.objects}
    if answer:
        color, shape = rng.choice(sorted(present))
    else:
        absent = [pair for pair in allowed_pairs(held_out) if pair not in present]
        near = [pair for pair in absent if near_miss(pair, scene)]
        color, shape = rng.choice(near if near and rng.random() < 0.5 else absent)
    return Query("exist_object", answer, shape, color)


def near_miss(pair: tuple[str, str], scene: Scene) -> bool:
    """Whether a pair's colour is on one object and its shape on another."""
    colors = {item.color for item in scene.objects}
    return pair[0] in colors and any(item.shape == pair[1] for item in scene.objects)


def exist_shape(scene: Scene, rng: random.Random, answer: bool, held_out: bool = False) -> Query | None:
    """Is there a <shape>?"""
    present = {item.shape for item in scene.objects}
    pool = sorted(present) if answer else [s for s in SHAPES if s not in present]
    return Query("exist_shape", answer, rng.choice(pool)) if pool else None


def exist_color(scene: Scene, rng: random.Random, answer: bool, held_out: bool = False) -> Query | None:
    """Is there a <colour> object?"""
    present = {item.color for item in scene.objects}
    pool = sorted(present) if answer else [c for c in COLORS if c not in present]
    return Query("exist_color", answer, THING, rng.choice(pool)) if pool else None


def count_is(scene: Scene, rng: random.Random, answer: bool, held_out: bool = False) -> Query | None:
    """Are there exactly <n> objects?"""
    count = len(scene.objects)
    other = rng.choice([n for n in range(1, MAX_OBJECTS + 1) if n != count])
    return Query("count_is", answer, place=count if answer else other)


def color_is(scene: Scene, rng: random.Random, answer: bool, held_out: bool = False) -> Query | None:
    """Is the <shape> <colour>? A false colour is, half the time, another object's."""
    named = scene.unique_shapes()
    if not named:
        return None
    item = rng.choice(named)
    if answer:
        return Query("color_is", True, item.shape, item.color)
    wrong = [c for c in COLORS if c != item.color and (held_out or (c, item.shape) not in HELD_OUT_PAIRS)]
    near = [c for c in wrong if any(other.color == c for other in scene.objects)]
    return Query("color_is", False, item.shape, rng.choice(near if near and rng.random() < 0.5 else wrong))


def row_is(scene: Scene, rng: random.Random, answer: bool, held_out: bool = False) -> Query | None:
    """Is the <shape> in the <top> row?"""
    return _place_is(scene, rng, answer, "row_is")


def column_is(scene: Scene, rng: random.Random, answer: bool, held_out: bool = False) -> Query | None:
    """Is the <shape> in the <left> column?"""
    return _place_is(scene, rng, answer, "column_is")


def _place_is(scene: Scene, rng: random.Random, answer: bool, kind: str) -> Query | None:
    named = scene.unique_shapes()
    if not named:
        return None
    item = rng.choice(named)
    true, names = (item.row, ROWS) if kind == "row_is" else (item.column, COLUMNS)
    place = true if answer else rng.choice([name for name in names if name != true])
    return Query(kind, answer, item.shape, place=place)


def color_of(scene: Scene, rng: random.Random) -> Query | None:
    """What colour is the <shape>?"""
    named = scene.unique_shapes()
    if not named:
        return None
    item = rng.choice(named)
    return Query("color_of", item.color, item.shape)


def shape_of(scene: Scene, rng: random.Random) -> Query | None:
    """What shape is the <colour> object?"""
    named = scene.unique_colors()
    if not named:
        return None
    item = rng.choice(named)
    return Query("shape_of", item.shape, THING, item.color)


def count_of(scene: Scene, rng: random.Random) -> Query | None:
    """How many objects are there?"""
    return Query("count_of", len(scene.objects))


def where_is(scene: Scene, rng: random.Random) -> Query | None:
    """Where is the <shape>?"""
    named = scene.unique_shapes()
    if not named:
        return None
    item = rng.choice(named)
    return Query("where_is", item.cell, item.shape)


_VALUES: dict[str, tuple[Value, ...]] = {
    "color_of": COLORS,
    "shape_of": SHAPES,
    "count_of": tuple(range(1, MAX_OBJECTS + 1)),
    "where_is": tuple(range(len(CELLS))),
}
YES_NO_MAKERS = {
    "exist_object": exist_object, "exist_shape": exist_shape, "exist_color": exist_color, "count_is": count_is,
    "color_is": color_is, "row_is": row_is, "column_is": column_is,
}  # fmt: skip
OPEN_MAKERS = {"color_of": color_of, "shape_of": shape_of, "count_of": count_of, "where_is": where_is}


def with_choices(query: Query, rng: random.Random, count: int, scene: Scene | None = None) -> Query:
    """The same query with `count` lettered choices in random order, the right one among them.

    With `scene` given, half of the time the wrong choices are first taken from what other objects
    show, so that naming anything visible does not do.
    """
    wrong = [value for value in _VALUES[query.kind] if value != query.answer]
    rng.shuffle(wrong)
    if scene is not None and rng.random() < 0.5:
        shown = _shown(query.kind, scene)
        wrong.sort(key=lambda value: value not in shown)
    chosen = [query.answer, *wrong[: count - 1]]
    rng.shuffle(chosen)
    return replace(query, choices=tuple(chosen))


def _shown(kind: str, scene: Scene) -> set[Value]:
    if kind == "color_of":
        return {item.color for item in scene.objects}
    if kind == "shape_of":
        return {item.shape for item in scene.objects}
    if kind == "where_is":
        return {item.cell for item in scene.objects}
    return set()
