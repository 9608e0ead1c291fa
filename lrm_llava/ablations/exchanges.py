"""What the arms are trained on: questions about harder scenes, answered in words."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lrm_eval import languages as registry
from lrm_llava.instructions import Exchange, bvqa, ep_vqa, load_wording, mvqa
from lrm_llava.tiny import questions as q
from lrm_llava.tiny.dialogues import answer_text, asked_text, describe_exchange
from lrm_llava.tiny.grammar import load_grammar
from lrm_llava.tiny.packing import Encoder, pack
from lrm_llava.tiny.train import POOL, Batch, by_length
from lrm_llava.tiny.world import MAX_OBJECTS, draw_scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch

    from lrm_llava.tiny.config import Phase
    from lrm_llava.tiny.world import Scene

# Places are the hardest and asked most.
KINDS = {"color_of": 1.0, "shape_of": 1.0, "where_is": 1.2, "count_of": 0.3}


@dataclass(frozen=True, slots=True)
class Draw:
    """What an exchange is drawn from.

    Attributes:
        tags: languages, English first; the others share alike.
        english: share of exchanges in English.
        describe: share of descriptions.
        shown: share of questions that show options.
        instructions: shares of MVQA, EP-VQA and BVQA among exchanges that are not in English.
    """

    tags: tuple[str, ...]
    english: float
    describe: float
    shown: float
    instructions: tuple[float, float, float] = (1.0, 0.0, 0.0)


def hard_scenes(seed: int, count: int, objects: tuple[int, ...]) -> list[Scene]:
    """Training scenes with so many objects as `objects` allows."""
    rng = random.Random(f"{seed}/hard scenes")
    return [draw_scene(rng, "train", objects) for _ in range(count)]


def in_words(query: q.Query, tag: str) -> str:
    """The answer in words, options or not."""
    return answer_text(replace(query, choices=()), tag)


def plain(query: q.Query, tag: str) -> Exchange:
    """MVQA, and English: what the benchmark asks."""
    return mvqa(asked_text(query, tag), registry.get(tag).short_answer, in_words(query, tag))


def draw_query(scene: Scene, rng: random.Random, shown: float) -> q.Query:
    """A question about a scene, with two to four options for a share `shown` of them."""
    while True:
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        if kind == "count_of" and len(scene.objects) > MAX_OBJECTS:  # the grammars count to four
            continue
        query = q.OPEN_MAKERS[kind](scene, rng)
        if query is not None:
            return q.with_choices(query, rng, rng.choice((4, 4, 3, 2)), scene) if rng.random() < shown else query


def draw_exchange(scene: Scene, draw: Draw, rng: random.Random) -> Exchange:
    """Language, then description or question, then instruction."""
    tag = "en" if rng.random() < draw.english else rng.choice(draw.tags[1:])
    if rng.random() < draw.describe:
        return describe_exchange(scene, tag, rng)
    query = draw_query(scene, rng, draw.shown)
    kind = "mvqa" if tag == "en" else rng.choices(("mvqa", "ep_vqa", "bvqa"), draw.instructions)[0]
    if kind == "ep_vqa":
        return ep_vqa(
            asked_text(query, tag), q.question_text(query, load_grammar("en")), registry.get(tag).short_answer,
            in_words(query, tag), load_wording(tag), rng.randrange(2),
        )  # fmt: skip
    if kind == "bvqa":
        source, target = (tag, "en") if rng.random() < 0.5 else ("en", tag)
        return bvqa(
            asked_text(query, source), registry.get(source).short_answer, in_words(query, target),
            load_wording(source), target, rng.randrange(2),
        )  # fmt: skip
    return plain(query, tag)


def image_batches(
    scenes: Sequence[Scene], features: torch.Tensor, encoder: Encoder, phase: Phase, draw: Callable[[float], Draw],
    seed: str,
) -> Iterator[Batch]:  # fmt: skip
    """Endless batches about images, whose features [N, 9, D_v] are given; `draw` at a share of the phase's steps.

    Which scenes follow each other depends on `seed` alone, and not on what is asked about them.
    """
    which, rng = random.Random(f"{seed}/scenes"), random.Random(f"{seed}/exchanges")
    for step in range(0, 10**9, POOL):
        now = draw(step / phase.steps)
        picks = [which.randrange(len(scenes)) for _ in range(POOL * phase.rows)]
        rows = [
            (
                encoder.image_prefix,
                [encoder.exchange(draw_exchange(scenes[pick], now, rng)) for _ in range(phase.segments)],
            )
            for pick in picks
        ]
        for chunk in by_length(rows, phase.rows, rng):
            yield pack([rows[number] for number in chunk], encoder.pad), features[[picks[number] for number in chunk]]
