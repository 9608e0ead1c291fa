"""A conversation as token ids, and which of them are supervised.

The mask comes from the chat template's generation marks, rendered and tokenised once. (LLaVA splits the
string and tokenises the pieces again; where the two disagree it drops the whole sample.) lrm_llava.reference
finds the same spans without a template; the two are tested against each other in every language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrm_llava.conversations import RecordError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_llava.conversations import Conversation

IGNORE = -100


@dataclass(frozen=True)
class Encoded:
    """Token ids of one sample, those of the image included.

    Attributes:
        ids: T token ids; the image is a run of the image token's id.
        labels: T ids where the model is supervised (answers and what ends them), else -100.
        dropped_turns: turns left out because they would not have fitted.
    """

    ids: list[int]
    labels: list[int]
    dropped_turns: int = 0


class ConversationEncoder:
    """Conversations to token ids for one processor.

    Args:
        processor: a LlavaProcessor whose chat template has generation marks.
        image_tokens: features of one image.
        max_length: most tokens of a sample.
    """

    def __init__(self, processor: Any, image_tokens: int, max_length: int = 2048) -> None:
        self._tokenizer = processor.tokenizer
        self._template = processor.chat_template
        self._image_token = str(processor.image_token)
        self._image_tokens = image_tokens
        self._max_length = max_length
        bos = self._tokenizer.bos_token
        self._bos = [self._tokenizer.bos_token_id] if bos and _adds_bos(self._tokenizer) else []
        self._text = {"bos_token": bos or "", "eos_token": self._tokenizer.eos_token or ""}

    def encode(self, conversation: Conversation) -> Encoded:
        """Ids and labels; whole turns from the end are dropped until the rest fits, never part of one.

        Raises:
            RecordError: the first turn alone is longer than max_length, or a text holds the image token.
        """
        for turn in conversation.turns:
            if self._image_token in turn.question or self._image_token in turn.answer:
                raise RecordError(f"a text holds {self._image_token}")
        total = len(conversation.turns)
        # The length grows with the turns: halve until it fits, then take as many as do.
        low, high, best = 1, total, None
        while low <= high:
            count = total if best is None and high == total else (low + high) // 2
            found = self._encode(conversation.messages()[: 2 * count])
            if len(found[0]) <= self._max_length:
                best, low = (count, found), count + 1
                if count == total:
                    break
            else:
                high = count - 1
        if best is None:
            raise RecordError(f"its first turn is longer than {self._max_length} tokens")
        count, (ids, labels) = best
        return Encoded(ids, labels, total - count)

    def render(self, messages: Sequence[dict[str, Any]]) -> tuple[str, list[tuple[int, int]]]:
        """The conversation as text, and the spans [start, end) of characters that are supervised."""
        from transformers.utils.chat_template_utils import render_jinja_template

        texts, spans = render_jinja_template(
            conversations=[list(messages)], chat_template=self._template, return_assistant_tokens_mask=True,
            add_generation_prompt=False, **self._text,
        )  # fmt: skip
        return str(texts[0]), [(int(start), int(end)) for start, end in spans[0]]

    def _encode(self, messages: Sequence[dict[str, Any]]) -> tuple[list[int], list[int]]:
        text, spans = self.render(messages)
        at = text.find(self._image_token)
        if at >= 0:
            text, spans = self._expand(text, spans, at)
        coded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids = self._bos + list(coded["input_ids"])
        offsets = [(0, 0)] * len(self._bos) + list(coded["offset_mapping"])
        return ids, mask_labels(ids, offsets, spans)

    def _expand(self, text: str, spans: list[tuple[int, int]], at: int) -> tuple[str, list[tuple[int, int]]]:
        grown = (self._image_tokens - 1) * len(self._image_token)
        moved = [(start + grown, end + grown) if start >= at else (start, end) for start, end in spans]
        return text.replace(self._image_token, self._image_token * self._image_tokens, 1), moved


def mask_labels(ids: Sequence[int], offsets: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> list[int]:
    """Labels from character spans: a token is supervised if it lies in one, its leading blank apart.

    A tokenizer may join the blank before an answer to the answer's first word; the span starts at the blank, so both
    kinds of tokenizer give the same.
    """
    labels = [IGNORE] * len(ids)
    which = 0
    for number, (start, end) in enumerate(offsets):
        while which < len(spans) and spans[which][1] <= start:
            which += 1
        if which < len(spans) and start < end and spans[which][0] <= start and end <= spans[which][1]:
            labels[number] = ids[number]
    return labels


def _adds_bos(tokenizer: Any) -> bool:
    ids = tokenizer("a")["input_ids"]
    return bool(ids) and ids[0] == tokenizer.bos_token_id
