"""Requests as tensors, the way the model's own processor makes them, and batches of them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from model_adapters.engine.grouping import shared_length
from model_adapters.engine.rows import Choice, Row
from model_adapters.llava_prompts import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from lrm_eval.types import Request
    from model_adapters.generic.loading import LoadedModel
    from model_adapters.templates import PromptTemplate

# Made for training, or read by nobody while generating.
_UNREAD = ("labels", "num_crops", "offset_mapping")


@dataclass(frozen=True, slots=True)
class Forced:
    """A choice as tokens to be forced after a beginning of the prompt.

    Attributes:
        text: the choice.
        kept: how many tokens of the prompt stand before it: all, unless a token spans both.
        ids: its tokens.
    """

    text: str
    kept: int
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One prompt, ready for the model.

    Attributes:
        request: what was asked.
        prompt: as text.
        tensors: arguments of the model: along the text [1, T, ...], Q-Former text [1, Q], or of images.
        budget: most tokens to generate; 0 generates none.
        images: what identifies its images, in the order of the prompt.
        choices: to be scored.
    """

    request: Request
    prompt: str
    tensors: dict[str, torch.Tensor]
    budget: int
    images: tuple[str, ...] = ()
    choices: tuple[Forced, ...] = ()

    @property
    def length(self) -> int:
        """T, image tokens counted."""
        return int(self.tensors["input_ids"].shape[1])

    def row(self) -> Row:
        """The same for the engine that shares prefixes."""
        ids = tuple(self.tensors["input_ids"][0].tolist())
        return Row(
            self.request,
            self.prompt,
            ids,
            self.images,
            budget=self.budget,
            choices=tuple(Choice(one.text, ids[: one.kept] + one.ids, len(one.ids)) for one in self.choices),
            inputs={name: one for name, one in self.tensors.items() if name not in ("input_ids", "attention_mask")},
        )

    def signature(self) -> tuple[Any, ...]:
        """What two rows must have in common to stand in one batch.

        Tensors of images must be of one shape but for the first axis. Then nothing but text is ever padded, and no
        family's own way of padding images need be known.
        """
        return tuple(
            (name, tensor.dim(), None if along_text(name, tensor, self.length) else tuple(tensor.shape[1:]))
            if not name.startswith("qformer_")
            else (name,)
            for name, tensor in sorted(self.tensors.items())
        )


def along_text(name: str, tensor: torch.Tensor, length: int) -> bool:
    """Whether a tensor has one entry for each token of the prompt."""
    if name == "cross_attention_mask":
        return True
    return tensor.dim() == 2 and tuple(tensor.shape) == (1, length) and not name.startswith(("qformer_", "pixel_"))


class Encoder:
    """Renders and tokenises requests.

    Args:
        loaded: model and processor.
        template: the conversation around a request.
    """

    def __init__(self, loaded: LoadedModel, template: PromptTemplate) -> None:
        self._loaded, self._template = loaded, template

    def encode(self, request: Request, images: tuple[str, ...], pictures: Sequence[Image], budget: int) -> Encoded:
        """The tensors of one request, on the CPU.

        Args:
            request: what is asked.
            images: what identifies its images, in the order of the prompt.
            pictures: the images. The same object twice is processed once.
            budget: most tokens to generate.

        Raises:
            RequestError: the processor refuses it, it does not fit the context, or a choice cannot be scored.
            PromptError: the request cannot be rendered.
        """
        prompt = self._template.render(request.parts, request.system, request.shots)
        tensors = self.tensors(prompt, pictures)
        length, context = int(tensors["input_ids"].shape[1]), self._loaded.context
        if length >= context:
            raise RequestError(f"the prompt has {length} tokens and the model a context of {context}")
        choices = tuple(self._choice(prompt, tensors, pictures, choice) for choice in request.choices)
        return Encoded(request, prompt, tensors, budget, images, choices)

    def tensors(self, prompt: str, pictures: Sequence[Image]) -> dict[str, torch.Tensor]:
        """What the processor makes of a prompt.

        Raises:
            RequestError: the processor refuses it.
        """
        processor, alone = self._loaded.processor, self._loaded.family.placeholder == ""
        begin = processor.tokenizer.bos_token
        # As transformers' own apply_chat_template: a template that writes the begin token itself gets no second one.
        options = {"add_special_tokens": False} if begin and prompt.startswith(begin) else {}
        images: Any = list(pictures) if alone else [list(pictures)]
        try:
            with warnings.catch_warnings():
                # Of transformers' own code (PaliGemma's processor and NumPy 2); nothing a user could do about.
                warnings.simplefilter("ignore")
                made = processor(text=[prompt], images=images if pictures else None, return_tensors="pt", **options)
        except Exception as error:  # processors raise whatever their arithmetic stumbles over
            raise RequestError(f"the processor refuses it: {' '.join(str(error).split())[:200]}") from error
        return {name: value for name, value in made.items() if isinstance(value, torch.Tensor) and name not in _UNREAD}

    def _choice(self, prompt: str, tensors: dict[str, torch.Tensor], pictures: Sequence[Image], choice: str) -> Forced:
        """A choice's tokens: those after the longest beginning that prompt and choice share with the prompt alone.

        Both are tokenised together, as in training. Where the answer is a text of its own (an encoder-decoder, a
        prompt that the processor closes) the choice is tokenised by itself.
        """
        ids = tuple(tensors["input_ids"][0].tolist())
        context = self._loaded.context
        if self._loaded.encoder_decoder or self._loaded.family.choice_alone:
            kept, own = len(ids), self._loaded.processor.tokenizer(choice, add_special_tokens=False)["input_ids"]
        else:
            together = self.tensors(prompt + self._template.separator + choice, pictures)["input_ids"][0].tolist()
            kept = shared_length([ids, tuple(together)])
            own = together[kept:]
        if not choice or not own:
            raise RequestError(f"the choice {choice!r} has no token of its own")
        if kept + len(own) > context:
            raise RequestError(f"prompt and choice have {kept + len(own)} tokens and the model a context of {context}")
        return Forced(choice, kept, tuple(int(one) for one in own))


def collate(rows: Sequence[dict[str, torch.Tensor]], pad: int) -> dict[str, torch.Tensor]:
    """Rows of one signature as one batch: text padded on the left, Q-Former text on the right, images in a row.

    The Q-Former is a BERT with absolute positions and a mask: on the right padding changes nothing. What is generated
    comes after the text, so that there padding must stand on the left.
    """
    lengths = [int(row["input_ids"].shape[1]) for row in rows]
    batch: dict[str, torch.Tensor] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name.startswith("qformer_"):
            batch[name] = _padded(values, max(int(one.shape[1]) for one in values), 0, left=False)
        elif all(along_text(name, one, length) for one, length in zip(values, lengths, strict=True)):
            batch[name] = _padded(values, max(lengths), pad if name == "input_ids" else 0, left=True)
        else:
            batch[name] = torch.cat(values)
    return batch


def _padded(values: Sequence[torch.Tensor], length: int, fill: int, left: bool) -> torch.Tensor:
    made = values[0].new_full((len(values), length, *values[0].shape[2:]), fill)
    for place, value in enumerate(values):
        start = length - value.shape[1] if left else 0
        made[place, start : start + value.shape[1]] = value[0]
    return made
