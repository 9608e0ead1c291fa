"""Run every example of README.md and docs/*.md and write its real output into the page.

    python docs/refresh.py                 # all pages
    python docs/refresh.py README.md       # some

In a ```console block a line that starts with `$ ` is a command, a command that ends in a backslash goes on in the next
line, and what follows is its output, ending in `[exit status N]` where that is not 0. Comments in the line before a
block say more:

    <!-- file: PATH -->              the block is the content of a file, which the commands after it can use
    <!-- output: lrm-llava -->       needs this bundled checkpoint; left alone where it is not built yet
    <!-- run: slow -->               takes minutes; the tests run it only when they are asked for slow ones
    <!-- run: no -->                 is shown and not run (needs a network, or stops a program)

The blocks of a page are run in order in one empty folder that looks like the repository as far as the examples need it,
without a network, with the code of this checkout.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHECKPOINTS = ROOT / "lrm_llava" / "checkpoints"
PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
_FENCE = re.compile(r"^```(\S*)\s*$")
_NOTE = re.compile(r"^<!--\s*(file|output|run):\s*(.*?)\s*-->$")
_STATUS = re.compile(r"^\[exit status (\d+)\]$")
_PROGRESS = re.compile(r"^\d+ of \d+ answers, ")
_PROMPT = "$ "


@dataclass
class Step:
    """A command and what the page prints after it."""

    command: list[str]
    output: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The exit status that the page tells."""
        told = _STATUS.match(self.output[-1]) if self.output else None
        return int(told[1]) if told else 0


@dataclass
class Block:
    """A fenced block.

    Attributes:
        first: index of its first line inside the fence.
        last: index of the closing fence.
        language: the word after the opening fence.
        notes: what the comments before it say.
        lines: its content.
    """

    first: int
    last: int
    language: str
    notes: dict[str, str]
    lines: list[str]

    @property
    def slow(self) -> bool:
        """Whether it takes minutes."""
        return self.notes.get("run") == "slow"

    @property
    def runs(self) -> bool:
        """Whether its commands can be run here."""
        needed = self.notes.get("output")
        there = needed is None or (CHECKPOINTS / needed / "config.json").is_file()
        return self.language == "console" and self.notes.get("run") != "no" and there

    def steps(self) -> list[Step]:
        """Its commands, each with its output."""
        found: list[Step] = []
        goes_on = False
        for line in self.lines:
            if goes_on:
                found[-1].command.append(line)
            elif line.startswith(_PROMPT):
                found.append(Step([line.removeprefix(_PROMPT)]))
            elif found:
                found[-1].output.append(line)
            else:
                # Output of no command would never be compared with anything.
                raise ValueError(f"a console block begins with {line!r} and not with a command")
            goes_on = line.endswith("\\") and (goes_on or line.startswith(_PROMPT))
        return found


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page."""
    lines = text.split("\n")
    found: list[Block] = []
    notes: dict[str, str] = {}
    number = 0
    while number < len(lines):
        note, fence = _NOTE.match(lines[number]), _FENCE.match(lines[number])
        if note:
            notes[note[1]] = note[2]
        elif fence:
            end = next(place for place in range(number + 1, len(lines)) if lines[place] == "```")
            found.append(Block(number + 1, end, fence[1], notes, lines[number + 1 : end]))
            notes, number = {}, end
        elif lines[number].strip():
            notes = {}
        number += 1
    return found


class Sandbox:
    """A folder in which the commands of one page are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "here"
        self._programs = folder / "bin"
        self._home = folder / "home"
        for path in (self.folder, self._programs, self._home):
            path.mkdir(parents=True)
        for name, module in (("lrm-eval", "lrm_eval.cli"), ("lrm-llava", "lrm_llava.cli")):
            self._program(name, f'-P -m {module} "$@"')
        self._program("python", '-P "$@"')
        if (ROOT / "docs" / "examples").is_dir():
            shutil.copytree(ROOT / "docs" / "examples", self.folder / "docs" / "examples")
        if CHECKPOINTS.is_dir():
            (self.folder / "lrm_llava").mkdir()
            (self.folder / "lrm_llava" / "checkpoints").symlink_to(CHECKPOINTS)

    def _program(self, name: str, arguments: str) -> None:
        path = self._programs / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}\n', encoding="utf-8")
        path.chmod(0o755)

    def write(self, name: str, lines: list[str]) -> None:
        """A file of an example."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(self, command: list[str]) -> tuple[list[str], int]:
        """What a command prints on both streams, as lines, with the exit status where that is not 0."""
        kept = {
            name: value for name, value in os.environ.items() if name in ("OMP_NUM_THREADS", "TMPDIR", "SYSTEMROOT")
        }
        environment = kept | {
            "PATH": f"{self._programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]).strip(":"),
            "PYTHONUNBUFFERED": "1",  # both streams in the order in which they are written
            "HOME": str(self._home),
            "HF_HUB_OFFLINE": "1",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "100",
            "NO_COLOR": "1",
        }
        done = subprocess.run(
            ["bash", "-c", "set -o pipefail\n" + "\n".join(command)],
            cwd=self.folder, env=environment, timeout=3600, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        text = done.stdout.decode("utf-8", "replace")
        for place in (self.folder.resolve(), self.folder, ROOT):
            text = text.replace(f"{place}/", "")
        for home in (self._home.resolve(), self._home):
            text = text.replace(str(home), "~")
        lines = [line.rstrip() for line in text.rstrip("\n").split("\n")] if text.strip() else []
        # How often a run tells its progress depends on the machine.
        lines = [line for line in lines if not _PROGRESS.match(line)]
        # The blank line that a table opens with says nothing under a command.
        while lines and not lines[0]:
            lines.pop(0)
        while lines and not lines[-1]:
            lines.pop()
        return (lines if done.returncode == 0 else [*lines, f"[exit status {done.returncode}]"]), done.returncode


def refresh(text: str, sandbox: Sandbox, log: list[str]) -> str:
    """The page with the output of every command that can be run here."""
    lines = text.split("\n")
    changes: list[tuple[Block, list[str]]] = []
    for block in blocks(text):
        if "file" in block.notes:
            sandbox.write(block.notes["file"], block.lines)
        elif block.runs:
            fresh: list[str] = []
            for step in block.steps():
                output, _ = sandbox.run(step.command)
                fresh += [_PROMPT + step.command[0], *step.command[1:], *output]
            changes.append((block, fresh))
        elif block.language == "console" and block.notes.get("run") != "no":
            log.append(f"line {block.first}: left alone, {block.notes['output']} is not built yet")
    for block, fresh in reversed(changes):
        lines[block.first : block.last] = fresh
    return "\n".join(lines)


def main(names: list[str]) -> int:
    """Refresh the pages named, or all."""
    for name in names or PAGES:
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        log: list[str] = []
        with tempfile.TemporaryDirectory() as folder:
            after = refresh(before, Sandbox(Path(folder)), log)
        path.write_text(after, encoding="utf-8")
        for line in (f"{name}: {'changed' if after != before else 'as it was'}", *(f"{name}, {one}" for one in log)):
            sys.stderr.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
