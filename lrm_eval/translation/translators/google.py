"""Google Cloud Translation (Advanced, v3) through Google's own client library: `pip install lrm-eval[google]`.

Texts go as HTML, in which `translate="no"` is Google's own way of keeping a stretch as it is; entities come back and
are taken out again. The library's REST transport is used, so that another endpoint (a proxy, a test server) can be
named with --base-url.
"""

from __future__ import annotations

import html
import os
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lrm_eval.errors import RunError, UsageError
from lrm_eval.remote.price import Price, price_of
from lrm_eval.remote.waiting import LONGEST_ASKED, back_off, retry_after_text
from lrm_eval.translation import protect
from lrm_eval.translation.translators.base import TranslationError
from lrm_eval.translation.translators.http import ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lrm_eval.languages import Language
    from lrm_eval.translation.translators.base import Options

DEFAULT_HOST = "translate.googleapis.com"
LOCATION = "global"
# Google's list price of the general model, which counts the characters sent (cloud.google.com/translate/pricing, 2025).
_LIST_PRICE = Price("characters", 20.0, source="Google's list price, 20 US dollars a million characters")
# Google takes 1,024 texts and 30,000 code points a request, and advises 5,000.
_BATCH = 100
_MOST_CHARACTERS = 5000
# Tags that Google knows under another name.
_CODES = {"zh": "zh-CN", "zh-Hant": "zh-TW", "he": "iw", "jv": "jw", "nb": "no", "tl": "fil", "sr-Latn": "sr-Latn"}
_KEEP = re.compile(r'<span translate="no">(.*?)</span>', re.DOTALL)
_TAG = re.compile(r"</?span\b[^>]*>")
_BREAK = re.compile(r"\s*<br\s*/?>\s*")


