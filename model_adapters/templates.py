"""Prompts as one string: LLaVA-1.5's own conversation, the template of a checkpoint, or no conversation at all."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from lrm_eval.errors import UsageError
from lrm_eval.types import ImagePart, ImageRef, Shot, TextPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.types import Part

# Source: haotian-liu/LLaVA c121f04, llava/conversation.py, conv_vicuna_v1 (separators " " and "</s>").
VICUNA_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
PromptKind: TypeAlias = Literal["chat_template", "vicuna_v1", "plain"]
_PROBE = "lrmprobeanswer"
_SYSTEM = "lrmprobesystem"


class PromptError(Exception):
    """One request cannot be rendered; the message is one line."""


class PromptTemplate:
    """Renders the parts of a request into the string that is tokenised.

    Args:
        kind: "vicuna_v1" (LLaVA-1.5's conversation), "chat_template" (the checkpoint's own) or "plain" (images, text).
        processor: a transformers processor; its chat template is used, or else its tokenizer's.
        image_token: the placeholder of one image; "" where the processor puts images in by itself.
        where: the checkpoint, for messages.

    Attributes:
        separator: what the template puts between prompt and answer (a blank, mostly). It belongs to the template: it is
            put before a choice that is scored and removed from the start of a generated answer.
        closing: what the template puts after an answer, as far as can be told; "" where it cannot.
        takes_system: whether a system text can be given.
        takes_shots: whether earlier turns can be given.

    Raises:
        UsageError: the checkpoint has no chat template, or one that cannot be used.
    """

    def __init__(self, kind: PromptKind, processor: Any, image_token: str, where: str) -> None:
        self.kind = kind
        self.image_token = image_token
        self.closing = ""
        self._processor = processor
        self._source = VICUNA_SYSTEM if kind == "vicuna_v1" else kind
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
        self.takes_system = kind == "vicuna_v1" or self._holds(_SYSTEM, system=_SYSTEM)
        self.takes_shots = kind == "vicuna_v1" or self._holds(_PROBE, shots=(Shot((TextPart("example"),), _PROBE),))

    def render(self, parts: Sequence[Part], system: str = "", shots: Sequence[Shot] = ()) -> str:
        """The prompt, up to where the model's answer begins, with one placeholder for each image.

        Args:
            parts: of the request.
            system: text of the system turn; "" leaves the template's own, if it has one.
            shots: earlier turns.

        Raises:
            PromptError: a text itself holds the image placeholder, or there is no place for system text or shots.
        """
        shown = [*parts, *(part for shot in shots for part in shot.parts)]
        texts = [system, *(shot.answer for shot in shots), *(one.text for one in shown if isinstance(one, TextPart))]
        if self.image_token and any(self.image_token in text for text in texts):
            raise PromptError(f"the text of the request holds {self.image_token!r}, the placeholder of an image")
        if self.kind == "vicuna_v1":
            before = "".join(f"USER: {self._flat(shot.parts)} ASSISTANT: {shot.answer}</s>" for shot in shots)
            return f"{system or VICUNA_SYSTEM} {before}USER: {self._flat(parts)} ASSISTANT:"
        if self.kind == "plain":
            if system or shots:
                raise PromptError("this model takes a question alone, without a system text or examples")
            images = sum(isinstance(part, ImagePart) for part in parts)
            return self.image_token * images + "".join(part.text for part in parts if isinstance(part, TextPart))
        messages = [] if not system else [{"role": "system", "content": self._said(system)}]
        for shot in shots:
            messages += [self._user(shot.parts), {"role": "assistant", "content": self._said(shot.answer)}]
        return self._apply([*messages, self._user(parts)], add_generation_prompt=True)

    def fingerprint(self) -> dict[str, str]:
        """Kind and content hash of the template."""
        return {"kind": self.kind, "sha256": hashlib.sha256(self._source.encode()).hexdigest()}

    def _flat(self, parts: Sequence[Part]) -> str:
        # LLaVA puts the image on a line of its own before the question.
        return "".join(f"{self.image_token}\n" if isinstance(part, ImagePart) else part.text for part in parts)

    def _said(self, text: str) -> Any:
        return [{"type": "text", "text": text}] if self._structured else text

    def _user(self, parts: Sequence[Part]) -> dict[str, Any]:
        if not self._structured:
            return {"role": "user", "content": self._flat(parts)}
        content = [{"type": "image"} if isinstance(p, ImagePart) else {"type": "text", "text": p.text} for p in parts]
        return {"role": "user", "content": content}

    def _apply(self, messages: list[dict[str, Any]], **options: Any) -> str:
        renderer = self._processor if self._structured else self._processor.tokenizer
        return str(renderer.apply_chat_template(messages, tokenize=False, **options))

    def _holds(self, text: str, **options: Any) -> bool:
        """Whether a prompt with these options can be rendered and has the text in it, once and as a text."""
        try:
            prompt = self.render((TextPart("question"),), **options)
        except Exception:  # a template is a program of the checkpoint's: anything can come out of it
            return False
        # A template that knows only plain texts would print the list of parts.
        return prompt.count(text) == 1 and "{'type'" not in prompt

    def _check(self, where: str) -> str:
        image = ImagePart(ImageRef("probe", None, bytes))
        parts = (image, TextPart("question"))
        try:
            prompt = self.render(parts)
        except Exception as error:  # as in _holds
            raise UsageError(f"checkpoint {where}: its chat template fails: {' '.join(str(error).split())}") from error
        if (self.image_token and prompt.count(self.image_token) != 1) or "question" not in prompt:
            raise UsageError(
                f"checkpoint {where}: its chat template does not render one {self.image_token} and the question"
            )
        if self.kind == "vicuna_v1":
            return " "
        if self.kind == "plain":
            return "" if prompt[-1:].isspace() else " "
        try:
            full = self._apply([self._user(parts), {"role": "assistant", "content": self._said(_PROBE)}])
        except Exception:  # a template that cannot render an answer still asks questions
            full = ""
        between = full[len(prompt) :].partition(_PROBE) if full.startswith(prompt) else ("", "", "")
        self.closing = between[2] if between[1] else ""
        if between[1] and not between[0].strip():
            return between[0]
        return "" if prompt[-1:].isspace() else " "
