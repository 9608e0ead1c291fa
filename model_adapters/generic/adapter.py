"""Any image-text-to-text checkpoint in this process, behind the same `generate` as the LLaVA adapter.

What a request goes through: pictures (decoded and preprocessed once), tensors (`encoding`), an engine, and back to a
Response. The engine is the one that reads an image once for all its questions where it knows the architecture
(`engine.whole`); elsewhere, and where answers are drawn or searched, it is transformers' `generate` (`asking`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from lrm_eval.errors import UsageError
from lrm_eval.fidelity.cost import SCALE_VERSION, BudgetScale
from lrm_eval.types import Capabilities, Response
from model_adapters.answering import failed, images_of, readable, response_of, token_budget, why_not_greedy
from model_adapters.base import BatchingAdapter
from model_adapters.checkpoints import content_hash
from model_adapters.decoding import Decoding, parse_decoding
from model_adapters.devices import check_device
from model_adapters.engine.decoder import why_not_decoder
from model_adapters.engine.sizes import geometry, vision_cost
from model_adapters.engine.whole import WholeEngine
from model_adapters.engine.work import Work, least_seconds, measure_rates, needed
from model_adapters.generic.asking import Asker
from model_adapters.generic.encoding import Encoder
from model_adapters.generic.loading import LoadedModel, load_generic
from model_adapters.generic.trial import capabilities_of, closing_ids, trial_picture, trial_prompt
from model_adapters.images import ImageError, decode_image, uniform_image
from model_adapters.llava_prompts import RequestError
from model_adapters.memory import auto_batch_size, release_memory
from model_adapters.templates import PromptError, PromptTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from PIL.Image import Image

    from lrm_eval.types import ImageRef, Request
    from model_adapters.engine.rows import Answer, Row
    from model_adapters.generic.encoding import Encoded
    from model_adapters.spec import LoadOptions, ModelSpec

# Decoded pictures kept: questions on one image come together, and shots come with every question.
_PICTURES = 32
# Tokens of prompts in one forward pass.
_CPU_CHUNK, _CUDA_CHUNK = 2048, 16384


class GenericAdapter(BatchingAdapter):
    """Generates answers and scores choices with any AutoModelForImageTextToText.

    A request with choices gets both: an answer within its token budget and the log-probability of each choice as the
    model's answer to the same prompt. A budget of 0 asks for the choices alone.

    Args:
        loaded: the model.
        template: the conversation around a request.
        decoding: how answers are generated.
        batch_size: requests asked at once.
        seed: of everything that is drawn.
        blind: hide the image.
        image_options: settings of the image processor other than the checkpoint's, for the record.
        engine: "auto", "shared" or "plain".
    """

    capabilities = Capabilities(choices=True, batch=True, concurrency=False, deterministic=True)
    version = 1

    def __init__(
        self,
        loaded: LoadedModel,
        template: PromptTemplate,
        decoding: Decoding,
        batch_size: int,
        seed: int,
        blind: bool,
        image_options: Mapping[str, Any] | None = None,
        engine: str = "auto",
    ) -> None:
        super().__init__()
        self._loaded, self._template, self._decoding = loaded, template, decoding
        self._seed, self._blind, self._image_options = seed, blind, dict(image_options or {})
        self._encoder = Encoder(loaded, template)
        self._asker = Asker(loaded, decoding, seed, batch_size)
        tokenizer = loaded.processor.tokenizer
        self._scale = BudgetScale(lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"]))
        self._ends = loaded.end_token_ids | closing_ids(tokenizer, template.closing)
        loaded.end_token_ids = frozenset(self._ends)
        self._pictures: OrderedDict[str, Image] = OrderedDict()
        self._seconds, self._answered, self._work = 0.0, 0, Work()
        self.capabilities = capabilities_of(loaded, template, self._encoder)
        self._shared: WholeEngine | None = None
        if engine != "plain" and unshareable(loaded, decoding) is None:
            chunk = _CUDA_CHUNK if loaded.device.type == "cuda" else _CPU_CHUNK
            self._shared = WholeEngine(loaded, batch_size, chunk)
        self.batch_size = batch_size
        self.batch_invariant = loaded.dtype == "float32"
        self.whole_images = self._shared is not None

    @classmethod
    def load(cls, spec: ModelSpec, options: LoadOptions) -> Self:
        """Load weights, tokenizer and image processor.

        Raises:
            UsageError: the checkpoint is missing, damaged, not an image-text-to-text model, or has code of its own that
                was not allowed; a device or setting is wrong.
            RunError: the download from the hub failed.
        """
        decoding = parse_decoding(options.gen_kwargs)
        preset = spec.preset
        device, dtype = check_device(options.device, options.dtype or preset.dtype)
        if spec.checkpoint is None:
            raise UsageError(f"model {spec.name}: needs a checkpoint; give --checkpoint FOLDER or ORG/NAME")
        loaded = load_generic(
            spec.checkpoint,
            device,
            dtype,
            preset.image_options,
            trust_remote_code=options.trust_remote_code,
            device_map=options.device_map,
        )
        reason = unshareable(loaded, decoding)
        if options.engine == "shared" and reason is not None:
            raise UsageError(f"engine 'shared' cannot be had: {reason}; leave out --engine, or type --engine plain")
        kind = preset.prompt if preset.prompt != "chat_template" else loaded.family.prompt
        template = PromptTemplate(kind, loaded.processor, loaded.image_token, str(spec.checkpoint))
        size = options.batch_size
        if size == "auto":
            trial = Encoder(loaded, template).tensors(trial_prompt(template, 1), [trial_picture()])
            size = auto_batch_size(
                loaded.text,
                int(trial["input_ids"].shape[1]),
                loaded.weight_bytes,
                loaded.element_bytes,
                loaded.device_bytes,
                shared=options.engine != "plain" and reason is None,
            )
        elif size < 1:
            raise UsageError(f"batch size {size}: must be at least 1")
        return cls(loaded, template, decoding, size, options.seed, spec.blind, preset.image_options, options.engine)

    def fingerprint(self) -> Mapping[str, Any]:
        """Checkpoint content, type, template, image settings, decoding settings, seed if anything is drawn."""
        return {
            "adapter": "generic",
            "adapter_version": self.version,
            "model_type": self._loaded.model_type,
            "checkpoint": content_hash(self._loaded.folder),
            "dtype": self._loaded.dtype,
            "template": self._template.fingerprint(),
            "image_options": self._image_options,
            "remote_code": self._loaded.remote_code,
            "blind": self._blind,
            "decoding": self._decoding.model_dump(),
            "budget_scale": SCALE_VERSION,
            "seed": self._seed if self._decoding.do_sample else None,
        }

    def settings(self) -> Mapping[str, Any]:
        """Device, batch size as it is now (memory may have halved it), where the weights came from."""
        import transformers

        return {
            "device": str(self._loaded.device),
            "engine": "plain" if self._shared is None else self._shared.name,
            "batch_size": (self._asker if self._shared is None else self._shared).limit,
            "checkpoint": str(self._loaded.folder),
            "image_processor": type(self._loaded.processor.image_processor.inner).__name__,
            "torch": str(torch.__version__),
            "transformers": str(transformers.__version__),
            "threads": torch.get_num_threads(),
        }

    def performance(self) -> Mapping[str, Any]:
        """What the answers so far cost; where prompts share, beside the least time, as `LlavaAdapter.performance`.

        Empty before the first answer.
        """
        if not self._answered:
            return {}
        told = {
            "prompts": self._answered,
            "seconds": self._seconds,
            "prompts_per_second": self._answered / self._seconds,
        }
        return told if self._shared is None else {**told, **self._against_least(self._shared)}

    def _against_least(self, shared: WholeEngine) -> dict[str, Any]:
        rates = measure_rates(self._loaded.device, self._loaded.model.dtype)
        trial = self._encoder.tensors(trial_prompt(self._template, 1), [trial_picture()])
        vision = vision_cost(self._loaded.model, self._asker.placed(trial), self._loaded.image_token_id)
        sizes = geometry(self._loaded.model, vision, shared.image_tokens / max(1, shared.images))
        work = self._work + Work(images=shared.images)
        least = least_seconds(sizes, work, rates)
        return {
            "counts": asdict(work),
            "operations": sizes.operations(work),
            "bytes": sizes.bytes(work),
            "rates": {"operations_per_second": rates.operations, "bytes_per_second": rates.bytes},
            "least_seconds": least,
            "times_least": self._seconds / sum(least.values()),
        }

    def decode(self, ids: Sequence[int]) -> str:
        """The text of generated tokens, as it stands in a response."""
        return readable(self._loaded.processor.tokenizer, ids, self._template.separator)

    def close(self) -> None:
        """Free the model and the pictures kept."""
        self._pictures.clear()
        self._loaded.processor.image_processor.forget()
        self._shared = None
        self._loaded.model = None
        release_memory()

    # One batch ------------------------------------------------------------------------------------------------

    def answer_batch(self, batch: Sequence[Request]) -> list[Response]:
        """Answer every request of one batch."""
        start = time.perf_counter()
        answers: dict[str, Response] = {}
        rows: list[Encoded] = []
        with torch.inference_mode():
            for request in batch:
                try:
                    shown = images_of(request)
                    pictures = [self._picture(image) for image in shown]
                    keys = tuple(self._key(image) for image in shown)
                    rows.append(
                        self._encoder.encode(
                            request, keys, pictures, token_budget(request, self._decoding, self._scale)
                        )
                    )
                except (ImageError, RequestError, PromptError) as error:
                    answers[request.key] = failed(request, str(error))
            shared = [] if self._shared is None else [row.row() for row in rows]
            found = self._ask(rows, shared)
        for row, answer in zip(rows, found, strict=True):
            answers[row.request.key] = self._response(row, answer)
        tokens = [answers[row.request.key].completion_tokens or 0 for row in shared]
        self._work += needed(shared, tokens, self._loaded.image_token_id)
        self._seconds += time.perf_counter() - start
        self._answered += len(batch)
        return [answers[request.key] for request in batch]

    def _ask(self, rows: Sequence[Encoded], shared: Sequence[Row]) -> list[Answer | None]:
        if self._shared is None:
            return self._asker.answer(rows)
        near = [number for number, row in enumerate(shared) if self._shared.fits(row)]
        far = sorted(set(range(len(rows))) - set(near))
        found = dict(zip(near, self._shared.answer([shared[number] for number in near]), strict=True))
        found |= dict(zip(far, self._asker.answer([rows[number] for number in far]), strict=True))
        return [found[number] for number in range(len(rows))]

    def _key(self, image: ImageRef) -> str:
        """What identifies an image: its content, where that is known."""
        if self._blind:
            return "blind"
        return image.sha256 if image.sha256 is not None else f"?{image.uri}"

    def _picture(self, image: ImageRef) -> Image:
        key = self._key(image)
        # Without a hash of the content another image may come under the same name.
        if key.startswith("?"):
            return decode_image(image)
        if key not in self._pictures:
            made = uniform_image(*self._loaded.hidden_image) if self._blind else decode_image(image)
            self._pictures[key] = made
            while len(self._pictures) > _PICTURES:
                self._pictures.popitem(last=False)
        self._pictures.move_to_end(key)
        return self._pictures[key]

    def _response(self, row: Encoded, answer: Answer | None) -> Response:
        # What a model says beyond its context is noise; the budget of a long prompt ends there.
        room = self._loaded.context if self._loaded.encoder_decoder else self._loaded.context - row.length
        most = min(row.budget, room)
        return response_of(row.request, row.prompt, row.length, row.choices, answer, most, self._ends, self.decode)


def unshareable(loaded: LoadedModel, decoding: Decoding) -> str | None:
    """Why a model with these settings is asked each prompt whole; None if prompts can share their beginnings."""
    return why_not_greedy(decoding, loaded.model) or why_not_decoder(loaded.model)
