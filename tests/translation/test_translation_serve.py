"""The chat translator against `transformers serve`: another project's server, with a tiny model that is built here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.languages import get
from lrm_eval.translation.translators import Options, TranslationError, make_translator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("fastapi", reason="`pip install transformers[serving]` is not there")
pytest.importorskip("uvicorn", reason="`pip install transformers[serving]` is not there")
pytestmark = pytest.mark.slow

USER, ASSISTANT, END = "<|user|>", "<|assistant|>", "</s>"
# What the model says after each token, whatever came before it: one JSON array of one text.
CHAIN = {ASSISTANT: '["', '["': "trokut", "trokut": '"]', '"]': END}
_PATIENCE = 240.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama whose layers add nothing, so that a table of pairs in its head decides on the next token."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("serve")
    tokens = ["<unk>", END, USER, ASSISTANT, '["', "trokut", '"]', "<pad>"]
    inner = Tokenizer(models.WordLevel({token: number for number, token in enumerate(tokens)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token=END, unk_token="<unk>", pad_token="<pad>",
        extra_special_tokens=[USER, ASSISTANT],
        chat_template=f"{{% for one in messages %}}{USER} {{{{ one['content'] }}}} {{% endfor %}}{ASSISTANT}",
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    size = len(tokens)
    config = LlamaConfig(
        vocab_size=size, hidden_size=size, intermediate_size=size, num_hidden_layers=1, num_attention_heads=1,
        num_key_value_heads=1, max_position_embeddings=4096, tie_word_embeddings=False, eos_token_id=1, pad_token_id=7,
        bos_token_id=None,
    )  # fmt: skip
    llama = LlamaForCausalLM(config)
    with torch.no_grad():
        llama.model.embed_tokens.weight.copy_(torch.eye(size))
        for layer in llama.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        llama.lm_head.weight.zero_()
        for before, after in CHAIN.items():
            llama.lm_head.weight[tokens.index(after), tokens.index(before)] = 10.0
    llama.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def serving(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`transformers serve` with that model; its address up to /v1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    log = tmp_path_factory.mktemp("log") / "serve.log"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "NO_PROXY": "127.0.0.1"}
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                urllib.request.urlopen(f"{url}/health", timeout=2).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"transformers serve did not start:\n{log.read_text()[-3000:]}")
                time.sleep(0.5)
        yield f"{url}/v1"
    finally:
        process.terminate()
        process.wait(20)


def test_a_real_server_translates(serving: str, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    translator = make_translator(f"openai:{model}", Options(base_url=serving, timeout=120))
    assert translator.translate(["triangle"], get("en"), get("hr")) == ["trokut"]


def test_a_real_model_that_says_too_little_costs_these_texts_only(
    serving: str, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    translator = make_translator(f"openai:{model}", Options(base_url=serving, timeout=120))
    with pytest.raises(TranslationError, match="1 elements, expected 2 strings"):
        translator.translate(["triangle", "circle"], get("en"), get("hr"))


def test_a_path_that_the_server_has_not_is_told(serving: str, model: Path) -> None:
    translator = make_translator(f"openai:{model}", Options(base_url=f"{serving}/nowhere", timeout=60))
    with pytest.raises(UsageError, match="status 404"):
        translator.translate(["triangle"], get("en"), get("hr"))
