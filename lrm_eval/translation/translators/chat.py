"""Translation by a model behind an OpenAI-compatible chat server.

Question, hint and options of an item go in one request and come back as one JSON array, so that an option is
translated knowing its question. An answer that is no such array, or whose translations lost something, is sent back
with what is wrong.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_eval.remote.address import OPENAI_URL, check_address, read_key
from lrm_eval.remote.price import Price, price_of
from lrm_eval.translation import problems
from lrm_eval.translation.translators.base import Options, TranslationError
from lrm_eval.translation.translators.http import BadRequestError, JsonServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.languages import Language
    from lrm_eval.translation.glossary import Glossary

# Raised whenever the prompt changes: other words are another translator.
PROMPT_VERSION = 2
CONVERSATIONS_VERSION = 1
_CORRECTIONS = 3
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_SYSTEM = """\
You translate a visual question answering benchmark from {source} to {target} ({autonym}, script {script}).
You get a JSON array of texts that belong together: a question about an image, perhaps a hint, and its answer options.
Answer with nothing but a JSON array of exactly as many strings: their translations, in the same order.
- Translate the meaning exactly, in natural {target}; do not answer the question, explain nothing, add nothing.
- Options that differ must stay different; the first text tells in which sense they are meant.
- Keep numbers in the same digits. Keep placeholders such as <image>, formulas, web addresses, text in quotation marks
  (it stands in the image) and letters that name an option or a point unchanged. Do not put a letter before an option.
"""
# For training data; an identity of its own, so that the benchmark's stays.
_CONVERSATIONS = """\
You translate training data from {source} to {target} ({autonym}, script {script}).
You get a JSON array with lines of a conversation between a user and an assistant, mostly about an image, in order.
Answer with nothing but a JSON array of exactly as many strings: their translations, in the same order.
- Translate each line exactly, in natural {target}; do not answer the questions, explain nothing, add nothing.
- Keep numbers in the same digits. Keep placeholders such as <image>, code, formulas, web addresses, text in quotation
  marks that stands in an image and letters that name an option or a point unchanged.
"""
_TERMS = "- Translate these terms so, in the form that the sentence needs: {terms}.\n"
_NAMES = "- Leave these names as they are: {names}.\n"


class ChatTranslator:
    """A chat model as a translator (protocol: `Translator`)."""

    together = True
    batch = 1
    assumed_seconds = 2.0

    def __init__(self, model: str, options: Options) -> None:
        asked = options.base_url or os.environ.get("OPENAI_BASE_URL", "").strip() or OPENAI_URL
        url = check_address(asked, options.key_variable)
        key = read_key(options.key_variable)
        if not key.value and url == OPENAI_URL:
            raise UsageError(
                f"{OPENAI_URL} needs a key: set ${options.key_variable}, or name another server with --base-url"
            )
        self._system = _CONVERSATIONS if options.conversations else _SYSTEM
        prompt = f"conversations{CONVERSATIONS_VERSION}" if options.conversations else f"prompt{PROMPT_VERSION}"
        self.name = f"openai:{model}@{url}#{prompt}"
        self.concurrency = options.concurrency
        self._model = model
        self._server = JsonServer(url, key, options.timeout)
        self._settings: dict[str, Any] = {"temperature": 0}
        self._glossary = options.glossary
        self.price = price_of(options.price, Price("tokens"))
        self.overhead = len(self._system)

    def translate(self, texts: Sequence[str], source: Language, target: Language) -> list[str]:
        """Translations of texts that belong together, the question first.

        Raises:
            TranslationError: the model gave nothing usable, corrections included.
            UsageError: a wrong address, key or model.
            RunError: the server cannot be reached or fails again and again.
        """
        system = self._system.format(
            source=source.name, target=target.name, autonym=target.autonym, script=target.script
        )
        system += self._terms(texts)
        messages = [
            {"role": "system", "content": system},
            {"role": "user", "content": json.dumps(list(texts), ensure_ascii=False)},
        ]
        best: tuple[int, list[str]] | None = None
        wrong: list[str] = []
        for _ in range(_CORRECTIONS):
            content = self._ask(messages)
            found, wrong = _read(content, len(texts))
            if found is not None:
                grave, wrong = _weigh(texts, found, target, self._glossary)
                if best is None or grave < best[0]:
                    best = (grave, found)
                if not wrong:
                    return found
            complaint = f"Not right yet: {'; '.join(wrong)}. Answer with the whole JSON array of {len(texts)} strings."
            messages = [
                *messages[:2],
                {"role": "assistant", "content": content},
                {"role": "user", "content": complaint},
            ]
        if best is None:
            raise TranslationError(f"no usable answer in {_CORRECTIONS} attempts: {'; '.join(wrong)}")
        # What a person should look at is in the audit; what was lost is refused by whoever builds the pack.
        return best[1]

    def _terms(self, texts: Sequence[str]) -> str:
        found = self._glossary.matching(*texts)
        terms = "; ".join(f"{entry.source} → {entry.translation}" for entry in found if not entry.is_name)
        names = "; ".join(entry.source for entry in found if entry.is_name)
        return (_TERMS.format(terms=terms) if terms else "") + (_NAMES.format(names=names) if names else "")

    def _ask(self, messages: Sequence[dict[str, str]]) -> str:
        body = {"model": self._model, "messages": list(messages), **self._settings}
        try:
            answer = self._server.post("/chat/completions", body)
        except BadRequestError as error:
            # Some reasoning models take no temperature but their own.
            if "temperature" not in str(error).lower() or "temperature" not in body:
                raise TranslationError(f"{self._server.base_url}: {error}") from None
            self._settings = {}
            return self._ask(messages)
        try:
            choice = answer["choices"][0]
            content = choice["message"]["content"]
        except (KeyError, IndexError, TypeError):
            return ""
        if isinstance(content, list):
            content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
        return content if isinstance(content, str) else ""


def _read(content: str, count: int) -> tuple[list[str] | None, list[str]]:
    """(translations or None, what is wrong). Takes the last array of `count` strings: models like to talk before it."""
    text = _THOUGHT.sub("", content)
    decoder = json.JSONDecoder()
    wrong = ["the answer holds no JSON array" if text.strip() else "the answer is empty"]
    found: list[str] | None = None
    position = text.find("[")
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            end = position + 1
        else:
            if all(isinstance(item, str) for item in value) and len(value) == count:
                found = [item.strip() for item in value]
            else:
                wrong = [f"the array has {len(value)} elements, expected {count} strings"]
        position = text.find("[", end)
    return found, [] if found is not None else wrong


def _weigh(texts: Sequence[str], found: Sequence[str], target: Language, glossary: Glossary) -> tuple[int, list[str]]:
    """(how grave, what is wrong), numbered as the model sees the texts."""
    grave, wrong = 0, []
    for number, (text, translation) in enumerate(zip(texts, found, strict=True), 1):
        for problem in problems.find(text, translation, target, number == 1, glossary):
            # An option may be a name, and a name is the same in many languages.
            if number > 1 and problem.check in ("untranslated", "script"):
                continue
            grave += 100 if problem.refused else 1
            wrong.append(f"text {number}: {problem.detail}")
    return grave, wrong
