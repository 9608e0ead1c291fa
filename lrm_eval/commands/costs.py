"""`lrm-eval langs --tokenizer`: what each language costs in tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from lrm_eval.fidelity.cost import LanguageCost


def costs(model: str, checkpoint: str | None = None, include_paths: Sequence[Path] = ()) -> list[LanguageCost]:
    """The cost of every language of the registry with a model's tokenizer, cheapest first.

    Raises:
        UsageError: an unknown model, or one without a tokenizer.
        RunError: a download failed.
    """
    from lrm_eval.fidelity.cost import language_costs
    from model_adapters.tokenizers import token_counter

    found = language_costs(token_counter(model, checkpoint, include_paths))
    return sorted(found, key=lambda cost: (cost.tag != "en", cost.parity, cost.tag))


def as_json(model: str, found: Sequence[LanguageCost]) -> dict[str, Any]:
    """For `--json`; numbers unrounded."""
    rows = [
        {
            "language": cost.tag,
            "tokens": cost.tokens,
            "words": cost.words,
            "characters": cost.characters,
            "tokens_per_word": cost.per_word,
            "tokens_per_character": cost.per_character,
            "parity": cost.parity,
        }
        for cost in found
    ]
    return {"model": model, "costs": rows}


def print_costs(found: Sequence[LanguageCost], console: Console) -> None:
    """A line a language, English first, then from the cheapest to the dearest."""
    from lrm_eval.languages import get

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("tag", no_wrap=True)
    table.add_column("name", no_wrap=True)
    for name in ("tokens", "per word", "per character", "parity"):
        table.add_column(name, justify="right", no_wrap=True)
    for cost in found:
        per_word = "–" if cost.per_word is None else f"{cost.per_word:.2f}"
        numbers = (str(cost.tokens), per_word, f"{cost.per_character:.2f}", f"{cost.parity:.2f}")
        table.add_row(cost.tag, get(cost.tag).name, *numbers)
    console.print(table)
    console.print(
        "The same six sentences in every language. parity: tokens over those of the English text; a budget that is "
        "scaled grows by it. per word: – where words are not separated by blanks.",
        markup=False,
        highlight=False,
    )
