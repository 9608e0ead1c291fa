"""Options as typed -> values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.cluster import ClusterOptions
    from lrm_eval.conditions import Prompting
    from model_adapters.servers.options import ServerOptions


def split(text: str | None) -> list[str] | None:
    """`mme,pope` -> ["mme", "pope"]; None stays None."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def parse_data(pairs: Sequence[str]) -> dict[str, Path]:
    """`TASK=PATH` each.

    Raises:
        UsageError: another form, or a task twice.
    """
    found: dict[str, Path] = {}
    for pair in pairs:
        task, equals, path = pair.partition("=")
        if not (equals and task.strip() and path.strip()):
            raise UsageError(f"--data {pair}: type --data TASK=PATH, for example --data mmbench=questions.tsv")
        if task.strip() in found:
            raise UsageError(f"--data {task.strip()} is given twice: put the files in one folder and name the folder")
        found[task.strip()] = Path(path.strip()).expanduser()
    return found


def parse_gen_kwargs(text: str | None) -> dict[str, Any]:
    """`max_new_tokens=16,do_sample=false` -> values of their JSON types; anything that is no JSON stays text.

    Raises:
        UsageError: another form, or a key twice.
    """
    found: dict[str, Any] = {}
    for pair in split(text) or []:
        key, equals, value = pair.partition("=")
        if not (equals and key.strip()):
            raise UsageError(f"--gen-kwargs {pair}: type KEY=VALUE, separated by commas, for example num_beams=2")
        if key.strip() in found:
            raise UsageError(f"--gen-kwargs: {key.strip()} is given twice")
        found[key.strip()] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse_cluster(
    ray: str | None, workers: int | None, gpus: float | None, cpus: float | None
) -> ClusterOptions | None:
    """`--ray [ADDRESS]` and what goes with it.

    Raises:
        UsageError: workers were described and Ray was not asked for.
    """
    from lrm_eval.cluster import ClusterOptions

    if ray is None:
        given = {"--workers": workers, "--gpus-per-worker": gpus, "--cpus-per-worker": cpus}
        for name, value in given.items():
            if value is not None:
                raise UsageError(f"{name} {value:g}: workers are Ray's; add --ray")
        return None
    return ClusterOptions(ray.strip() or "auto", workers, gpus, 1 if cpus is None else cpus)


def with_address(args: Sequence[str]) -> list[str]:
    """A command line in which `--ray` has a value: its address may be left out, and an option's value may not."""
    found: list[str] = []
    for place, arg in enumerate(args):
        found.append(arg)
        after = args[place + 1] if place + 1 < len(args) else "-"
        if arg == "--ray" and after.startswith("-"):
            found.append("auto")
    return found


def parse_server(
    base_url: str | None,
    api_key_env: str | None,
    concurrency: int | None,
    timeout: float | None,
    price: str | None,
    max_image_side: int | None,
    server_args: str | None,
) -> ServerOptions | None:
    """The options about servers; None where none was typed."""
    from model_adapters.servers.options import ServerOptions

    typed = {
        "base_urls": None if base_url is None else tuple(split(base_url) or ()),
        "key_variable": api_key_env,
        "concurrency": concurrency,
        "timeout": timeout,
        "price": price,
        "image_side": max_image_side,
        "arguments": server_args,
    }
    given: dict[str, Any] = {name: value for name, value in typed.items() if value is not None}
    return ServerOptions(**given) if given else None


def parse_prompting(style: str, system: str | None, shots: int, repeats: int) -> Prompting:
    """What stands around and before a question; `@FILE` reads the system text from a file.

    Raises:
        UsageError: a file that cannot be read, or an empty text.
    """
    from lrm_eval.conditions import Prompting

    text = system or ""
    if text.startswith("@"):
        path = Path(text[1:]).expanduser()
        try:
            text = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(f"--system {system}: {path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"--system {system}: {path} is not UTF-8 text") from error
    if system is not None and not text.strip():
        raise UsageError("--system: the text is empty; leave it out")
    return Prompting(style, text, shots, repeats)


def parse_batch_size(text: str) -> int | Literal["auto"]:
    """A number of at least 1, or "auto".

    Raises:
        UsageError: anything else.
    """
    if text == "auto":
        return "auto"
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--batch-size {text}: type a number of at least 1, or auto")
    return int(text)
