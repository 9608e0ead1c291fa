"""What asking a server costs: throughput, processor time and memory of the client, against one that only waits.

    python benchmarks/server_client.py [--requests 20000] [--memory 100000] [--out FILE.md]

A server in a process of its own answers every question after 50 ms. The client is `--model openai:NAME`, all of it:
images, JSON, the official client, retries, answers as responses. Processor time is that of the client's process alone.
Aims: at 64 requests at once at least 95 % of 64 / 50 ms = 1,280 answers a second, less than 1 ms of processor time a
request, memory that does not grow over 100,000 requests.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from PIL import Image
from rich.console import Console
from rich.table import Table

from lrm_eval.types import ImagePart, ImageRef, Request, Sample, TextPart
from model_adapters import ServerOptions, load_model, resolve_model

if TYPE_CHECKING:
    from collections.abc import Iterator

DELAY = 0.05
AT_ONCE = 64
PER_IMAGE = 24
IMAGES = 200
# The limit grows from 8 to 64 in the first rounds; it is no part of what is measured.
WARM = 2_000


class Waiting(asyncio.Protocol):
    """Reads a request and answers it after a while, in as little Python as possible."""

    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.buffer, self.missing, self.get = transport, bytearray(), -1, False

    def data_received(self, data: bytes) -> None:
        """Some of a request, or the rest of it."""
        self.buffer += data
        while self.buffer:
            if self.missing < 0:
                end = self.buffer.find(b"\r\n\r\n")
                if end < 0:
                    return
                head = bytes(self.buffer[:end]).lower()
                self.get = head.startswith(b"get")
                length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
                self.missing = end + 4 + int(length or 0)
            if len(self.buffer) < self.missing:
                return
            del self.buffer[: self.missing]
            self.missing = -1
            asyncio.get_running_loop().call_later(0 if self.get else DELAY, self.transport.write, self.answer)


async def serve() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 600, "completion_tokens": 2, "total_tokens": 602}
    body = json.dumps({"id": "x", "model": "m", "choices": [choice], "usage": usage, "data": []}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    Waiting.answer = head.encode() + body
    server = await asyncio.get_running_loop().create_server(Waiting, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def pictures() -> list[ImageRef]:
    """200 images of about 12 kB."""
    images = []
    for number in range(IMAGES):
        out = io.BytesIO()
        noise = Image.effect_noise((336, 336), 20 + number / 10).convert("RGB")
        noise.save(out, "JPEG", quality=40)
        data = out.getvalue()
        images.append(ImageRef(f"{number}.jpg", hashlib.sha256(data).hexdigest(), partial(bytes, data)))
    return images


def questions(images: list[ImageRef], count: int) -> Iterator[Request]:
    """Questions, 24 on each image."""
    for number in range(count):
        image = images[number // PER_IMAGE % IMAGES]
        text = f"Is there an object number {number} in the image?\nAnswer the question using a single word or phrase."
        sample = Sample(f"q/{number}", "mme", "en", "yes_no", text, "yes", images=(image,))
        yield Request(f"q/{number}@en", (ImagePart(image), TextPart(text)), sample, 16)


def resident() -> float:
    """Memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def bare(port: int, count: int) -> float:
    """Answers a second of aiohttp alone with one body made beforehand: what this machine could reach at best."""
    url, body = f"http://127.0.0.1:{port}/v1/chat/completions", b"x" * 16_000
    left = count
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:

        async def work() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                async with session.post(url, data=body) as answer:
                    await answer.read()

        begin = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return count / (time.perf_counter() - begin)


def measure(port: int, count: int, memory: int) -> list[tuple[str, str, str, bool]]:
    options = ServerOptions(base_urls=(f"http://127.0.0.1:{port}/v1",), concurrency=AT_ONCE)
    adapter = load_model(resolve_model("openai:m"), server=options)
    images = pictures()
    for _ in adapter.generate(questions(images, WARM)):
        pass
    begin, busy = time.perf_counter(), time.process_time()
    answers = sum(response.text == "yes" for response in adapter.generate(questions(images, count)))
    seconds, busy = time.perf_counter() - begin, time.process_time() - busy
    assert answers == count
    ideal = AT_ONCE / DELAY
    share = count / seconds / ideal
    cost = 1000 * busy / count
    best = asyncio.run(bare(port, count))
    rows = [
        ("answers a second", f"{count / seconds:,.0f} ({share:.1%} of {ideal:,.0f})", "≥ 95 %", share >= 0.95),
        ("of what aiohttp alone reaches here", f"{count / seconds / best:.1%} of {best:,.0f}", "", True),
        ("client's processor time a request", f"{cost:.3f} ms", "< 1 ms", cost < 1),
    ]
    if memory:
        after = []
        for number, _ in enumerate(adapter.generate(questions(images, memory)), 1):
            if number in (memory // 10, memory):
                after.append(resident())
        grown = after[1] - after[0]
        told = f"{after[0]:.1f} MiB → {after[1]:.1f} MiB"
        rows.append((f"memory after {memory // 10:,} and {memory:,} requests", told, "+ < 5 MiB", grown < 5))
    adapter.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--memory", type=int, default=100_000, help="requests of the memory part; 0 leaves it out")
    parser.add_argument("--out", type=Path, help="write the table there as Markdown, too")
    asked = parser.parse_args()
    if asked.serve:
        asyncio.run(serve())
        return
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        rows = measure(int(server.stdout.readline()), asked.requests, asked.memory)
    finally:
        server.kill()
        server.wait()
    table = Table("what", "measured", "aim", "")
    for what, measured, aim, held in rows:
        table.add_row(what, measured, aim, _told(aim, held))
    Console().print(table)
    if asked.out is not None:
        asked.out.write_text(report(rows, asked.requests), encoding="utf-8")


def _told(aim: str, held: bool) -> str:
    return ("held" if held else "not held") if aim else ""


def report(rows: list[tuple[str, str, str, bool]], count: int) -> str:
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    lines = [
        f"# Asking a server, {datetime.now(UTC):%Y-%m-%d}",
        "",
        f"`python benchmarks/server_client.py --requests {count}`, {cores} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, load average {load:.1f} at the end. The server waits 50 ms, in a process of its "
        f"own; {AT_ONCE} requests at once.",
        "",
        "| what | measured | aim | |",
        "|---|---|---|---|",
        *(f"| {what} | {measured} | {aim} | {_told(aim, held)} |" for what, measured, aim, held in rows),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
