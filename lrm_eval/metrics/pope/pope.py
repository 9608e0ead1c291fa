"""POPE for `evaluate.load` of this folder."""

from lrm_eval.scorers.evaluate_metrics import metric_class

Pope = metric_class("pope")
