"""What the harness is compared with: transformers' generate as anyone would write it, and lmms-eval."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_eval.types import ImagePart, TextPart
from model_adapters.images import decode_image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lrm_eval.types import Request

BATCHES = (2, 4, 8, 16, 32)


@dataclass(frozen=True, slots=True)
class Measured:
    """Prompts a second of a peer, and the tokens it answered where it tells them."""

    prompts_per_second: float
    prompts: int
    ids: tuple[tuple[int, ...], ...] = ()
    note: str = ""


class PlainGenerate:
    """transformers' `generate`: processor, pixels and prompt in, tokens out; nothing kept between calls."""

    def __init__(self, folder: Path, device: str, dtype: str, clock: Callable[[], float]) -> None:
        import torch
        from transformers import AutoProcessor, LlavaForConditionalGeneration

        self._processor = AutoProcessor.from_pretrained(folder, backend="pil")
        self._processor.tokenizer.padding_side = "left"
        model = LlavaForConditionalGeneration.from_pretrained(
            folder, dtype=getattr(torch, dtype), device_map={"": device}
        )
        self._model: Any = model.eval()
        self._device, self._clock = device, clock

    def at(self, requests: Sequence[Request], batch: int) -> Measured:
        """Answer requests in batches of one size; decoding of images, tokenising and all else is in the time."""
        ids: list[tuple[int, ...]] = []
        _wait(self._device)
        start = self._clock()
        for first in range(0, len(requests), batch):
            ids += self._answer(requests[first : first + batch])
        _wait(self._device)
        return Measured(len(requests) / (self._clock() - start), len(requests), tuple(ids))

    def best(self, requests: Sequence[Request], most: int) -> tuple[Measured, int]:
        """The best of several batch sizes of at most `most`, each on so many requests as two batches take."""
        import torch

        found: list[tuple[Measured, int]] = []
        for batch in (size for size in BATCHES if size <= most):
            try:
                found.append((self.at(requests[: min(len(requests), max(batch, 8))], batch), batch))
            except torch.OutOfMemoryError:
                break
        return max(found, key=lambda pair: pair[0].prompts_per_second)

    def _answer(self, requests: Sequence[Request]) -> list[tuple[int, ...]]:
        import torch

        pictures, prompts = [], []
        for request in requests:
            pictures.append([decode_image(part.image) for part in request.parts if isinstance(part, ImagePart)])
            text = next(part.text for part in request.parts if isinstance(part, TextPart))
            content = [{"type": "image"}, {"type": "text", "text": text}]
            message = [{"role": "user", "content": content}]
            prompts.append(self._processor.apply_chat_template(message, add_generation_prompt=True))
        inputs = self._processor(images=pictures, text=prompts, padding=True, return_tensors="pt").to(self._device)
        inputs["pixel_values"] = inputs["pixel_values"].to(self._model.dtype)
        with torch.inference_mode():
            output = self._model.generate(**inputs, max_new_tokens=requests[0].max_new_tokens, do_sample=False)
        return [tuple(row) for row in output[:, inputs["input_ids"].shape[1] :].tolist()]


def _wait(device: str) -> None:
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize()


_TASK = """task: lrm_speed
dataset_path: parquet
dataset_kwargs:
  data_files: {data}
test_split: train
output_type: generate_until
doc_to_visual: !function speed_utils.pictures
doc_to_text: !function speed_utils.text
doc_to_target: answer
generation_kwargs:
  max_new_tokens: {tokens}
  do_sample: false
  temperature: 0
process_results: !function speed_utils.results
metric_list:
  - metric: length
    aggregation: mean
    higher_is_better: true
"""
_UTILS = """import io

from PIL import Image


def pictures(doc):
    return [Image.open(io.BytesIO(doc["image"])).convert("RGB")]


def text(doc):
    return doc["question"]


def results(doc, answers):
    return {"length": len(answers[0])}
"""


class LmmsEval:
    """lmms-eval's `llava_hf` from the command line, in an environment of its own.

    Its start is left out: two runs of different length, the time that the longer one takes more.

    Args:
        python: of its environment.
        checkpoint: folder of the model.
        work: folder for task and data.
    """

    def __init__(self, python: Path, checkpoint: Path, work: Path) -> None:
        if not python.is_file():
            raise UsageError(f"--lmms-eval {python}: no such file; name the python of an environment with lmms-eval")
        self._python, self._checkpoint, self._work = python, checkpoint, work

    def at(self, requests: Sequence[Request], device: str, dtype: str, clock: str) -> Measured:
        """Prompts a second over the last three quarters of the requests."""
        self._write(requests)
        few = max(1, len(requests) // 4)
        short = self._seconds(few, device, dtype, clock)
        long = self._seconds(len(requests), device, dtype, clock)
        return Measured((len(requests) - few) / (long - short), len(requests) - few, note="difference of two runs")

    def _write(self, requests: Sequence[Request]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder = self._work / "lmms_task"
        folder.mkdir(parents=True, exist_ok=True)
        rows = [
            {
                "image": next(part.image.read() for part in request.parts if isinstance(part, ImagePart)),
                "question": next(part.text for part in request.parts if isinstance(part, TextPart)),
                "answer": "yes",
            }
            for request in requests
        ]
        pq.write_table(pa.Table.from_pylist(rows), folder / "data.parquet")
        task = _TASK.format(data=folder / "data.parquet", tokens=requests[0].max_new_tokens)
        (folder / "lrm_speed.yaml").write_text(task, encoding="utf-8")
        (folder / "speed_utils.py").write_text(_UTILS, encoding="utf-8")

    def _seconds(self, limit: int, device: str, dtype: str, clock: str) -> float:
        settings = f"pretrained={self._checkpoint},dtype={dtype},attn_implementation=sdpa"
        settings += f",device_map={'cpu' if device == 'cpu' else 'auto'}"
        command = [str(self._python), "-m", "lmms_eval", "--model", "llava_hf", "--model_args", settings]
        command += ["--tasks", "lrm_speed", "--include_path", str(self._work / "lmms_task"), "--batch_size", "1"]
        command += ["--limit", str(limit), "--output_path", str(self._work / "lmms_out"), "--device", device]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(self._work / "datasets")}
        environment.pop("PYTHONPATH", None)
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=self._work, check=False)
        seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if clock == "cpu":
            seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if done.returncode or not self._answered(limit):
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
            raise RuntimeError(f"lmms-eval failed (exit status {done.returncode}):\n{tail}")
        return seconds

    def _answered(self, limit: int) -> bool:
        """Its exit status is 0 whatever happens: what it wrote tells."""
        found = sorted((self._work / "lmms_out").rglob("*results.json"), key=lambda path: path.stat().st_mtime)
        if not found:
            return False
        told = json.loads(found[-1].read_text(encoding="utf-8"))
        return bool(told["n-samples"]["lrm_speed"]["effective"] == limit)
