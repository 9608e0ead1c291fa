"""`lrm-eval doctor parity`: one model reached in two ways, held against each other."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lrm_eval.comparison.parity import TASKS, Parity, pair_up, tiny_questions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from lrm_eval.comparison.parity import Pair
    from lrm_eval.types import Request, Response
    from model_adapters.servers.options import ServerOptions
    from model_adapters.spec import ModelSpec

_WORDS = {
    "same": "the same",
    "blanks": "the same but for blanks at the ends",
    "differs": "different",
    "error": "without an answer on one side",
}
_SHOWN = 70


def parity(
    model: str,
    against: str,
    *,
    questions: int,
    langs: str,
    checkpoint: str | None = None,
    device: str | None = None,
    dtype: str | None = None,
    gen_kwargs: Mapping[str, Any] | None = None,
    include_paths: Sequence[Path] = (),
    server: ServerOptions | None = None,
) -> Parity:
    """Ask both the same questions of the tiny tasks, one after the other.

    Args:
        model: whatever `--model` takes.
        against: likewise.
        questions: how many.
        langs: tags or names of languages, separated by commas.
        checkpoint: weights for whichever of the two is a preset.
        device: for whichever of the two is loaded or started here.
        dtype: likewise.
        gen_kwargs: decoding settings of both.
        include_paths: folders with more models.
        server: how a server is asked, for whichever of the two is one.

    Raises:
        UsageError: something cannot be done as asked.
        RunError: a model or server failed on the way.
    """
    from lrm_eval.languages import resolve
    from lrm_eval.tasks import load_task
    from model_adapters import resolve_model

    tags = [language.tag for language in resolve(langs, list(load_task(TASKS[0]).languages))]
    specs = [resolve_model(name, checkpoint, include_paths) for name in (model, against)]
    requests = tiny_questions(questions, tags)
    options = {"device": device, "dtype": dtype, "gen_kwargs": gen_kwargs}
    answers = [_ask(spec, requests, options, server) for spec in specs]
    return Parity(specs[0].name, specs[1].name, pair_up(requests, *answers))


def _ask(
    spec: ModelSpec, requests: Sequence[Request], options: Mapping[str, Any], server: ServerOptions | None
) -> list[Response]:
    from model_adapters import load_model

    given = dict(options)
    if spec.adapter == "openai":
        # Where it runs is the server's affair; the option is meant for the other one.
        given |= {"device": None, "dtype": None}
    mine = server if spec.adapter in ("openai", "serve", "vllm") else None
    if mine is not None and spec.adapter != "openai":
        mine = replace(mine, base_urls=(), key_variable="OPENAI_API_KEY", price=None)
    elif mine is not None:
        mine = replace(mine, arguments="")
    with closing(load_model(spec, **given, server=mine)) as adapter:
        # What either cannot do is no difference between them.
        plain = [replace(request, choices=()) for request in requests]
        adapter.prepare(plain)
        return list(adapter.generate(plain))


def print_parity(found: Parity, console: Console) -> None:
    """A line for each question that was answered otherwise, and what to make of it."""
    from rich.markup import escape

    for pair in found.pairs:
        if pair.verdict in ("differs", "error") or pair.prompts_differ or pair.ends_differ:
            console.print(f"[bold]{escape(pair.key)}[/]: {escape('; '.join(_remarks(pair)))}", soft_wrap=True)
            for name, response in ((found.first, pair.first), (found.second, pair.second)):
                console.print(f"  {escape(name)}: {escape(_shown(response))}", soft_wrap=True, highlight=False)
    told = ", ".join(f"{count} {_WORDS[verdict]}" for verdict, count in found.counts.items() if count)
    style = "bold green" if found.agree else "bold red"
    console.print(f"{found.first} against {found.second}, {len(found.pairs)} questions: {told}", style=style,
                  soft_wrap=True, highlight=False)  # fmt: skip
    lengths = sum(pair.prompts_differ for pair in found.pairs)
    if lengths:
        console.print(
            f"{lengths} prompts have another number of tokens: the two put another template, or other image "
            "tokens, around the same question",
            soft_wrap=True,
            highlight=False,
        )


def as_json(found: Parity) -> dict[str, Any]:
    """For `--json`."""
    return {
        "agree": found.agree,
        "model": found.first,
        "against": found.second,
        "counts": dict(found.counts),
        "questions": [
            {
                "key": pair.key,
                "verdict": pair.verdict,
                "prompt_tokens": [pair.first.prompt_tokens, pair.second.prompt_tokens],
                "finish_reason": [pair.first.finish_reason, pair.second.finish_reason],
                "text": [pair.first.text, pair.second.text],
                "error": [pair.first.error, pair.second.error],
            }
            for pair in found.pairs
        ],
    }


def _remarks(pair: Pair) -> list[str]:
    remarks = []
    if pair.verdict in ("differs", "error"):
        remarks.append({"differs": "another answer", "error": "no answer"}[pair.verdict])
    if pair.prompts_differ:
        remarks.append(f"prompts of {pair.first.prompt_tokens} and {pair.second.prompt_tokens} tokens")
    if pair.ends_differ:
        remarks.append(f"one ended with {pair.first.finish_reason!r}, the other with {pair.second.finish_reason!r}")
    return remarks


def _shown(response: Response) -> str:
    if response.error is not None:
        return f"error: {response.error}"
    text = " ".join(response.text.split())
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
