"""The protocol of translators, and `--translator SPEC` -> Translator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lrm_eval.errors import RunError, UsageError, unknown
from lrm_eval.translation.glossary import EMPTY, Glossary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.languages import Language
    from lrm_eval.remote.price import Price

KINDS = {"openai": "a chat server", "hf": "a seq2seq model", "google": "Google Cloud Translation"}


class TranslationError(RunError):
    """These texts cannot be translated; others still can."""


class Translator(Protocol):
    """Something that translates.

    Attributes:
        name: identity: equal names give equal translations. Part of the cache's key and of the pack's card.
        together: whether the texts of one call are seen together, so that a question explains its options.
        batch: texts per call where `together` is false.
        concurrency: calls that may be made at once.
        price: what it charges.
        overhead: characters sent with each call besides its texts.
        assumed_seconds: how long a call takes, where nobody has measured it.
    """

    name: str
    together: bool
    batch: int
    concurrency: int
    price: Price
    overhead: int
    assumed_seconds: float

    def translate(self, texts: Sequence[str], source: Language, target: Language) -> list[str]:
        """As many translations as texts, in their order.

        Raises:
            TranslationError: these texts cannot be translated.
            UsageError: nothing can, as things stand: a wrong key, an unknown language.
            RunError: nothing can any longer: the server is gone.
        """
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of translators.

    Attributes:
        base_url: address of the chat server up to and including `/v1`; None = $OPENAI_BASE_URL, or OpenAI's. For
            Google another endpoint than its own.
        key_variable: environment variable that holds the server's key.
        concurrency: requests at once.
        timeout: seconds a server may take for one answer.
        device: "cpu", "cuda", ...; None = CUDA where PyTorch can use it.
        dtype: None = bfloat16 on CUDA, float32 elsewhere.
        batch: texts a seq2seq model gets at once.
        glossary: terms whose translation is fixed, names that stay.
        price: `--price`; None = the translator's list price, if one is known.
        conversations: the texts are lines of conversations, not questions with options: a chat model is told so.
    """

    base_url: str | None = None
    key_variable: str = "OPENAI_API_KEY"
    concurrency: int = 4
    timeout: float = 120.0
    device: str | None = None
    dtype: str | None = None
    batch: int = 16
    glossary: Glossary = EMPTY
    price: str | None = None
    conversations: bool = False


def make_translator(spec: str, options: Options) -> Translator:
    """The translator of `openai:MODEL`, `hf:ORG/NAME`, `hf:FOLDER` or `google:PROJECT`. Loads no weights yet.

    Raises:
        UsageError: another form, or settings that do not fit.
    """
    kind, colon, model = spec.partition(":")
    if kind not in KINDS:
        if not colon:
            raise UsageError(
                f"--translator {spec}: type openai:{spec} (a chat server), hf:{spec} (a seq2seq model) or "
                "google:PROJECT (Google Cloud Translation)"
            )
        raise unknown("translator", kind, KINDS)
    if not model.strip():
        example = "openai:gpt-4o", "hf:facebook/nllb-200-3.3B", "google:my-project"
        raise UsageError(
            f"--translator {spec}: which {'project' if kind == 'google' else 'model'}? for example "
            f"{next(one for one in example if one.startswith(kind))}"
        )
    for name, value in (("--concurrency", options.concurrency), ("--batch-size", options.batch)):
        if value < 1:
            raise UsageError(f"{name} {value}: must be 1 or more")
    if kind == "openai":
        from lrm_eval.translation.translators.chat import ChatTranslator

        return ChatTranslator(model.strip(), options)
    if kind == "google":
        from lrm_eval.translation.translators.google import GoogleTranslator

        return GoogleTranslator(model.strip(), options)
    from lrm_eval.translation.translators.seq2seq import Seq2SeqTranslator

    return Seq2SeqTranslator(model.strip(), options)
