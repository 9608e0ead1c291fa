"""Which languages a model's makers name for it: those of its preset, else those on the checkpoint's card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from model_adapters.spec import ModelSpec

CARD = "README.md"
_FENCE = "---"


def claimed_languages(spec: ModelSpec) -> list[str]:
    """Tags of the languages that the makers of a model name; none where they name none.

    Args:
        spec: what was asked for. Its preset is believed first (the project keeps it), then the card that lies
            beside the weights.

    Returns:
        Canonical tags, sorted.
    """
    if spec.preset.languages:
        return _canonical(spec.preset.languages)
    return card_languages(spec.checkpoint.path) if spec.checkpoint and spec.checkpoint.path else []


def card_languages(checkpoint: Path) -> list[str]:
    """The languages in the header of a checkpoint's README.md, as the model hub's cards have it.

    The header is YAML between two lines of three dashes; its key `language` holds a tag or a list of tags
    (Model Cards, metadata specification of the Hugging Face Hub). What is no language ("multilingual", "code") is
    left out, and so is a header that cannot be read: a card is an aid, no part of the model.

    Args:
        checkpoint: folder of the weights.

    Returns:
        Canonical tags, sorted; none without a card.
    """
    import yaml

    try:
        lines = (checkpoint / CARD).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    if not lines or lines[0].strip() != _FENCE:
        return []
    end = next((place for place, line in enumerate(lines[1:], 1) if line.strip() == _FENCE), None)
    if end is None:
        return []
    try:
        header = yaml.safe_load("\n".join(lines[1:end]))
    except yaml.YAMLError:
        return []
    return _canonical(header.get("language")) if isinstance(header, dict) else []


def _canonical(told: Any) -> list[str]:
    from lrm_eval import languages
    from lrm_eval.errors import UsageError

    found = set()
    for one in told if isinstance(told, list | tuple) else [told]:
        # YAML reads an unquoted `no` (Norwegian) as false.
        name = "no" if one is False else one
        if not isinstance(name, str):
            continue
        try:
            found.add(languages.get(name).tag)
        except UsageError:
            # A language outside the registry is a language all the same.
            found |= _outside(name)
    return sorted(found)


def _outside(name: str) -> set[str]:
    import langcodes

    # Special codes of cards: no language of people.
    if name.lower() in {"multilingual", "code", "mul", "und", "zxx", "mis"}:
        return set()
    try:
        known = langcodes.Language.get(name)
    except ValueError:
        return set()
    return {known.to_tag()} if known.is_valid() else set()
