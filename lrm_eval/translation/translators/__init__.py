"""Ways of translating a text: a chat server, a seq2seq model in this process, Google Cloud Translation."""

from lrm_eval.translation.translators.base import Options, TranslationError, Translator, make_translator

__all__ = ["Options", "TranslationError", "Translator", "make_translator"]
