"""From run folders to pages and tables, without the model."""

from lrm_eval.reporting.paper import TABLES, paper_table
from lrm_eval.reporting.render import FORMATS, render
from lrm_eval.reporting.source import CellSource, RunSource

__all__ = ["FORMATS", "TABLES", "CellSource", "RunSource", "paper_table", "render"]
