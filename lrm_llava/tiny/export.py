"""The tiny world in the formats that training at full size reads: parts, conversations, translations."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from lrm_llava.conversations import Conversation, Turn
from lrm_llava.tiny import dialogues
from lrm_llava.tiny.grammar import languages
from lrm_llava.tiny.install import CHECKPOINTS
from lrm_llava.tiny.world import draw_scene, render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write_parts(out: Path, log: Callable[[str], None], checkpoint: Path | None = None) -> None:
    """Tower and language model of a tiny checkpoint as a CLIPVisionModel and a LlamaForCausalLM with its tokenizer."""
    from transformers import CLIPVisionModel, LlamaForCausalLM, LlavaForConditionalGeneration, LlavaProcessor

    source = checkpoint or CHECKPOINTS / "lrm-llava"
    model = LlavaForConditionalGeneration.from_pretrained(source)
    processor = LlavaProcessor.from_pretrained(source)
    tower = CLIPVisionModel(model.config.vision_config)
    tower.load_state_dict(model.model.vision_tower.state_dict())
    tower.save_pretrained(out / "vision")
    processor.image_processor.save_pretrained(out / "vision")
    language = LlamaForCausalLM(model.config.text_config)
    language.model.load_state_dict(model.model.language_model.state_dict())
    language.tie_weights()
    language.save_pretrained(out / "language")
    processor.tokenizer.save_pretrained(out / "language")
    log(f"{out}: vision, language")


def write_conversations(out: Path, count: int, seed: int, log: Callable[[str], None]) -> None:
    """English conversations about drawn scenes (tiny.jsonl, images/) and their translations into all languages.

    The same formats as at full size, so that `lrm-llava data build --recipe tiny --sources OUT` mixes them. Scenes
    are of the train bucket only.

    Args:
        out: folder; made if it is not there.
        count: scenes, one image and three questions each.
        seed: of scenes, pictures and questions.
        log: takes one line.
    """
    rng = random.Random(seed)
    (out / "images").mkdir(parents=True, exist_ok=True)
    tags = languages()
    lines: dict[str, list[str]] = {tag: [] for tag in tags}
    for number in range(count):
        scene = draw_scene(rng, "train")
        image = f"{number:06d}.png"
        render(scene, rng).save(out / "images" / image)
        queries = [dialogues.draw_query(scene, rng, 0.3) for _ in range(3)]
        for tag in tags:
            turns = [dialogues.plain_exchange(query, tag) for query in queries]
            one = Conversation(str(number), image, tuple(Turn(turn.prompt, turn.answer) for turn in turns))
            record = one.record()
            if tag != "en":
                record = {"id": record["id"], "conversations": record["conversations"]}
                record["conversations"][0]["value"] = turns[0].prompt
            lines[tag].append(json.dumps(record, ensure_ascii=False) + "\n")
    folder = out / "translations" / "tiny-world"
    folder.mkdir(parents=True, exist_ok=True)
    for tag in tags:
        path = out / "tiny.jsonl" if tag == "en" else folder / f"{tag}.jsonl"
        path.write_text("".join(lines[tag]), encoding="utf-8")
    log(f"{out}: {count} conversations in {len(tags)} languages")
