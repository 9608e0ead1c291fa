"""The languages: typed data, one file each in `data/`. A new language is a new file there, nothing else."""

from lrm_eval.languages.model import Language
from lrm_eval.languages.registry import GROUPS, all_languages, get, resolve

__all__ = ["GROUPS", "Language", "all_languages", "get", "resolve"]
