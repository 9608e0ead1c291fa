"""One module per benchmark: pure functions from items to metrics, and from metrics to score rows."""

from lrm_eval.scorers.metric import Metric
from lrm_eval.scorers.scoring import BENCHMARKS, headline, metrics, rows

__all__ = ["BENCHMARKS", "Metric", "headline", "metrics", "rows"]
