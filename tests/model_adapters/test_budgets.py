"""Token budgets that grow with what a language costs, on a random LLaVA checkpoint."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tiny_checkpoint import ragged_requests

from lrm_eval.errors import UsageError
from lrm_eval.fidelity.cost import language_costs
from lrm_eval.types import ImagePart
from model_adapters import load_model, resolve_model
from model_adapters.tokenizers import token_counter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lrm_eval.types import Request, Response

BUDGET = 5


def scaled(tag: str) -> list[Request]:
    """The ragged requests, their keys marked by the language that scales their budget."""
    return [
        replace(request, key=f"{request.key}.{tag}", budget_language=tag)
        for request in ragged_requests(max_new_tokens=BUDGET)
    ]


def ask(folder: Path, requests: Iterable[Request], **gen_kwargs: object) -> dict[str, Response]:
    adapter = load_model(resolve_model(f"hf:{folder}"), device="cpu", dtype="float32", gen_kwargs=gen_kwargs)
    try:
        return {response.key: response for response in adapter.generate(requests)}
    finally:
        adapter.close()


def longest(answers: dict[str, Response]) -> int:
    return max(answer.completion_tokens or 0 for answer in answers.values())


@pytest.fixture(scope="module")
def parity(llava_folder: Path) -> dict[str, float]:
    return {cost.tag: cost.parity for cost in language_costs(token_counter(f"hf:{llava_folder}"))}


def test_a_dearer_language_may_answer_as_many_tokens_more(llava_folder: Path, parity: dict[str, float]) -> None:
    english, amharic = (ask(llava_folder, scaled(tag)) for tag in ("en", "am"))
    assert parity["am"] > 1.2
    assert longest(english) == BUDGET
    assert longest(amharic) == math.ceil(BUDGET * parity["am"])
    cut = {key.removesuffix(".en") for key, answer in english.items() if answer.finish_reason == "length"}
    whole = [key for key in cut if amharic[f"{key}.am"].finish_reason == "stop"]
    assert whole, "no answer that only the small budget cuts off"
    assert all(amharic[f"{key}.am"].text.startswith(english[f"{key}.en"].text.rstrip("�")) for key in cut)


def test_an_official_budget_is_the_same_in_every_language(llava_folder: Path) -> None:
    official = [replace(request, budget_language="") for request in scaled("am")]
    assert longest(ask(llava_folder, official)) == BUDGET


def test_a_budget_that_is_typed_is_kept(llava_folder: Path) -> None:
    assert longest(ask(llava_folder, scaled("am"), max_new_tokens=3)) == 3


@pytest.mark.parametrize("gen_kwargs", [{}, {"num_beams": 3}])
def test_a_neighbour_with_a_larger_budget_changes_no_answer(llava_folder: Path, gen_kwargs: dict[str, object]) -> None:
    together = ask(llava_folder, [*scaled("en"), *scaled("am")], **gen_kwargs)
    alone = ask(llava_folder, scaled("en"), **gen_kwargs)
    assert {key: together[key] for key in alone} == alone


def test_the_rule_is_part_of_the_fingerprint(llava_folder: Path) -> None:
    adapter = load_model(resolve_model(f"hf:{llava_folder}"), device="cpu", dtype="float32")
    assert adapter.fingerprint()["budget_scale"] == 1
    adapter.close()


def test_a_tokenizer_is_had_without_weights(llava_folder: Path, tmp_path: Path) -> None:
    for path in llava_folder.iterdir():
        if path.is_file() and path.suffix != ".safetensors":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    assert token_counter(f"hf:{tmp_path}")("a dog") == token_counter(f"hf:{llava_folder}")("a dog") > 0


def test_a_model_without_a_tokenizer_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="model random: has no checkpoint and so no tokenizer"):
        token_counter("random")
    with pytest.raises(UsageError, match="no tokenizer that can be loaded"):
        token_counter(f"hf:{tmp_path}")


def test_requests_without_an_image_are_answered_beside_those_with_one(llava_folder: Path) -> None:
    shown = ragged_requests(max_new_tokens=BUDGET)
    hidden = [
        replace(
            request,
            key=f"{request.key}.hidden",
            parts=tuple(part for part in request.parts if not isinstance(part, ImagePart)),
        )
        for request in shown
    ]
    mixed = ask(llava_folder, [request for pair in zip(shown, hidden, strict=True) for request in pair])
    alone = ask(llava_folder, hidden)
    assert {key: mixed[key] for key in alone} == alone
    assert not any(answer.error for answer in mixed.values())
