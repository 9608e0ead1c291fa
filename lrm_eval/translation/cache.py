"""Translations made so far, in one SQLite file: a build that was killed goes on where it stopped.

A translation is known by its translator, language, text, and what of the glossary its text holds. Every commit is
whole or not there at all, so that a kill costs at most the call that was under way.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lrm_eval.data import cache_dir
from lrm_eval.errors import RunError, UsageError
from lrm_eval.runs.lock import RunLock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

FILE = "translations.sqlite"
# Another language's build may be writing: seconds to wait for it.
_PATIENCE = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS translations (
    key TEXT PRIMARY KEY, translator TEXT NOT NULL, language TEXT NOT NULL, source TEXT NOT NULL,
    context TEXT NOT NULL, translation TEXT NOT NULL, made TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS speed (
    translator TEXT NOT NULL, language TEXT NOT NULL, calls INTEGER NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (translator, language)
);
"""


def cache_path() -> Path:
    """The cache file, of all translators, languages and tasks."""
    return cache_dir() / FILE


def work_folder(translator: str, tag: str) -> Path:
    """Where the lock of a translator and a language lies, and the tables of texts it could not do."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", translator).strip("-")[:60]
    digest = hashlib.sha256(translator.encode()).hexdigest()[:12]
    return cache_dir() / "translations" / f"{slug}-{digest}" / tag


def key_of(text: str, translator: str, tag: str, context: str = "") -> str:
    """Hex SHA-256 over text, translator, language and glossary context."""
    return hashlib.sha256("\0".join((translator, tag, context, text)).encode("utf-8", "surrogatepass")).hexdigest()


class Cache:
    """`with Cache(translator, tag) as cache:` — text -> translation, ours alone while it is open.

    Raises:
        RunError: another process translates into this language with this translator, or the disk is full.
        UsageError: the file is no database any more.
    """

    def __init__(self, translator: str, tag: str) -> None:
        self.path = cache_path()
        self.folder = work_folder(translator, tag)
        self._translator, self._tag = translator, tag
        self._lock = RunLock(self.folder)
        self._open: sqlite3.Connection | None = None

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
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level="IMMEDIATE")
            with self._told(), self._open:
                self._open.executescript(_SCHEMA)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise RunError(f"{self.path}: {error}; what was translated before is kept") from error
        except sqlite3.DatabaseError as error:
            raise UsageError(
                f"{self.path}: the cache of translations is damaged ({error}); move it away to begin a new one"
            ) from error

    @property
    def _database(self) -> sqlite3.Connection:
        assert self._open is not None, "the cache is open inside `with` only"
        return self._open

    def get(self, text: str, context: str = "") -> str | None:
        """The translation of a text, or None."""
        key = key_of(text, self._translator, self._tag, context)
        with self._told():
            row = self._database.execute("SELECT translation FROM translations WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def add(self, pairs: Iterable[tuple[str, str, str]]) -> None:
        """Keep translations: (text, context, translation). They are on disk when this returns.

        Raises:
            RunError: disk full or not allowed.
        """
        made = datetime.now(UTC).isoformat(timespec="seconds")
        rows = [
            (
                *(key_of(text, self._translator, self._tag, context), self._translator, self._tag),
                *(part.encode("utf-8", "replace").decode() for part in (text, context, translation)),
                made,
            )
            for text, context, translation in pairs
        ]
        with self._told(), self._database as database:
            database.executemany("INSERT OR REPLACE INTO translations VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def count(self) -> int:
        """Translations of this translator into this language."""
        query = "SELECT COUNT(*) FROM translations WHERE translator = ? AND language = ?"
        with self._told():
            return int(self._database.execute(query, (self._translator, self._tag)).fetchone()[0])

    def seconds_per_call(self) -> float | None:
        """Measured over earlier builds with this translator; None if there were none."""
        query = "SELECT SUM(calls), SUM(seconds) FROM speed WHERE translator = ?"
        with self._told():
            calls, seconds = self._database.execute(query, (self._translator,)).fetchone()
        return float(seconds) / calls if calls else None

    def timed(self, calls: int, seconds: float) -> None:
        """Remember how long some calls took, one after the other."""
        if calls == 0:
            return
        statement = (
            "INSERT INTO speed VALUES (?, ?, ?, ?) ON CONFLICT (translator, language) DO UPDATE SET "
            "calls = calls + excluded.calls, seconds = seconds + excluded.seconds"
        )
        with self._told(), self._database as database:
            database.execute(statement, (self._translator, self._tag, calls, seconds))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
        self._lock.__exit__(kind, error, trace)
