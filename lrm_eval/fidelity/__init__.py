"""In which language an answer is: identification, and what a language costs in tokens."""

from lrm_eval.fidelity.identify import answer_language, with_language

__all__ = ["answer_language", "with_language"]