class GoogleTranslator:
    """Google's general translation model as a translator (protocol: `Translator`)."""

    together = False
    batch = _BATCH
    overhead = 0
    assumed_seconds = 0.5

    def __init__(self, project: str, options: Options) -> None:
        name, _, location = project.partition("/")
        if not re.fullmatch(r"[a-z][a-z0-9.:-]{2,62}", name):
            raise UsageError(f"--translator google:{project}: {name!r} is no project id; type google:my-project")
        self._parent = f"projects/{name}/locations/{location or LOCATION}"
        self._options = options
        self._host, self._scheme = _endpoint(options.base_url)
        where = "" if self._host == DEFAULT_HOST else f"@{self._host}"
        self.name = f"google:{location or LOCATION}/general/nmt{where}"
        self.concurrency = options.concurrency
        self.price = price_of(options.price, _LIST_PRICE)
        self.first_wait = 1.0
        self._names = options.glossary.names
        self._client: Any = None
        self._not_before = 0.0

    def translate(self, texts: Sequence[str], source: Language, target: Language) -> list[str]:
        """Translations, in the order of the texts.

        Raises:
            TranslationError: Google does not take these texts.
            UsageError: the library is missing, no credentials, a wrong project, an unknown language.
            RunError: it cannot be reached or fails again and again.
        """
        found: list[str] = []
        for chunk in _chunks(texts):
            answer = self._ask([self.marked(text) for text in chunk], _code(source), _code(target))
            if len(answer) != len(chunk):
                raise TranslationError(f"{self.name}: {len(answer)} translations for {len(chunk)} texts")
            found += [unmarked(text) for text in answer]
        return found

    def marked(self, text: str) -> str:
        """The text as HTML, what must stay in spans that Google leaves alone."""
        kept = protect.spans(text, self._names)
        parts = (
            f'<span translate="no">{html.escape(part, quote=False)}</span>' if stays else html.escape(part, quote=False)
            for part, stays in protect.pieces(text, kept)
        )
        return "".join(parts).replace("\n", "<br>")

    def _ask(self, contents: list[str], source: str, target: str) -> list[str]:
        request = {
            "parent": self._parent,
            "contents": contents,
            "mime_type": "text/html",
            "source_language_code": source,
            "target_language_code": target,
        }
        client = self._client or self._connect()

        def call() -> list[str]:
            answer = client.translate_text(request=request, timeout=self._options.timeout, retry=None)
            return [str(item.translated_text) for item in answer.translations]

        return self._patiently(call, target)

    def _patiently(self, call: Callable[[], list[str]], target: str) -> list[str]:
        from google.api_core import exceptions as api
        from google.auth import exceptions as auth
        from google.protobuf.json_format import ParseError  # type: ignore[import-untyped]

        problem = ""
        for attempt in range(ATTEMPTS):
            left = self._not_before - time.monotonic()
            if left > 0:
                time.sleep(left)
            wait = back_off(attempt, self.first_wait)
            try:
                return call()
            except (api.Unauthorized, api.Forbidden, auth.RefreshError, auth.DefaultCredentialsError) as error:
                raise UsageError(f"{self.name}: {_line(error)}; {_CREDENTIALS}") from None
            except api.NotFound as error:
                raise UsageError(f"{self.name}: {_line(error)}; is {self._parent} right?") from None
            except api.BadRequest as error:
                if "language" in str(error).lower():
                    raise UsageError(f"{self.name} does not translate into {target!r}: {_line(error)}") from None
                raise TranslationError(f"{self.name}: {_line(error)}") from None
            except (api.TooManyRequests, api.ServerError, api.RetryError) as error:
                problem = _line(error)
                headers = getattr(getattr(error, "response", None), "headers", {}) or {}
                asked = retry_after_text(str(headers.get("Retry-After", "")))
                if asked is not None and asked > LONGEST_ASKED:
                    raise RunError(f"{self.name}: {problem}; it asks to wait {asked:.0f} s: go on later") from None
                if asked is not None:
                    wait = asked
                    # A limit of requests holds for all threads.
                    self._not_before = max(self._not_before, time.monotonic() + asked)
            except (api.ClientError, ParseError, ValueError, TypeError) as error:
                problem = f"the answer makes no sense ({type(error).__name__}: {_line(error)})"
            except (OSError, auth.TransportError) as error:
                problem = f"cannot be reached ({_line(error)})"
            if attempt + 1 < ATTEMPTS:
                time.sleep(wait)
        raise RunError(f"{self.name}: {problem}, {ATTEMPTS} times; what is translated is kept: type the same again")

    def _connect(self) -> Any:
        try:
            import google.auth
            from google.auth.credentials import AnonymousCredentials
            from google.cloud import translate_v3
            from google.cloud.translate_v3.services.translation_service.transports import (
                TranslationServiceRestTransport,
            )
        except ImportError:
            raise UsageError(
                "--translator google: needs Google's client library: `pip install google-cloud-translate`"
            ) from None
        credentials: Any = AnonymousCredentials()  # type: ignore[no-untyped-call]
        if self._host == DEFAULT_HOST:
            try:
                credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-translation"])
            except google.auth.exceptions.DefaultCredentialsError:
                raise UsageError(f"{self.name}: no credentials; {_CREDENTIALS}") from None
        transport = TranslationServiceRestTransport(host=self._host, credentials=credentials, url_scheme=self._scheme)
        self._client = translate_v3.TranslationServiceClient(transport=transport)
        return self._client


_CREDENTIALS = (
    "`gcloud auth application-default login`, or set $GOOGLE_APPLICATION_CREDENTIALS to a service account's key file"
)


def _endpoint(url: str | None) -> tuple[str, str]:
    """(host, scheme) of `--base-url`, of $GOOGLE_TRANSLATE_ENDPOINT, or Google's own."""
    given = url or os.environ.get("GOOGLE_TRANSLATE_ENDPOINT", "").strip()
    if not given:
        return DEFAULT_HOST, "https"
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.username or parts.path.strip("/"):
        raise UsageError(f"--base-url {given}: type an address without a path, such as http://localhost:8080")
    return parts.netloc, parts.scheme


def _code(language: Language) -> str:
    return _CODES.get(language.tag, language.tag)


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts in requests of at most so many characters; one text alone may have more."""
    chunk: list[str] = []
    size = 0
    for text in texts:
        if chunk and size + len(text) > _MOST_CHARACTERS:
            yield chunk
            chunk, size = [], 0
        chunk.append(text)
        size += len(text)
    if chunk:
        yield chunk


def unmarked(text: str) -> str:
    """The text of an HTML answer: spans gone with the blanks Google puts around them, line ends and entities back."""
    plain = _TAG.sub("", _KEEP.sub(lambda match: match.group(1), _BREAK.sub("\n", text)))
    return html.unescape(plain).strip()


def _line(error: object) -> str:
    return " ".join(str(error).split())[:200]
