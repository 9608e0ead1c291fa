"""The scorers as metrics that Hugging Face's evaluate loads by path, a folder each.

    import evaluate
    from lrm_eval.metrics import path
    evaluate.load(path("pope")).compute(predictions=["Yes"], references=["yes"], split=["random"])

evaluate copies the file in a folder and imports the copy, which takes everything from the installed lrm-eval. Nothing
is fetched from a hub.
"""

from __future__ import annotations

from pathlib import Path

from lrm_eval.errors import unknown


def path(benchmark: str) -> str:
    """What `evaluate.load` takes for a benchmark.

    Raises:
        UsageError: an unknown benchmark.
    """
    here = Path(__file__).resolve().parent
    names = sorted(folder.name for folder in here.iterdir() if (folder / f"{folder.name}.py").is_file())
    if benchmark not in names:
        raise unknown("benchmark", benchmark, names)
    return str(here / benchmark)
