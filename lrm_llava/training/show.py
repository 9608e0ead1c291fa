"""`lrm-llava data show`: samples as the model sees them, and what of them is supervised."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_llava.conversations import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.text import Text

    from lrm_llava.encoding import Encoded
    from lrm_llava.recipes import Recipe

OPEN, CLOSE = "⟦", "⟧"  # around what is supervised, so that a print without colours says the same


def pieces(encoded: Encoded, decode: Any, image_token: int) -> Iterator[tuple[str, bool]]:
    """Text of a sample, run by run, and whether the run is supervised; the image as one word.

    Args:
        encoded: ids and labels.
        decode: ids to text, special tokens too.
        image_token: its id.
    """
    for kind, run in itertools.groupby(
        zip(encoded.ids, encoded.labels, strict=True), lambda pair: (pair[0] == image_token, pair[1] >= 0)
    ):
        ids = [number for number, _ in run]
        yield (f"<image x {len(ids)}>" if kind[0] else str(decode(ids))), kind[1]


def colored(encoded: Encoded, decode: Any, image_token: int) -> Text:
    """What is supervised in green between brackets, the rest dim."""
    from rich.text import Text

    text = Text()
    for piece, supervised in pieces(encoded, decode, image_token):
        text.append(f"{OPEN}{piece}{CLOSE}" if supervised else piece, style="bold green" if supervised else "dim")
    return text


def show_samples(
    recipe: Recipe, number: int, data: Path, numbers: Sequence[int], model: Path | None = None
) -> Iterator[tuple[str, Text | None]]:
    """Samples of a stage by their number from 1: a headline, and the coloured text if it can be trained on.

    Args:
        recipe: names tokenizer, template and image size, unless `model` does.
        number: stage 1 or 2.
        data: what `lrm-llava data build` wrote.
        numbers: which samples.
        model: a LLaVA checkpoint, for its processor.

    Raises:
        UsageError: no shards, no such sample, or a tokenizer that cannot be read.
    """
    from lrm_llava.encoding import ConversationEncoder
    from lrm_llava.training.dataset import ConversationData
    from lrm_llava.training.setup import find_shards, load_processor

    shards = find_shards(recipe, number, data)
    processor, image_tokens = load_processor(recipe, data, model)
    encoder = ConversationEncoder(processor, image_tokens, recipe.stage(number).max_length)
    found = ConversationData(shards, data, encoder)
    image = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
    for one in numbers:
        if not 1 <= one <= len(found):
            raise UsageError(f"{data}: stage {number} has samples 1 to {len(found):,}, not {one}")
        place = found.place(one - 1)
        try:
            conversation = found.conversation(one - 1)
            encoded = encoder.encode(conversation)
        except RecordError as error:
            yield f"{place}: cannot be trained on: {error}", None
            continue
        supervised = sum(label >= 0 for label in encoded.labels)
        head = f"{place}: {conversation.language} {conversation.instruction or 'plain'}".rstrip()
        dropped = f", {encoded.dropped_turns} turns dropped" if encoded.dropped_turns else ""
        head += f", {supervised} of {len(encoded.ids)} tokens supervised{dropped}"
        yield head, colored(encoded, processor.tokenizer.decode, image)
