"""Translations made so far, on disk, line by line: a build that was killed goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, BinaryIO

from lrm_eval.data import cache_dir
from lrm_eval.errors import RunError
from lrm_eval.runs.files import write_failed
from lrm_eval.runs.lock import RunLock

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


def cache_path(translator: str, tag: str) -> Path:
    """The cache file of a translator and a language: shared by all tasks."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", translator).strip("-")[:60]
    digest = hashlib.sha256(translator.encode()).hexdigest()[:12]
    return cache_dir() / "translations" / f"{slug}-{digest}" / tag / "translations.jsonl"


def key_of(text: str, translator: str, tag: str) -> str:
    """Hex SHA-256 over text, translator and language."""
    return hashlib.sha256("\0".join((translator, tag, text)).encode("utf-8", "surrogatepass")).hexdigest()


class Cache:
    """`with Cache(translator, tag) as cache:` — text -> translation, ours alone while it is open.

    Raises:
        RunError: another process writes it, or the folder cannot be written.
    """

    def __init__(self, translator: str, tag: str) -> None:
        self.path = cache_path(translator, tag)
        self._translator, self._tag = translator, tag
        self._known: dict[str, str] = {}
        self._lock = RunLock(self.path.parent)
        self._handle: BinaryIO | None = None

    def __enter__(self) -> Cache:
        try:
            self._lock.__enter__()
        except RunError as error:
            if error.__cause__ is not None:
                raise
            raise RunError(
                f"another process translates into {self._tag!r} with {self._translator}: wait for it to end"
            ) from None
        try:
            self._read()
            self._handle = self.path.open("ab")
        except OSError as error:
            self._lock.__exit__(None, None, None)
            raise write_failed(self.path, error) from error
        return self

    def _read(self) -> None:
        """Keep whole lines, cut off the half line that a kill left."""
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        for line in content[:whole].splitlines():
            try:
                entry = json.loads(line)
                self._known[str(entry["key"])] = str(entry["translation"])
            except (ValueError, KeyError, TypeError):
                continue  # one damaged line costs one translation anew
        if whole < len(content):
            with self.path.open("r+b") as stream:
                stream.truncate(whole)

    def get(self, text: str) -> str | None:
        """The translation of a text, or None."""
        return self._known.get(key_of(text, self._translator, self._tag))

    def add(self, text: str, translation: str) -> None:
        """Keep a translation; it is on disk when this returns.

        Raises:
            RunError: disk full or not allowed.
        """
        assert self._handle is not None, "the cache is open inside `with` only"
        key = key_of(text, self._translator, self._tag)
        line = json.dumps({"key": key, "text": text, "translation": translation}, ensure_ascii=False) + "\n"
        try:
            self._handle.write(line.encode("utf-8", "backslashreplace"))
            self._handle.flush()
        except OSError as error:
            raise write_failed(self.path, error) from error
        self._known[key] = translation

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None
        self._lock.__exit__(kind, error, trace)
