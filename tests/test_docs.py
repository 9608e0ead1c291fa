"""README and docs: their examples still do what they print, their links lead somewhere, every verb has a guide."""

import importlib.util
import pkgutil
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _load_refresh():
    spec = importlib.util.spec_from_file_location("docs_refresh", ROOT / "docs" / "refresh.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


refresh = _load_refresh()
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in refresh.PAGES}
EXAMPLES = [name for name, text in TEXTS.items() if any(block.language == "console" for block in refresh.blocks(text))]
LINKED = [*refresh.PAGES, "CONTRIBUTING.md", "CHANGELOG.md", "results/published/README.md"]


def stable(lines):
    """What of an output must stay as printed: every line, its numbers replaced and its blanks evened out.

    Numbers follow from model, seed and versions; the width of a table follows from its numbers.
    """
    found = []
    for line in lines:
        plain = re.sub(r"[+\-−]?\d(?:[\d.,]*\d)?", "#", line)
        plain = re.sub(r"─+", "─", re.sub(r"\s+", " ", plain)).strip()
        if plain:
            found.append(plain)
    return found


def run_page(name, folder, slow):
    """Run the blocks of a page in order and hold each command against what the page prints; how many were run."""
    sandbox = refresh.Sandbox(folder)
    count = 0
    for block in refresh.blocks(TEXTS[name]):
        if "file" in block.notes:
            sandbox.write(block.notes["file"], block.lines)
        if not block.runs or (block.slow and not slow):
            continue
        for step in block.steps():
            output, status = sandbox.run(step.command)
            where = f"{name}:{block.first}: {' '.join(step.command)}"
            assert status == step.status, f"{where}\n" + "\n".join(output)
            assert stable(output) == stable(step.output), f"{where}: run `python docs/refresh.py {name}`"
            count += 1
    return count


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_print_what_the_page_says(name, tmp_path):
    assert run_page(name, tmp_path, slow=False) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in EXAMPLES if any(one.slow for one in refresh.blocks(TEXTS[name]))])
def test_slow_examples_print_what_the_page_says(name, tmp_path):
    assert run_page(name, tmp_path, slow=True) > 0


def test_a_changed_word_or_status_in_an_output_is_noticed():
    assert stable(["perception  963.6   x"]) == stable(["perception 1.25 x"])
    assert stable(["3 checks hold, 0 do not"]) != stable(["3 checks held, 0 do not"])
    assert stable(["f1   47.3"]) != stable(["f1   –"])
    assert stable(["a", "b"]) != stable(["a"])


def test_blocks_are_read_with_their_commands_outputs_and_notes():
    text = (
        "<!-- run: slow -->\n<!-- output: lrm-llava -->\n```console\n$ one \\\n    two\nsaid\n$ three\n"
        "error: no\n[exit status 2]\n```\n\n<!-- file: a/b.txt -->\n```json\n{}\n```\n"
    )
    shown, written = refresh.blocks(text)
    assert shown.notes == {"run": "slow", "output": "lrm-llava"}
    assert [(step.command, step.output, step.status) for step in shown.steps()] == [
        (["one \\", "    two"], ["said"], 0),
        (["three"], ["error: no", "[exit status 2]"], 2),
    ]
    assert (written.notes, written.lines) == ({"file": "a/b.txt"}, ["{}"])


def test_refresh_writes_real_outputs_in_place(tmp_path):
    before = "a\n```console\n$ echo one; echo two >&2; exit 3\nold\n$ cat file\n```\nb\n"
    sandbox = refresh.Sandbox(tmp_path)
    sandbox.write("file", ["here"])
    after = refresh.refresh(before, sandbox, [])
    assert after == (
        "a\n```console\n$ echo one; echo two >&2; exit 3\none\ntwo\n[exit status 3]\n$ cat file\nhere\n```\nb\n"
    )


def _headings(text):
    plain = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", plain, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", LINKED)
def test_every_relative_link_leads_somewhere(name):
    page = ROOT / name
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path) if path else page
        assert linked.exists(), f"{name} links to {target}"
        if anchor:
            assert anchor in _headings(linked.read_text(encoding="utf-8")), f"{name} links to {target}"


def _verbs():
    from lrm_eval.cli import app as evaluation
    from lrm_llava.cli import app as training

    for program, app in (("lrm-eval", evaluation), ("lrm-llava", training)):
        stack = [(program, app)]
        while stack:
            prefix, group = stack.pop()
            for command in group.registered_commands:
                yield f"{prefix} {command.name or command.callback.__name__.rstrip('_')}"
            stack += [(f"{prefix} {inner.name or inner.typer_instance.info.name}", inner.typer_instance)
                      for inner in group.registered_groups]  # fmt: skip


@pytest.mark.parametrize("verb", sorted(_verbs()))
def test_every_verb_has_a_guide(verb):
    guides = "\n".join(text for name, text in TEXTS.items() if name != "README.md")
    assert re.search(rf"{re.escape(verb)}(?![\w-])", guides), f"no page in docs/ mentions `{verb}`"


def _named_functions():
    walk = TEXTS["docs/architecture.md"].split("## The walk of one sample")[1].split("\n## ")[0]
    names = set(re.findall(r"`([a-z_]+(?:\.[A-Za-z_]+)+)`", walk))
    return sorted(name for name in names if not name.endswith((".py", ".json")))


@pytest.mark.parametrize("name", _named_functions())
def test_functions_named_by_the_architecture_exist(name):
    top = name.split(".")[0]
    pkgutil.resolve_name(name if top in ("lrm_eval", "model_adapters") else f"lrm_eval.{name}")


def _rule_rows():
    table = TEXTS["docs/rules.md"].split("## What it makes of the same answer")[1].split("\n## ")[0]
    lines = [line for line in table.split("\n") if line.startswith("| ") and not line.startswith("| question")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.mark.parametrize("row", _rule_rows(), ids=lambda row: f"{row[0]} {row[1]}")
def test_the_table_of_readings_is_true(row):
    from lrm_eval.answers import read
    from lrm_eval.types import Response, Sample

    question, answer, official, multilingual = row
    benchmark, _, language = question.lower().replace("-", "").partition(", ")
    lettered = benchmark in ("seedbench", "mmbench")
    sample = Sample(
        id="x",
        task=benchmark,
        language={"": "en", "swahili": "sw", "chinese": "zh"}[language],
        kind="option" if lettered else "yes_no",
        question="What is it?" if lettered else "Is there a dog in the image?",
        gold="A" if lettered else "yes",
        options=("cat", "rabbit", "horse", "bird") if lettered else (),
        labels=("A", "B", "C", "D") if lettered else (),
    )
    text = answer.strip("`")
    for rules, told in (("official", official), ("multilingual", multilingual)):
        found = read(benchmark, sample, Response("x@en", text=text), rules)
        assert (found.value or found.outcome) == told.strip("*").removesuffix(" (wrong)")
