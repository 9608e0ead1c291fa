"""Intervals that respect that the same image is asked about many times.

- `wilson`     clustered Wilson interval, for shares of questions
- `bootstrap`  cluster bootstrap over images, for everything else
- `boundary`   exact bounds where both collapse (0 and 100 %)
- `interval`   picks between them for a metric
- `combined`   averages and differences of metrics over the same images
"""

from lrm_eval.statistics.combined import Estimate, combined_interval
from lrm_eval.statistics.interval import metric_interval
from lrm_eval.statistics.wilson import clustered_wilson

__all__ = ["Estimate", "clustered_wilson", "combined_interval", "metric_interval"]
