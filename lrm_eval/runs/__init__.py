"""Runs: plan -> generate -> append; resume; the run folder."""

from __future__ import annotations

from lrm_eval.runs.folder import Cell, RunFolder

__all__ = ["Cell", "RunFolder"]
