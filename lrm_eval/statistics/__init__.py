"""Intervals, comparisons and ranks that respect that the same image is asked about many times.

Everything rests on `Metric` (`lrm_eval.scorers.metric`): additive statistics per scored unit, the unit's image,
and a function of the sums. All functions are pure. The usual way:

    together = joint({(model, language): metric, ...})     one draw of images for everything below
    together.estimate({("a", "sw"): 1})                    a score with interval, a mean with weights 1/L
    difference(together, {("a", "sw"): 1}, {("b", "sw"): 1})
    rank_intervals(together, {"a": {("a", "sw"): 0.5, ("a", "am"): 0.5}, "b": ...})

- `wilson`, `boundary`   clustered Wilson interval for shares; exact bounds at 0 and 100 %
- `bootstrap`, `rare`    cluster bootstrap over images, stratified; bounds where hardly any image deviates
- `interval`             the interval of one metric
- `joint`, `combined`    several metrics over the same images: means, gaps, any weighted sum
- `linear`               clustered standard errors of any metric
- `paired`, `multiple`   differences, their tests, corrections for many tests
- `power`, `ranks`       detectable differences; rank intervals and tie groups
- `chance`               guessing on the same items, chance-corrected scores, the alarm
- `crosslingual`         gaps to English, worst languages
- `averages`             means of groups of languages, and over the languages that all models have
- `consistency`          the same item across languages
"""

from lrm_eval.statistics.averages import (
    GROUPINGS,
    CommonAverage,
    Group,
    common_average,
    common_languages,
    group_means,
    grouping,
    set_label,
)
from lrm_eval.statistics.bootstrap import REPLICATES
from lrm_eval.statistics.boundary import FEW_CLUSTERS, LEVEL, clopper_pearson
from lrm_eval.statistics.chance import Chance, chance_corrected, chance_level
from lrm_eval.statistics.combined import combined_interval
from lrm_eval.statistics.consistency import (
    Answers,
    agreement,
    consistency,
    expected_rankc,
    fleiss_kappa,
    kappa,
    match,
    rank_consistency,
    rankc,
    right_given,
    right_overlap,
)
from lrm_eval.statistics.crosslingual import Gap, Worst, gaps, languages_joint, mean_gap, worst, worst_of
from lrm_eval.statistics.interval import metric_interval
from lrm_eval.statistics.joint import Estimate, Joint, joint
from lrm_eval.statistics.multiple import benjamini_hochberg, holm
from lrm_eval.statistics.paired import Difference, difference, mcnemar, paired_difference
from lrm_eval.statistics.power import images_needed, minimum_detectable
from lrm_eval.statistics.ranks import Ranked, rank_intervals, tie_groups, win_probability
from lrm_eval.statistics.wilson import clustered_wilson

__all__ = [
    "FEW_CLUSTERS",
    "GROUPINGS",
    "LEVEL",
    "REPLICATES",
    "Answers",
    "Chance",
    "CommonAverage",
    "Difference",
    "Estimate",
    "Gap",
    "Group",
    "Joint",
    "Ranked",
    "Worst",
    "agreement",
    "benjamini_hochberg",
    "chance_corrected",
    "chance_level",
    "clopper_pearson",
    "clustered_wilson",
    "combined_interval",
    "common_average",
    "common_languages",
    "consistency",
    "difference",
    "expected_rankc",
    "fleiss_kappa",
    "gaps",
    "group_means",
    "grouping",
    "holm",
    "images_needed",
    "joint",
    "kappa",
    "languages_joint",
    "match",
    "mcnemar",
    "mean_gap",
    "metric_interval",
    "minimum_detectable",
    "paired_difference",
    "rank_consistency",
    "rank_intervals",
    "rankc",
    "right_given",
    "right_overlap",
    "set_label",
    "tie_groups",
    "win_probability",
    "worst",
    "worst_of",
]
