"""Servers of this machine: `--model serve:ID` (transformers serve) and `--model vllm:ID` (vllm serve).

They are started with a checkpoint that lies here, on a free port of the loopback interface, and stopped with the run.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from lrm_eval.errors import UsageError
from lrm_eval.remote.address import Key
from model_adapters.checkpoints import content_hash, locate, read_config
from model_adapters.decoding import parse_decoding
from model_adapters.devices import check_device, check_names
from model_adapters.servers.adapter import ServerAdapter
from model_adapters.servers.connecting import checked
from model_adapters.servers.endpoints import Endpoint
from model_adapters.servers.limiter import Limiter
from model_adapters.servers.process import ServerProcess, start
from model_adapters.servers.prompts import check_decoding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from model_adapters.spec import LoadOptions, ModelSpec

_FLAGS = ("--concurrency", "--timeout", "--max-image-side", "--server-args")
# Loading tens of gigabytes and compiling kernels takes minutes.
_START_SECONDS = 1800.0
_ELSEWHERE = "or start it elsewhere and type --model openai:NAME --base-url http://HOST:8000/v1"


class LocalServerAdapter(ServerAdapter):
    """A server that is started for the run. A subclass says how.

    Attributes:
        program: for messages, "vllm serve".
        most: requests under way unless asked otherwise.
        extended: whether it knows what vLLM adds to the API.
        fields: JSON fields sent with each request.
    """

    program: ClassVar[str]
    most: ClassVar[int]
    extended: ClassVar[bool]
    fields: ClassVar[Mapping[str, Any]] = {}
    _server: ServerProcess | None = None

    @classmethod
    def load(cls, spec: ModelSpec, options: LoadOptions) -> Self:
        """Start the server and wait until it answers.

        Raises:
            UsageError: the program is not installed, or cannot do what is asked.
            RunError: it ends before it answers.
        """
        check_names(options.device, options.dtype)
        asked = checked(spec, options, _FLAGS)
        decoding = parse_decoding(options.gen_kwargs)
        check_decoding(decoding, cls.extended, spec.name)
        try:
            more = shlex.split(asked.arguments)
        except ValueError as error:
            raise UsageError(f"--server-args {asked.arguments}: {error}") from None
        program = cls.find()
        assert spec.checkpoint is not None
        read_config(spec.checkpoint)
        folder = locate(spec.checkpoint)
        command = [*program, *cls.arguments(folder, options)]
        # The key of another server is none of its business; what it needs lies here already.
        environment = {name: value for name, value in os.environ.items() if name != asked.key_variable}
        environment |= {"HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
        server = start(
            cls.program,
            lambda port: [*command, "--host", "127.0.0.1", "--port", str(port), *more],
            environment,
            _START_SECONDS,
        )
        try:
            endpoint = Endpoint(
                server.url, Key(asked.key_variable, ""), asked.timeout, Limiter(asked.concurrency or cls.most)
            )
            endpoint.ended = server.ended
            identity = {"adapter": spec.adapter, "checkpoint": content_hash(folder), "arguments": more}
            identity["dtype"] = cls.dtype(options)
            adapter = cls(
                str(folder), [endpoint], decoding, asked, options.seed, _counter(folder), identity, cls.fields
            )
        except BaseException:
            server.stop()
            raise
        adapter._server = server
        return adapter

    @classmethod
    def find(cls) -> list[str]:
        """The program.

        Raises:
            UsageError: it is not installed.
        """
        raise NotImplementedError

    @classmethod
    def arguments(cls, folder: Path, options: LoadOptions) -> Sequence[str]:
        """Its arguments but host and port."""
        raise NotImplementedError

    @classmethod
    def dtype(cls, options: LoadOptions) -> str:
        """The floating-point type that it computes in, as far as it is known."""
        return options.dtype or "auto"

    def settings(self) -> Mapping[str, Any]:
        """Of the client, and what runs and where its log is."""
        found = {**super().settings(), "program": self.program, "version": self.server_version()}
        return {**found, "log": str(self._server.log) if self._server is not None else None}

    def text(self, answer: str) -> str:
        """Without the blank that the chat template puts before an answer, as of models in this process."""
        return answer.removeprefix(" ")

    @classmethod
    def server_version(cls) -> str | None:
        """Version of the program's package."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version(cls.program.split()[0])
        except PackageNotFoundError:
            return None

    def close(self) -> None:
        """End the connections and the server."""
        try:
            super().close()
        finally:
            if self._server is not None:
                self._server.stop()


class TransformersServer(LocalServerAdapter):
    """`transformers serve`: one answer after the other, for any checkpoint that transformers loads natively."""

    program = "transformers serve"
    most = 4
    extended = False
    # It takes penalties from a checkpoint's generation_config.json, and this, the API's own default, takes them away.
    fields: ClassVar[Mapping[str, Any]] = {"frequency_penalty": 0}

    @classmethod
    def find(cls) -> list[str]:
        """The command-line program of transformers, in this environment.

        Raises:
            UsageError: what it needs to serve is not installed.
        """
        missing = [name for name in ("transformers", "fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
        if missing:
            raise UsageError(
                f'transformers serve needs {", ".join(missing)}: `pip install "transformers[serving]"`, {_ELSEWHERE}'
            )
        return [sys.executable, "-m", "transformers.cli.transformers", "serve"]

    @classmethod
    def arguments(cls, folder: Path, options: LoadOptions) -> Sequence[str]:
        """Checkpoint, device and floating-point type."""
        device, dtype = check_device(options.device, options.dtype)
        return [str(folder), "--device", device, "--dtype", dtype]

    @classmethod
    def dtype(cls, options: LoadOptions) -> str:
        """As in this process: bfloat16 on CUDA, float32 elsewhere, unless asked otherwise."""
        return check_device(options.device, options.dtype)[1]


class VllmServer(LocalServerAdapter):
    """`vllm serve`: many answers at once on a GPU; several GPUs by `--server-args "--tensor-parallel-size 4"`."""

    program = "vllm serve"
    most = 256
    extended = True

    @classmethod
    def find(cls) -> list[str]:
        """The program of vLLM on the path.

        Raises:
            UsageError: it is not installed.
        """
        program = shutil.which("vllm")
        if program is None:
            raise UsageError(
                "vllm is not installed here: `pip install vllm` (Linux with a GPU; an environment of its own is best), "
                f"{_ELSEWHERE}"
            )
        return [program, "serve"]

    @classmethod
    def arguments(cls, folder: Path, options: LoadOptions) -> Sequence[str]:
        """Checkpoint, floating-point type, and no decoding settings but those that are sent with each request.

        Raises:
            UsageError: a device other than CUDA, which vLLM was not built for.
        """
        if options.device not in (None, "auto", "cuda"):
            raise UsageError(
                f"--device {options.device}: vLLM takes the GPUs that it sees; set CUDA_VISIBLE_DEVICES to choose some"
            )
        given = ["--dtype", options.dtype] if options.dtype is not None else []
        # A checkpoint's own generation_config.json would sample or penalise unasked.
        return [str(folder), "--generation-config", "vllm", "--seed", str(options.seed), *given]


def _counter(folder: Path) -> Any:
    """Tokens of a text with the checkpoint's tokenizer, loaded when a budget is first scaled."""
    kept: list[Any] = []

    def count(text: str) -> int:
        if not kept:
            from model_adapters.tokenizers import token_counter

            kept.append(token_counter(f"hf:{folder}"))
        return int(kept[0](text))

    return count
