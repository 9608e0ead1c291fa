"""LLaVA-architecture checkpoints in this process, through transformers' LlavaForConditionalGeneration.

Only safetensors are loaded, no code of a checkpoint ever runs, images are processed with PIL. Prompts are padded on the
left. Features of an image are computed by themselves, one image a forward pass, and kept for the requests that follow:
they depend on nothing but the image, so keeping them cannot change an answer.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from lrm_eval.errors import UsageError
from lrm_eval.types import Capabilities, ChoiceScore, ImagePart, Response
from model_adapters.base import BatchingAdapter
from model_adapters.checkpoints import content_hash
from model_adapters.decoding import Decoding, parse_decoding, request_seed
from model_adapters.devices import check_device
from model_adapters.images import ImageError, decode_image, uniform_image
from model_adapters.llava_loading import LoadedLlava, load_llava
from model_adapters.memory import Halving, auto_batch_size
from model_adapters.templates import PromptError, PromptTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from lrm_eval.types import ImageRef, Request
    from model_adapters.spec import LoadOptions, ModelSpec

_FEATURES_KEPT = 64
_BLIND = "blind"


@dataclass(frozen=True, slots=True)
class _Row:
    """One prompt, ready for the model: `ids` [T] with image tokens repeated, `features` [T_image, D] of its images."""

    request: Request
    prompt: str
    ids: tuple[int, ...]
    features: torch.Tensor | None
    expansion: tuple[int, ...]


class _RequestError(Exception):
    """One request cannot be asked; the others can."""


class LlavaAdapter(BatchingAdapter):
    """Generates answers and scores choices with a LLaVA-architecture checkpoint.

    A request with choices gets both: an answer within its token budget and the log-probability of each choice as the
    model's answer to the same prompt. A budget of 0 asks for the choices alone.

    Deviation: LLaVA's interface in SEED-Bench-2 takes the mean over the choice and the end token; here neither sum nor
    mean counts the end token, so that both are of the given text and nothing else.
    """

    capabilities = Capabilities(choices=True, batch=True, concurrency=False, deterministic=True)
    version = 1

    def __init__(
        self, loaded: LoadedLlava, template: PromptTemplate, decoding: Decoding, batch_size: int, seed: int, blind: bool
    ) -> None:
        super().__init__()
        self._loaded, self._template, self._decoding = loaded, template, decoding
        self._seed, self._blind = seed, blind
        self._halving = Halving(batch_size)
        self._features: OrderedDict[str, torch.Tensor] = OrderedDict()
        self.batch_size = batch_size
        self.batch_invariant = loaded.dtype == "float32"

    @classmethod
    def load(cls, spec: ModelSpec, options: LoadOptions) -> Self:
        """Load weights, tokenizer and image processor.

        Raises:
            UsageError: the checkpoint is missing, damaged or of another architecture; a device or setting is wrong.
            RunError: the download from the hub failed.
        """
        decoding = parse_decoding(options.gen_kwargs)
        preset = spec.preset
        device, dtype = check_device(options.device, options.dtype or preset.dtype)
        if spec.checkpoint is None:
            raise UsageError(f"model {spec.name}: needs a checkpoint; give --checkpoint FOLDER or ORG/NAME")
        loaded = load_llava(spec.checkpoint, device, dtype, preset.image_processing)
        template = PromptTemplate(preset.prompt, loaded.processor, loaded.image_token, str(spec.checkpoint))
        size = options.batch_size
        if size == "auto":
            config = loaded.model.config.get_text_config().to_dict()
            size = auto_batch_size(
                config, loaded.image_tokens, loaded.weight_bytes, loaded.element_bytes, loaded.device_bytes
            )
        elif size < 1:
            raise UsageError(f"batch size {size}: must be at least 1")
        return cls(loaded, template, decoding, size, options.seed, spec.blind)

    def fingerprint(self) -> Mapping[str, Any]:
        """Checkpoint content, type, template, image processing, decoding settings, seed if anything is drawn."""
        decoding = self._decoding.model_dump()
        return {
            "adapter": "llava",
            "adapter_version": self.version,
            "checkpoint": content_hash(self._loaded.folder),
            "dtype": self._loaded.dtype,
            "template": self._template.fingerprint(),
            "image_processing": self._loaded.image_processing,
            "blind": self._blind,
            "decoding": decoding,
            "seed": self._seed if self._decoding.do_sample else None,
        }

    def settings(self) -> Mapping[str, Any]:
        """Device, batch size as it is now (memory may have halved it), where the weights came from."""
        import transformers

        return {
            "device": str(self._loaded.device),
            "batch_size": self._halving.limit,
            "checkpoint": str(self._loaded.folder),
            "torch": str(torch.__version__),
            "transformers": str(transformers.__version__),
            "threads": torch.get_num_threads(),
        }

    def close(self) -> None:
        """Free the model and the features kept."""
        from model_adapters.memory import release_memory

        self._features.clear()
        self._loaded.model = None
        release_memory()

    # One batch ------------------------------------------------------------------------------------------------

    def answer_batch(self, batch: Sequence[Request]) -> list[Response]:
        """Answer every request of one batch; budgets and whether choices are asked are the same for all of them."""
        answers: dict[str, Response] = {}
        rows: list[_Row] = []
        with torch.inference_mode():
            for request in batch:
                try:
                    rows.append(self._row(request))
                except (_RequestError, ImageError, PromptError) as error:
                    answers[request.key] = _failed(request, str(error))
            answers.update({response.key: response for response in self._answer(rows)})
        return [answers[request.key] for request in batch]

    def _answer(self, rows: Sequence[_Row]) -> list[Response]:
        responses = [Response(row.request.key, prompt_tokens=len(row.ids), prompt=row.prompt) for row in rows]
        budget = self._budget(rows[0].request) if rows else 0
        if budget > 0:
            generated = self._halving.run(rows, lambda piece: self._generate(piece, budget))
            responses = [
                _out_of_memory(row.request, row.prompt) if new is None else self._read(row, new, budget, response)
                for row, new, response in zip(rows, generated, responses, strict=True)
            ]
        return [
            self._with_choices(row, response) if row.request.choices and response.error is None else response
            for row, response in zip(rows, responses, strict=True)
        ]

    def _budget(self, request: Request) -> int:
        return request.max_new_tokens if self._decoding.max_new_tokens is None else self._decoding.max_new_tokens

    # Prompts --------------------------------------------------------------------------------------------------

    def _row(self, request: Request) -> _Row:
        prompt = self._template.render(request.parts)
        features = [self._image_features(part.image) for part in request.parts if isinstance(part, ImagePart)]
        expansion = tuple(len(feature) for feature in features)
        row = _Row(request, prompt, (), torch.cat(features) if features else None, expansion)
        row = replace(row, ids=self._tokens(row, prompt))
        context = self._loaded.context
        if len(row.ids) >= context:
            raise _RequestError(f"the prompt has {len(row.ids)} tokens and the model a context of {context}")
        return row

    def _tokens(self, row: _Row, text: str) -> tuple[int, ...]:
        tokenizer = self._loaded.processor.tokenizer
        # A template that writes the begin token itself must not get a second one from the tokenizer.
        written = tokenizer.bos_token is not None and text.startswith(tokenizer.bos_token)
        ids: list[int] = []
        expansion = iter(row.expansion)
        for token in tokenizer(text, add_special_tokens=not written)["input_ids"]:
            ids.extend([token] * (next(expansion, 0) if token == self._loaded.image_token_id else 1))
        if ids.count(self._loaded.image_token_id) != sum(row.expansion):
            raise _RequestError(f"the prompt holds another number of images than the request ({len(row.expansion)})")
        return tuple(ids)

    def _image_features(self, image: ImageRef) -> torch.Tensor:  # [T_image, D]
        key = _BLIND if self._blind else image.sha256
        if key is not None and key in self._features:
            self._features.move_to_end(key)
            return self._features[key]
        picture = uniform_image(*self._loaded.hidden_image) if self._blind else decode_image(image)
        features = self._halving.run([picture], lambda pictures: [self._loaded.image_features(pictures[0])])[0]
        if features is None:
            raise _RequestError(f"image {image.uri}: out of memory in the vision tower")
        if key is not None:
            self._features[key] = features
            while len(self._features) > _FEATURES_KEPT:
                self._features.popitem(last=False)
        return features

    def _padded(self, rows: Sequence[_Row], ids: Sequence[tuple[int, ...]]) -> tuple[torch.Tensor, ...]:
        """Left-padded ids [B, T], attention mask [B, T] and input embeddings [B, T, D] with image features in place."""
        longest, pad, device = max(len(row_ids) for row_ids in ids), self._loaded.pad_token_id, self._loaded.device
        tokens = torch.tensor([[pad] * (longest - len(row_ids)) + list(row_ids) for row_ids in ids], device=device)
        lengths = torch.tensor([[longest - len(row_ids)] for row_ids in ids], device=device)
        mask = (torch.arange(longest, device=device)[None] >= lengths).long()
        embeds = self._loaded.model.get_input_embeddings()(tokens)
        features = [row.features for row in rows if row.features is not None]
        if features:
            # The pad token may be any token, the image token included: padding holds no image.
            places = (tokens == self._loaded.image_token_id) & mask.bool()
            embeds = embeds.masked_scatter(places[..., None], torch.cat(features).to(embeds.dtype))
        return tokens, mask, embeds

    # Answers --------------------------------------------------------------------------------------------------

    def _generate(self, rows: Sequence[_Row], budget: int) -> list[list[int]]:
        if not self._decoding.do_sample:
            return self._generate_together(rows, budget)
        new: list[list[int]] = []
        for row in rows:
            # One at a time from a seed of its own: what is drawn must not depend on the neighbours.
            devices = [self._loaded.device] if self._loaded.device.type == "cuda" else []
            with torch.random.fork_rng(devices=devices):
                torch.manual_seed(request_seed(self._seed, row.request.key))
                new.extend(self._generate_together([row], budget))
        return new

    def _generate_together(self, rows: Sequence[_Row], budget: int) -> list[list[int]]:
        from transformers import GenerationConfig

        tokens, mask, embeds = self._padded(rows, [row.ids for row in rows])
        config = GenerationConfig(
            max_new_tokens=budget,
            eos_token_id=sorted(self._loaded.end_token_ids),
            pad_token_id=self._loaded.pad_token_id,
            **self._decoding.for_transformers(),
        )
        output = self._loaded.model.generate(
            input_ids=tokens, inputs_embeds=embeds, attention_mask=mask, generation_config=config
        )
        return [list(row) for row in output[:, tokens.shape[1] :].tolist()]

    def _read(self, row: _Row, new: list[int], budget: int, response: Response) -> Response:
        # What a model says beyond its context is noise; the budget of a long prompt ends there.
        new = new[: min(budget, self._loaded.context - len(row.ids))]
        end = next((place for place, token in enumerate(new) if token in self._loaded.end_token_ids), None)
        kept = new if end is None else new[: end + 1]
        text = self._loaded.processor.tokenizer.decode(
            kept, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return replace(
            response,
            text=text.removeprefix(self._template.separator),
            finish_reason="length" if end is None else "stop",
            completion_tokens=len(kept),
        )

    # Choices --------------------------------------------------------------------------------------------------

    def _with_choices(self, row: _Row, response: Response) -> Response:
        try:
            asked = [self._choice(row, choice) for choice in row.request.choices]
        except _RequestError as error:
            return _failed(row.request, str(error), row.prompt)
        scores = self._halving.run(asked, lambda piece: self._score(row, piece))
        found = [
            ChoiceScore(text, sum(score), sum(score) / len(score), len(score))
            for text, score in zip(row.request.choices, scores, strict=True)
            if score is not None
        ]
        if len(found) < len(scores):
            return _out_of_memory(row.request, row.prompt)
        return replace(response, choices=tuple(found))

    def _choice(self, row: _Row, choice: str) -> tuple[tuple[int, ...], int]:
        """Ids of prompt and choice, and how many of them, at the end, are the choice's.

        Prompt and choice are tokenised together, as in training; the choice's tokens are those after the longest
        beginning that it shares with the prompt alone, so that a token that spans both counts as the choice's.
        """
        ids = self._tokens(row, row.prompt + self._template.separator + choice)
        shared = next(
            (i for i, (a, b) in enumerate(zip(ids, row.ids, strict=False)) if a != b), min(len(ids), len(row.ids))
        )
        if not choice or shared == len(ids):
            raise _RequestError(f"the choice {choice!r} has no token of its own")
        if len(ids) > self._loaded.context:
            raise _RequestError(
                f"prompt and choice have {len(ids)} tokens and the model a context of {self._loaded.context}"
            )
        return ids, len(ids) - shared

    def _score(self, row: _Row, asked: Sequence[tuple[tuple[int, ...], int]]) -> list[list[float]]:
        """Log-probability of each token of each choice, in nats."""
        tokens, mask, embeds = self._padded([row] * len(asked), [ids for ids, _ in asked])
        longest = max(length for _, length in asked)
        output = self._loaded.model(
            inputs_embeds=embeds,
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
            use_cache=False,
            logits_to_keep=longest + 1,
        )
        # The logits at one place are about the next token. [B, K, V] -> [B, K]
        logprobs = output.logits[:, :-1].float().log_softmax(-1)
        scored = logprobs.gather(-1, tokens[:, -longest:, None])[..., 0].tolist()
        return [values[longest - length :] for values, (_, length) in zip(scored, asked, strict=True)]


def _failed(request: Request, message: str, prompt: str | None = None) -> Response:
    return Response(request.key, finish_reason="error", prompt=prompt, error=message)


def _out_of_memory(request: Request, prompt: str) -> Response:
    return _failed(request, "out of memory with this request alone", prompt)
