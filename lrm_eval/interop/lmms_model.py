"""Our models inside lmms-eval: `lmms-eval --model lrm_llava --model_args pretrained=FOLDER --tasks …`.

Runs in lmms-eval's environment and process, with our adapter: all requests of all tasks come at once, are sorted by
image, and share what they have in common, as in `lrm-eval run`.
"""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lmms_eval.api.instance import (  # type: ignore[import-not-found,unused-ignore]
    GenerationResult,
    Instance,
    TokenCounts,
)
from lmms_eval.api.model import lmms  # type: ignore[import-not-found,unused-ignore]
from tqdm import tqdm  # type: ignore[import-untyped,unused-ignore]

from lrm_eval.errors import RunError, UsageError, unknown
from lrm_eval.interop.lmms_requests import Asked, asked, cut, scored
from lrm_eval.runs.plan import image_key
from model_adapters import load_model, resolve_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.types import Request, Response
    from model_adapters import AdapterBase, ModelSpec

_ON_ERROR = ("raise", "empty")


class _Bridge(lmms):  # type: ignore[misc,no-any-unimported,unused-ignore]
    """What the four classes share.

    Args:
        pretrained: folder or ORG/NAME of the weights.
        spec: what `lrm-eval run --model` takes; `pretrained` then replaces its weights.
        device: as `--device`; with several processes each takes its own CUDA device.
        dtype: as `--dtype`.
        batch_size: as `--batch-size`, "auto" included.
        engine: as `--engine`.
        feature_cache: as `--feature-cache`.
        include_path: as `--include-path`.
        seed: as `--seed`.
        on_error: "raise" ends the evaluation when a question could not be asked; "empty" answers it with nothing, which
            is scored as wrong.

    Raises:
        UsageError: an unknown model or argument, or weights that are not there.
    """

    default_spec: ClassVar[str] = ""

    def __init__(
        self,
        pretrained: str = "",
        spec: str = "",
        device: str | None = None,
        dtype: str | None = None,
        batch_size: int | str = "auto",
        max_batch_size: int | None = None,
        engine: str = "auto",
        feature_cache: str | None = None,
        include_path: str | None = None,
        seed: int = 0,
        on_error: str = "raise",
        **others: Any,
    ) -> None:
        super().__init__()
        if others:
            known = ("pretrained", "spec", "dtype", "engine", "feature_cache", "include_path", "seed", "on_error")
            raise unknown("model argument", next(iter(others)), known)
        if on_error not in _ON_ERROR:
            raise unknown("on_error", on_error, _ON_ERROR)
        self._on_error = on_error
        self._spec = _resolve(str(spec or self.default_spec), str(pretrained), include_path)
        size = str(batch_size)
        # "auto:4" is lm-eval's form: how often to look for the largest size.
        self._options: dict[str, Any] = {
            "device": device or _own_device(),
            "dtype": dtype,
            "batch_size": "auto" if size.startswith("auto") else int(size),
            "seed": seed,
            "engine": engine,
            "feature_cache": Path(feature_cache) if feature_cache else None,
        }
        self._decoding: tuple[tuple[str, Any], ...] = ()
        # Loaded now, greedy: a mistake is told before the tasks' data is read.
        self._adapter: AdapterBase | None = self._load(())

    @property
    def device(self) -> Any:
        """Where lmms-eval gathers its counts, with several processes."""
        import torch

        return torch.device(self._options["device"] or "cpu")

    def generate_until(self, requests: list[Instance]) -> list[GenerationResult]:
        """Answer every instance, in the order given.

        Raises:
            UsageError: an instance that our requests cannot hold.
            RunError: the model failed; unless on_error=empty, also when one question could not be asked.
        """
        items = [asked(instance, place, self._doc(instance)) for place, instance in enumerate(requests)]
        found: dict[str, Response] = {}
        for decoding, group in groupby(sorted(items, key=lambda item: repr(item.decoding)), lambda item: item.decoding):
            found |= self._answer([item.request for item in group], decoding)
        self._complain(found.values())
        return [_result(found[item.request.key], item) for item in items]

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """The mean negative log-probability of each continuation, and whether the model would have said it.

        So lmms-eval's own models have it, and its tasks take the smallest.

        Raises:
            UsageError: the adapter cannot score choices.
            RunError: as `generate_until`.
        """
        items = [scored(instance, place, self._doc(instance)) for place, instance in enumerate(requests)]
        if not self._ready(()).capabilities.choices:
            raise UsageError(f"model {self._spec.name}: cannot give the log-probability of a text")
        found = self._answer(items, ())
        self._complain(found.values())
        results = []
        for item in items:
            response = found[item.key]
            mean = response.choices[0].logprob_mean if response.choices else float("-inf")
            results.append((-mean, response.text.strip().startswith(item.choices[0])))
        return results

    def generate_until_multi_round(self, requests: list[Instance]) -> list[str]:
        """Not offered.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("our models answer one question at a time: multi-round tasks are not offered")

    def clean(self) -> None:
        """Free the model: lmms-eval calls this once everything is answered."""
        if self._adapter is not None:
            self._adapter.close()
        self._adapter = None

    def _doc(self, instance: Instance) -> Mapping[str, Any]:
        doc_id, task, split = instance.args[-3:]
        row: Mapping[str, Any] = self.task_dict[task][split][doc_id]
        return row

    def _load(self, decoding: tuple[tuple[str, Any], ...]) -> AdapterBase:
        self._decoding = decoding
        return load_model(self._spec, gen_kwargs=dict(decoding), **self._options)

    def _ready(self, decoding: tuple[tuple[str, Any], ...]) -> AdapterBase:
        if self._adapter is None or self._decoding != decoding:
            self.clean()
            self._adapter = self._load(decoding)
        return self._adapter

    def _answer(self, requests: Sequence[Request], decoding: tuple[tuple[str, Any], ...]) -> dict[str, Response]:
        adapter = self._ready(decoding)
        together = sorted(requests, key=_image_order(requests))
        adapter.prepare(together)
        bar = tqdm(total=len(together), desc="Model Responding", disable=self.rank != 0)
        found = {}
        for response in adapter.generate(together):
            found[response.key] = response
            bar.update(1)
        bar.close()
        return found

    def _complain(self, responses: Any) -> None:
        failed = [response for response in responses if response.error is not None]
        if failed and self._on_error == "raise":
            raise RunError(
                f"{len(failed)} questions could not be asked (the first: {failed[0].error}); "
                "on_error=empty in --model_args scores them as wrong"
            )


def _resolve(spec: str, pretrained: str, include_path: str | None) -> ModelSpec:
    folders = [Path(include_path)] if include_path else []
    if not spec:
        if not pretrained:
            raise UsageError("--model_args names no model: spec=… (what `lrm-eval run --model` takes) or pretrained=…")
        return resolve_model(f"hf:{pretrained}", include_paths=folders)
    return resolve_model(spec, pretrained or None, folders)


def _own_device() -> str | None:
    rank = os.environ.get("LOCAL_RANK")
    if rank is None:
        return None
    import torch

    return f"cuda:{rank}" if torch.cuda.is_available() else "cpu"


def _image_order(requests: Sequence[Request]) -> Any:
    """Questions on one image together, images in the order in which they first appear."""
    first: dict[str, int] = {}
    for place, request in enumerate(requests):
        first.setdefault(image_key(request.sample), place)
    return lambda request: first[image_key(request.sample)]


def _result(response: Response, item: Asked) -> GenerationResult:
    counts = TokenCounts(input_tokens=response.prompt_tokens, output_tokens=response.completion_tokens)
    return GenerationResult(text=cut(response.text, item.until), token_counts=counts)


class LrmEval(_Bridge):
    """Any model that lrm-eval reaches, asked by messages: `--model lrm_eval --model_args spec=…`."""

    is_simple = False


class LrmEvalSimple(_Bridge):
    """The same, asked by text and images: `--force_simple`, and tasks that score log-likelihoods."""

    is_simple = True


class LrmLlava(_Bridge):
    """LRM-LLaVA: the bundled weights, or those of `pretrained`."""

    is_simple = False
    default_spec = "lrm-llava"


class LrmLlavaSimple(_Bridge):
    """The same, asked by text and images."""

    is_simple = True
    default_spec = "lrm-llava"
