"""The shape of lmms-eval's Instance and GenerationResult."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class TokenCounts:
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass
class GenerationResult:
    text: str
    token_counts: TokenCounts | None = None


@dataclass
class Instance:
    request_type: str
    arguments: tuple[Any, ...]
    idx: int
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def args(self) -> tuple[Any, ...]:
        return self.arguments
