"""Entry point `lmms_eval.models`: our models under lmms-eval's `--model`.

lmms-eval loads this when it starts, whatever it is asked for: nothing of the model is imported here.
"""

from __future__ import annotations

from typing import Any

_MODULE = "lrm_eval.interop.lmms_model"


def manifests() -> list[Any]:
    """What lmms-eval's registry takes: `lrm_llava` (the bundled model) and `lrm_eval` (any model that we can reach)."""
    from lmms_eval.models.registry_v2 import ModelManifest  # type: ignore[import-not-found,unused-ignore]

    return [
        ModelManifest(
            model_id="lrm_llava",
            simple_class_path=f"{_MODULE}.LrmLlavaSimple",
            chat_class_path=f"{_MODULE}.LrmLlava",
            aliases=("lrm-llava",),
        ),
        ModelManifest(
            model_id="lrm_eval",
            simple_class_path=f"{_MODULE}.LrmEvalSimple",
            chat_class_path=f"{_MODULE}.LrmEval",
            aliases=("lrm-eval",),
        ),
    ]
