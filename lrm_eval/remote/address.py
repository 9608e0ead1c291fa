"""Where a server is, and the key for it: read from the environment, shown nowhere."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lrm_eval.errors import UsageError

OPENAI_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWN = 200
# Signs that command a terminal, and lone surrogates, which no file can hold.
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# A whole key this long stands in nobody's answer by chance; stand-ins such as "ollama" and "EMPTY" are shorter.
_WHOLE = 12
# A piece of a key this long would be enough to guess at the rest; shorter ones occur in any text.
_PIECE = 6


@dataclass(frozen=True, slots=True)
class Key:
    """A server's key.

    Attributes:
        variable: environment variable that it came from, for messages.
        value: the key; "" where the variable is not set. Never part of a message.
    """

    variable: str
    value: str = field(repr=False)

    def hide(self, text: str) -> str:
        """The text without the key, or the ends of it that servers like to repeat."""
        for secret in (self.value, self.value[:12], self.value[-_PIECE:]):
            if len(secret) >= _PIECE:
                text = text.replace(secret, "***")
        return text

    def blot(self, text: str) -> str:
        """An answer without the key: pieces of it stay, for they may be words of their own."""
        return text.replace(self.value, "***") if len(self.value) >= _WHOLE else text

    def name(self, text: str) -> str:
        """A name that a server gives, fit for a file and a terminal."""
        return _UNSHOWN.sub("\ufffd", self.blot(text))

    def said(self, content: bytes | str) -> str:
        """What a server's answer says, in one short line: the message of an error object, or the text itself."""
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
        try:
            value = json.loads(text, strict=False)
            inner = value.get("error", value.get("detail", value)) if isinstance(value, dict) else value
            text = str(inner.get("message", inner) if isinstance(inner, dict) else inner)
        except (ValueError, RecursionError):
            pass
        return self.hide(_UNSHOWN.sub("\ufffd", " ".join(text.split())))[:_SHOWN]

    @property
    def state(self) -> str:
        """What to tell of it where a server wants another: "the key in $NAME", or that there is none."""
        return f"the key in ${self.variable}" if self.value else f"no key: set ${self.variable}"


def read_key(variable: str) -> Key:
    """The key of an environment variable, "" if it is not set.

    Raises:
        UsageError: what was typed is no name of a variable (perhaps the key itself: it is not repeated), or the
            variable holds what no key is made of.
    """
    if not _VARIABLE.fullmatch(variable):
        raise UsageError(
            "--api-key-env: type the name of an environment variable that holds the key, such as "
            f"{KEY_VARIABLE}, not the key itself"
        )
    value = os.environ.get(variable, "").strip()
    if any(not 32 < ord(char) < 127 for char in value):
        raise UsageError(f"${variable} holds characters that no key has (a line break, a blank?)")
    return Key(variable, value)


def check_address(url: str, variable: str) -> str:
    """The address of a server's API, without the slash at its end.

    Args:
        url: as typed, up to and including `/v1` mostly.
        variable: where the key belongs, for messages.

    Raises:
        UsageError: it is no address, or holds a key.
    """
    clean = url.strip().rstrip("/").removesuffix("/chat/completions")
    try:
        parts = urlsplit(clean)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        fits = False
    if parts_hold_secret(clean):
        raise UsageError(f"--base-url: a key does not belong into the address; set ${variable}")
    if not fits:
        raise UsageError(f"--base-url {clean}: type an address such as http://localhost:8000/v1")
    return clean


def parts_hold_secret(url: str) -> bool:
    """Whether an address holds a user, a password, a query or a fragment: places where keys are put."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # What stands where a port should may be the beginning of a password with a slash in it.
        return "@" in url or "?" in url
    # Without a scheme the user is not where he is looked for.
    misplaced = "@" in url and (parts.scheme not in ("http", "https") or not parts.hostname)
    return misplaced or bool(parts.username or parts.password or parts.query or parts.fragment)


def is_loopback(url: str) -> bool:
    """Whether an address is one of this machine; no proxy can reach those."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
