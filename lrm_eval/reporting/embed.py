"""What a self-contained page is made of: its policy, data blocks, and pictures.

Small data stand in the page as JSON, large ones deflated and in base64: the script inflates them with the browser's own
DecompressionStream, which needs no network and works from disk.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

THUMBNAIL_BYTES = 64_000


def policy(script: str, style: str) -> str:
    """The content security policy: nothing but this script, this style, and images that are part of the page.

    Trusted types make a browser that knows them refuse every way of turning text into markup.
    """
    parts = {
        "default-src": "'none'",
        "script-src": f"'{csp_hash(script)}'",
        "style-src": f"'{csp_hash(style)}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


def csp_hash(text: str) -> str:
    """`sha256-<base64>` of an inline block's text, as it stands between its tags."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def as_json(value: Any) -> str:
    """Compact JSON. A lone surrogate becomes a question mark.

    Raises:
        ValueError: a number is not finite: JSON has none, and a page must not show one.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def embed(value: Any) -> str:
    r"""JSON for a script block: `<`, `>` and `&` as \u003c and so on, so that nothing in it ends the block."""
    text = as_json(value)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def pack(value: Any) -> str:
    """JSON, deflated (RFC 1951, no header) and in base64: letters, digits, `+`, `/` and `=`."""
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = squeeze.compress(as_json(value).encode("utf-8")) + squeeze.flush()
    return base64.b64encode(packed).decode("ascii")


def thumbnail(sha256: str, image_dirs: Sequence[Path]) -> str | None:
    """The data URI of an image's thumbnail; None if no run has one, or it is too large or no image."""
    if not sha256.isalnum():
        return None
    for folder in image_dirs:
        try:
            data = (folder / f"{sha256}.webp").read_bytes()
        except OSError:
            continue
        kind = _image_type(data)
        if kind and len(data) <= THUMBNAIL_BYTES:
            return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return None


def _image_type(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    return "image/jpeg" if data[:3] == b"\xff\xd8\xff" else None
