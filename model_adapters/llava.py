"""LLaVA-architecture checkpoints in this process, through transformers' LlavaForConditionalGeneration.

Only safetensors are loaded, no code of a checkpoint ever runs, images are processed with PIL. What a request goes
through: image features (`vision`), a row of token ids (`llava_prompts`), an engine (`engine`), and back to a Response.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
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
from model_adapters.engine.plain import PlainEngine
from model_adapters.engine.shared import SharedEngine
from model_adapters.engine.trunk import why_not
from model_adapters.engine.work import Geometry, Work, least_seconds, measure_rates, needed
from model_adapters.feature_cache import FeatureCache, vision_key
from model_adapters.llava_loading import LoadedLlava, load_llava
from model_adapters.llava_prompts import PromptBuilder, RequestError
from model_adapters.memory import auto_batch_size
from model_adapters.templates import PromptError, PromptTemplate
from model_adapters.vision import ImageFeatures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from lrm_eval.types import Request
    from model_adapters.engine.rows import Answer, Row
    from model_adapters.spec import LoadOptions, ModelSpec

# Tokens of prompts in one forward pass.
_CPU_CHUNK, _CUDA_CHUNK = 2048, 16384


class LlavaAdapter(BatchingAdapter):
    """Generates answers and scores choices with a LLaVA-architecture checkpoint.

    A request with choices gets both: an answer within its token budget and the log-probability of each choice as the
    model's answer to the same prompt. A budget of 0 asks for the choices alone.

    Deviation: LLaVA's interface in SEED-Bench-2 takes the mean over the choice and the end token; here neither sum nor
    mean counts the end token, so that both are of the given text and nothing else.

    Args:
        loaded: the model.
        template: the conversation around a request.
        decoding: how answers are generated.
        batch_size: requests asked at once.
        seed: of everything that is drawn.
        blind: hide the image.
        engine: "auto", "shared" or "plain".
        disk: image features of earlier runs.
    """

    capabilities = Capabilities(choices=True, batch=True, concurrency=False, deterministic=True, text_only=True)
    version = 1

    def __init__(
        self,
        loaded: LoadedLlava,
        template: PromptTemplate,
        decoding: Decoding,
        batch_size: int,
        seed: int,
        blind: bool,
        engine: str = "auto",
        disk: FeatureCache | None = None,
    ) -> None:
        super().__init__()
        self._loaded, self._template, self._decoding = loaded, template, decoding
        self._seed, self._blind = seed, blind
        self._prompts = PromptBuilder(loaded, template)
        self._scale = BudgetScale(
            lambda text: len(loaded.processor.tokenizer(text, add_special_tokens=False)["input_ids"])
        )
        self._vision = ImageFeatures(loaded, blind, disk)
        self._plain = PlainEngine(loaded, decoding, seed, batch_size)
        self._shared: SharedEngine | None = None
        if engine != "plain" and unshareable(loaded, decoding) is None:
            chunk = _CUDA_CHUNK if loaded.device.type == "cuda" else _CPU_CHUNK
            self._shared = SharedEngine(loaded, batch_size, chunk)
        self._work, self._seconds, self._answered = Work(), 0.0, 0
        self.capabilities = replace(self.capabilities, system=template.takes_system, shots=template.takes_shots)
        self.batch_size = batch_size
        self.batch_invariant = loaded.dtype == "float32"
        self.whole_images = self._shared is not None

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
        loaded = load_llava(spec.checkpoint, device, dtype, preset.image_processing, options.device_map)
        template = PromptTemplate(preset.prompt, loaded.processor, loaded.image_token, str(spec.checkpoint))
        reason = unshareable(loaded, decoding)
        if options.engine == "shared" and reason is not None:
            raise UsageError(f"engine 'shared' cannot be had: {reason}; leave out --engine, or type --engine plain")
        size = options.batch_size
        if size == "auto":
            config = loaded.model.config.get_text_config().to_dict()
            size = auto_batch_size(
                config,
                loaded.image_tokens,
                loaded.weight_bytes,
                loaded.element_bytes,
                loaded.device_bytes,
                shared=options.engine != "plain" and reason is None,
            )
        elif size < 1:
            raise UsageError(f"batch size {size}: must be at least 1")
        disk = None
        if options.feature_cache is not None:
            disk = FeatureCache(options.feature_cache, vision_key(loaded))
        return cls(loaded, template, decoding, size, options.seed, spec.blind, options.engine, disk)

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
            "budget_scale": SCALE_VERSION,
            "seed": self._seed if self._decoding.do_sample else None,
        }

    def settings(self) -> Mapping[str, Any]:
        """Device, engine, batch size as it is now (memory may have halved it), where the weights came from."""
        import transformers

        engine = self._plain if self._shared is None else self._shared
        return {
            "device": str(self._loaded.device),
            "engine": engine.name,
            "batch_size": engine.limit,
            "checkpoint": str(self._loaded.folder),
            "torch": str(torch.__version__),
            "transformers": str(transformers.__version__),
            "threads": torch.get_num_threads(),
        }

    def performance(self) -> Mapping[str, Any]:
        """What the answers so far cost, and the least time that this machine could have needed; measures its rates.

        Returns:
            Counts, seconds, prompts a second, operations and least seconds by phase, rates, and `times_least`; empty
            before the first answer.
        """
        if not self._answered:
            return {}
        rates = measure_rates(self._loaded.device, self._loaded.model.dtype)
        geometry = Geometry.of(self._loaded.model, self._loaded.image_tokens)
        work = self._work + Work(images=self._vision.computed)
        least = least_seconds(geometry, work, rates)
        return {
            "prompts": self._answered,
            "seconds": self._seconds,
            "prompts_per_second": self._answered / self._seconds,
            "counts": asdict(work),
            "operations": geometry.operations(work),
            "bytes": geometry.bytes(work),
            "rates": {"operations_per_second": rates.operations, "bytes_per_second": rates.bytes},
            "least_seconds": least,
            "times_least": self._seconds / sum(least.values()),
        }

    def forget(self) -> None:
        """Drop image features in memory and counts: what comes next costs what it would have cost first."""
        self._vision.forget()
        self._work, self._seconds, self._answered = Work(), 0.0, 0

    def decode(self, ids: Sequence[int]) -> str:
        """The text of generated tokens, as it stands in a response."""
        return readable(self._loaded.processor.tokenizer, ids, self._template.separator)

    def close(self) -> None:
        """Free the model and the features kept."""
        from model_adapters.memory import release_memory

        self._vision.close()
        self._shared = None
        self._loaded.model = None
        release_memory()

    # One batch ------------------------------------------------------------------------------------------------

    def announce(self, batch: Sequence[Request]) -> None:
        """Begin to decode the images of the batch after the one that is answered now."""
        self._vision.announce(image for request in batch for image in images_of(request))

    def answer_batch(self, batch: Sequence[Request]) -> list[Response]:
        """Answer every request of one batch."""
        start = time.perf_counter()
        answers: dict[str, Response] = {}
        rows: list[Row] = []
        with torch.inference_mode():
            features = self._vision.get([image for request in batch for image in images_of(request)])
            for request in batch:
                try:
                    rows.append(self._row(request, features))
                except (RequestError, PromptError) as error:
                    answers[request.key] = failed(request, str(error))
            found = self._ask(rows)
        for row, answer in zip(rows, found, strict=True):
            answers[row.request.key] = self._response(row, answer)
        tokens = [answers[row.request.key].completion_tokens or 0 for row in rows]
        self._work += needed(rows, tokens, self._loaded.image_token_id)
        self._seconds += time.perf_counter() - start
        self._answered += len(batch)
        return [answers[request.key] for request in batch]

    def _row(self, request: Request, features: Mapping[str, torch.Tensor]) -> Row:
        images = images_of(request)
        keys = tuple(self._vision.key(image) for image in images)
        for key, image in zip(keys, images, strict=True):
            if key not in features:
                raise RequestError(self._vision.explain(image))
        return self._prompts.row(
            request, keys, tuple(features[key] for key in keys), token_budget(request, self._decoding, self._scale)
        )

    def _ask(self, rows: Sequence[Row]) -> list[Answer | None]:
        if self._shared is None:
            return self._plain.answer(rows)
        near = [row for row in rows if self._shared.fits(row)]
        far = [row for row in rows if not self._shared.fits(row)]
        found = {row.request.key: answer for row, answer in zip(near, self._shared.answer(near), strict=True)}
        found |= {row.request.key: answer for row, answer in zip(far, self._plain.answer(far), strict=True)}
        return [found[row.request.key] for row in rows]

    def _response(self, row: Row, answer: Answer | None) -> Response:
        # What a model says beyond its context is noise; the budget of a long prompt ends there.
        most = min(row.budget, self._loaded.context - len(row.ids))
        ends = self._loaded.end_token_ids
        return response_of(row.request, row.prompt, len(row.ids), row.choices, answer, most, ends, self.decode)


def unshareable(loaded: LoadedLlava, decoding: Decoding) -> str | None:
    """Why a model with these settings is asked by the plain engine; None if the shared one can."""
    return why_not_greedy(decoding, loaded.model) or why_not(loaded.model)
