from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from server_scripts import KEY, MODEL, FaultServer

from model_adapters import ServerOptions, load_model, resolve_model
from model_adapters.servers.adapter import ServerAdapter
from model_adapters.servers.referee import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def quick_and_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Waits of milliseconds; no key, address or folder of whoever runs the tests."""
    monkeypatch.setattr(ServerAdapter, "patience", Patience(first_wait=0.002, grace=2.0, crowded=4))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("LRM_EVAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LRM_EVAL_PACKS", str(tmp_path / "packs"))


@pytest.fixture
def server() -> Iterator[FaultServer]:
    running = FaultServer()
    yield running
    running.close()


@pytest.fixture
def other() -> Iterator[FaultServer]:
    running = FaultServer()
    yield running
    running.close()


@pytest.fixture
def connect() -> Iterator[Callable[..., ServerAdapter]]:
    """Makes adapters, which are closed afterwards."""
    made: list[Any] = []

    def make(
        *servers: FaultServer, model: str = MODEL, gen_kwargs: dict[str, Any] | None = None, **options: Any
    ) -> Any:
        asked = ServerOptions(**{"base_urls": tuple(one.url for one in servers), "timeout": 5.0, **options})
        adapter = load_model(resolve_model(f"openai:{model}"), server=asked, gen_kwargs=gen_kwargs)
        made.append(adapter)
        return adapter

    yield make
    for adapter in made:
        adapter.close()
