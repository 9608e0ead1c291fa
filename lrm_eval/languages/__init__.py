"""The languages: typed data, one file each. A new language is a new file, here in `data/` or under an include path."""

from lrm_eval.languages.model import Language
from lrm_eval.languages.registry import GROUPS, all_languages, get, include, resolve

__all__ = ["GROUPS", "Language", "all_languages", "get", "include", "resolve"]
