"""lrm-eval: multilingual evaluation of large vision-language models.

    import lrm_eval
    result = lrm_eval.run("lrm-llava", langs="sw,am,en")
    result.frame()
    lrm_eval.score("mme", "predictions/", rules="official")

Importing this package imports none of torch, transformers, evaluate, datasets and pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrm_eval.api import RunResult, ScoreResult, report, rescore, run, score
    from lrm_eval.errors import LrmEvalError, RunError, UsageError
    from lrm_eval.runs import RunFolder
    from lrm_eval.types import ScoreRow

__version__ = "0.1.0"

__all__ = [
    "LrmEvalError",
    "RunError",
    "RunFolder",
    "RunResult",
    "ScoreResult",
    "ScoreRow",
    "UsageError",
    "__version__",
    "report",
    "rescore",
    "run",
    "score",
]

_HOME = {
    "LrmEvalError": "errors",
    "RunError": "errors",
    "RunFolder": "runs",
    "RunResult": "api",
    "ScoreResult": "api",
    "ScoreRow": "types",
    "UsageError": "errors",
    "report": "api",
    "rescore": "api",
    "run": "api",
    "score": "api",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"lrm_eval.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
