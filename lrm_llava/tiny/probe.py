"""Quick accuracy on dev scenes, by kind of question and language, while a model is being made.

Exact match of the whole answer and the end of sequence under greedy decoding. The answer's tokens are
checked in one forward pass each against the true ones before them, which is the same thing: greedy
decoding is right exactly if every argmax along the true answer is right.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import torch

from lrm_llava.tiny import questions as q
from lrm_llava.tiny.dialogues import plain_exchange
from lrm_llava.tiny.grammar import load_grammar
from lrm_llava.tiny.packing import IGNORE, Encoder, pack
from lrm_llava.tiny.train import answer_logits
from lrm_llava.tiny.world import draw_scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import LlavaForConditionalGeneration

    from lrm_llava.tiny.world import Scene

KINDS = (*q.YES_NO, *(f"{kind}/letter" for kind in q.OPEN), *q.OPEN)


def dev_scenes(count: int, seed: int = 7) -> list[Scene]:
    """Scenes on which decisions are made."""
    rng = random.Random(seed)
    return [draw_scene(rng, "dev") for _ in range(count)]


def probe_query(scene: Scene, kind: str, rng: random.Random) -> q.Query | None:
    """A query of one of KINDS."""
    name, _, lettered = kind.partition("/")
    if name in q.YES_NO_MAKERS:
        return q.YES_NO_MAKERS[name](scene, rng, rng.random() < 0.5, True)
    query = q.OPEN_MAKERS[name](scene, rng)
    return q.with_choices(query, rng, 4, scene) if query is not None and lettered else query


@torch.no_grad()
def probe(
    model: LlavaForConditionalGeneration,
    encoder: Encoder,
    scenes: Sequence[Scene],
    features: torch.Tensor | None,
    tags: Sequence[str],
    seed: int = 11,
) -> dict[str, dict[str, float]]:
    """Accuracy (0-1) by language and kind, plus "all"; one question of each kind a scene.

    `features` are the patch features of the scenes, [N, 9, D_v]; None asks about descriptions instead of images.
    """
    table: dict[str, dict[str, float]] = {}
    for tag in tags:
        rng = random.Random(seed)  # the same questions in every language
        right: dict[str, list[bool]] = {kind: [] for kind in KINDS}
        for start in range(0, len(scenes), 32):
            chunk = scenes[start : start + 32]
            rows, kinds = [], []
            for scene in chunk:
                asked = [(kind, probe_query(scene, kind, rng)) for kind in KINDS]
                used = [(kind, query) for kind, query in asked if query is not None]
                prefix = (
                    encoder.image_prefix
                    if features is not None
                    else encoder.text_prefix(q.description(scene, load_grammar(tag)))
                )
                rows.append((prefix, [encoder.exchange(plain_exchange(query, tag)) for _, query in used]))
                kinds.append([kind for kind, _ in used])
            batch = pack(rows, encoder.pad).to(model.device)
            seen = None if features is None else features[start : start + 32].to(model.device)
            logits, labels = answer_logits(model, batch, seen)
            hit = (logits.argmax(-1) == labels).cpu().numpy()
            supervised = (batch.labels != IGNORE).nonzero().cpu().numpy()
            owner = batch.exchange.cpu()[supervised[:, 0], supervised[:, 1]].numpy()
            for row, names in enumerate(kinds):
                for number, kind in enumerate(names):
                    right[kind].append(bool(hit[(supervised[:, 0] == row) & (owner == number)].all()))
        table[tag] = {kind: float(np.mean(values)) for kind, values in right.items()}
        table[tag]["all"] = float(np.mean([value for values in right.values() for value in values]))
    return table


def summary(table: dict[str, dict[str, float]]) -> str:
    """One line: every kind in English and as a mean of the other languages."""
    others = [tag for tag in table if tag != "en"]
    cells = []
    for kind in ("all", *KINDS):
        rest = np.mean([table[tag][kind] for tag in others]) if others else float("nan")
        cells.append(f"{kind} {100 * table['en'][kind]:.0f}/{100 * rest:.0f}")
    return "  ".join(cells)
