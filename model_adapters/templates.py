"""Prompts as one string: LLaVA-1.5's own conversation, or the template that comes with a checkpoint."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal

from lrm_eval.errors import UsageError
from lrm_eval.types import ImagePart, ImageRef, TextPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.types import Part

# Source: haotian-liu/LLaVA c121f04, llava/conversation.py, conv_vicuna_v1 (separators " " and "</s>").
VICUNA_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
_PROBE = "lrmprobeanswer"


class PromptError(Exception):
    """One request cannot be rendered; the message is one line."""


class PromptTemplate:
    """Renders the parts of a request into the string that is tokenised.

    Args:
        kind: "vicuna_v1" (LLaVA-1.5's conversation) or "chat_template" (the checkpoint's own).
        processor: a transformers LlavaProcessor; its chat template is used, or else its tokenizer's.
        image_token: the placeholder of one image.
        where: the checkpoint, for messages.

    Attributes:
        separator: what the template puts between prompt and answer (a blank, mostly). It belongs to the template: it is
            put before a choice that is scored and removed from the start of a generated answer.

    Raises:
        UsageError: the checkpoint has no chat template, or one that cannot be used.
    """

    def __init__(
        self, kind: Literal["chat_template", "vicuna_v1"], processor: Any, image_token: str, where: str
    ) -> None:
        self.kind = kind
        self.image_token = image_token
        self._processor = processor
        self._source = VICUNA_SYSTEM
        self._structured = True
        if kind == "chat_template":
            self._structured = bool(getattr(processor, "chat_template", None))
            template = processor.chat_template if self._structured else processor.tokenizer.chat_template
            if not template:
                raise UsageError(
                    f"checkpoint {where}: has no chat template (chat_template.jinja, or in tokenizer_config.json)"
                )
            self._source = str(template)
        self.separator = self._check(where)

    def render(self, parts: Sequence[Part]) -> str:
        """The prompt, up to where the model's answer begins, with one placeholder for each image.

        Raises:
            PromptError: the text itself holds the image placeholder.
        """
        for part in parts:
            if isinstance(part, TextPart) and self.image_token in part.text:
                raise PromptError(f"the text of the request holds {self.image_token!r}, the placeholder of an image")
        if self.kind == "vicuna_v1":
            return f"{VICUNA_SYSTEM} USER: {self._flat(parts)} ASSISTANT:"
        return self._apply([self._user(parts)], add_generation_prompt=True)

    def fingerprint(self) -> dict[str, str]:
        """Kind and content hash of the template."""
        return {"kind": self.kind, "sha256": hashlib.sha256(self._source.encode()).hexdigest()}

    def _flat(self, parts: Sequence[Part]) -> str:
        # LLaVA puts the image on a line of its own before the question.
        return "".join(f"{self.image_token}\n" if isinstance(part, ImagePart) else part.text for part in parts)

    def _user(self, parts: Sequence[Part]) -> dict[str, Any]:
        if not self._structured:
            return {"role": "user", "content": self._flat(parts)}
        content = [{"type": "image"} if isinstance(p, ImagePart) else {"type": "text", "text": p.text} for p in parts]
        return {"role": "user", "content": content}

    def _apply(self, messages: list[dict[str, Any]], **options: Any) -> str:
        renderer = self._processor if self._structured else self._processor.tokenizer
        return str(renderer.apply_chat_template(messages, tokenize=False, **options))

    def _check(self, where: str) -> str:
        image = ImagePart(ImageRef("probe", None, bytes))
        parts = (image, TextPart("question"))
        try:
            prompt = self.render(parts)
        except Exception as error:  # a template is a program of the checkpoint's: anything can come out of it
            raise UsageError(f"checkpoint {where}: its chat template fails: {' '.join(str(error).split())}") from error
        if prompt.count(self.image_token) != 1 or "question" not in prompt:
            raise UsageError(
                f"checkpoint {where}: its chat template does not render one {self.image_token} and the question"
            )
        if self.kind == "vicuna_v1":
            return " "
        answer: Any = [{"type": "text", "text": _PROBE}] if self._structured else _PROBE
        try:
            full = self._apply([self._user(parts), {"role": "assistant", "content": answer}])
        except Exception:  # a template that cannot render an answer still asks questions
            full = ""
        between = full[len(prompt) :].partition(_PROBE) if full.startswith(prompt) else ("", "", "")
        if between[1] and not between[0].strip():
            return between[0]
        return "" if prompt[-1:].isspace() else " "
