"""The model of a run: loaded here or on a cluster, held against what is asked, and its facts for run.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_eval.runs.manifest import plain_json
from lrm_eval.runs.plan import without_choices
from lrm_eval.tasks import task_names
from lrm_eval.types import ImagePart

if TYPE_CHECKING:
    from lrm_eval.runs.observer import Observer
    from lrm_eval.runs.plan import PlannedCell
    from lrm_eval.runs.runner import Ask
    from lrm_eval.types import Adapter, Request
    from model_adapters import ModelSpec

# From how many seconds in the model on a run says how fast it was.
_LONG_SECONDS = 60


def load(ask: Ask, spec: ModelSpec, observer: Observer) -> Adapter:
    """The model in memory, in this process or in workers on a cluster.

    Raises:
        UsageError: it cannot be loaded as asked.
        RunError: loading failed on the way.
    """
    options: dict[str, Any] = {
        "device": ask.device,
        "dtype": ask.dtype,
        "batch_size": ask.batch_size,
        "gen_kwargs": ask.gen_kwargs,
        "seed": ask.seed,
        "engine": ask.engine,
        "feature_cache": ask.feature_cache,
        "device_map": ask.device_map,
        "trust_remote_code": ask.trust_remote_code,
        "allow_pickle": ask.allow_pickle,
        "server": ask.server,
    }
    if ask.cluster is not None:
        alone = _why_alone(spec)
        if alone is None:
            from lrm_eval.cluster.adapter import load_on_cluster

            return load_on_cluster(ask.cluster, spec, options, ask.include_paths, observer)
        observer.notice(f"--ray: {spec.name} {alone}: it answers in this process, without workers")
    from model_adapters import load_model

    return load_model(spec, **options)


def _why_alone(spec: ModelSpec) -> str | None:
    """Why a model would gain nothing from workers; None if it would gain."""
    if spec.preset.floor is not None:
        return "computes nothing and sees the whole plan"
    return "computes elsewhere" if spec.adapter == "openai" else None


def check(ask: Ask, spec: ModelSpec, adapter: Adapter, cells: list[PlannedCell]) -> None:
    """Refuse what the model cannot do at all.

    Raises:
        UsageError: questions without an image, or with more images than it takes; a system text or examples that
            have no place in its prompt.
    """
    prompting = ask.prompting
    if prompting.system and not getattr(adapter.capabilities, "system", False):
        raise UsageError(f"--system: model {spec.name} has no place for a system text in its prompt; leave it out")
    if prompting.shots and not getattr(adapter.capabilities, "shots", False):
        raise UsageError(f"--few-shot: model {spec.name} takes a question alone, without examples; leave it out")
    if ask.hide_image and not getattr(adapter.capabilities, "text_only", False):
        option = "--with-hidden" if ask.hide_image == "both" else "--hide-image"
        raise UsageError(
            f"{option}: model {spec.name} cannot be asked without an image (its adapter {spec.adapter!r} does not "
            f"say that it takes text alone); leave {option} out, or take `blind:MODEL` to show an empty image"
        )
    limit = getattr(adapter.capabilities, "images", None)
    if limit is None:
        return
    for planned in cells:
        shown = max((_images(one) for one in planned.requests), default=0)
        if shown > limit:
            if prompting.shots:
                raise UsageError(
                    f"--few-shot {prompting.shots}: with its examples {planned.task.name} shows {shown} images, and "
                    f"model {spec.name} takes {limit}; leave it out"
                )
            stacked = f"{planned.task.name}-stacked"
            hint = f"; `--tasks {stacked}` shows them side by side in one" if stacked in task_names() else ""
            raise UsageError(
                f"{planned.task.name} shows {shown} images with a question, and model {spec.name} takes {limit} (its "
                f"adapter {spec.adapter!r} says so){hint}"
            )


def _images(request: Request) -> int:
    parts = (*request.parts, *(part for shot in request.shots for part in shot.parts))
    return sum(isinstance(part, ImagePart) for part in parts)


def fit(adapter: Adapter, cells: list[PlannedCell], observer: Observer) -> list[PlannedCell]:
    """Leave out what the adapter cannot do, and say so before anything runs."""
    if adapter.capabilities.choices:
        return cells
    lacking = dict.fromkeys(
        planned.task.name for planned in cells if any(request.choices for request in planned.requests)
    )
    if lacking:
        observer.notice(
            f"this model cannot give the log-probability of a choice: {', '.join(lacking)} "
            "is scored by the letters it writes, without the ranking metrics"
        )
    return [without_choices(planned) for planned in cells]


def facts(adapter: Adapter) -> dict[str, Any]:
    """What decides its answers and how it runs, as run.json has it."""
    settings = getattr(adapter, "settings", None)
    return {
        "fingerprint": plain_json(adapter.fingerprint()),
        "settings": plain_json(settings()) if callable(settings) else {},
    }


def performance(adapter: Adapter, observer: Observer) -> Any:
    """How fast the adapter was and how far from the least time, if it can tell; said aloud after a long run."""
    told = getattr(adapter, "performance", None)
    found = plain_json(told()) if callable(told) else {}
    if "told" in found:
        # Servers cost money: what they cost is said after every run.
        observer.notice(str(found["told"]))
    elif found.get("seconds", 0) >= _LONG_SECONDS:
        observer.notice(
            f"{found['prompts_per_second']:.1f} prompts a second in the model, "
            f"{found['times_least']:.1f} times the least time that this machine could need (docs/performance.md)"
        )
    return found
