"""Answers that exist already: readers of the formats of `lrm-eval score`, one module each.

- `mme`        folder of `<subtask>.txt`, as the official program reads it
- `pope`       JSON lines, with the labels in one file or a folder of three splits
- `choices`    MMBench and SEED-Bench: JSON lines, TSV, CSV, xlsx
- `vlmevalkit` the yes/no tables of VLMEvalKit
- `lmms_eval`  `*_samples_*.jsonl`, together with the task's data
- `run_folder` the responses of a run
"""

from lrm_eval.predictions.model import Predictions
from lrm_eval.predictions.score import read_predictions, score_predictions

__all__ = ["Predictions", "read_predictions", "score_predictions"]
