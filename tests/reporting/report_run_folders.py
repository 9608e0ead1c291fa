"""Makes run folders on disk, as the runner leaves them, with answers that we write ourselves.

Responses, readings, images and run.json are written by hand in the format of docs and DESIGN; scores come from the
real scorers. `lrm_eval.runs.RunFolder` reads them.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

from PIL import Image

from lrm_eval import scorers
from lrm_eval.runs import RunFolder
from lrm_eval.runs.codec import dumps_line
from lrm_eval.types import RULES, Item, Reading, Response, Sample

if TYPE_CHECKING:
    from pathlib import Path

QUESTIONS = {
    "en": "Is there a red circle in the image?",
    "sw": "Je, kuna duara jekundu kwenye picha?",
    "am": "በምስሉ ውስጥ ቀይ ክብ አለ?",
    "zh": "图中有红色的圆吗？",
    "he": "האם יש בתמונה עיגול אדום?",
}
YES = {"en": "Yes", "sw": "Ndiyo", "am": "አዎ", "zh": "是", "he": "כן"}
NO = {"en": "No", "sw": "Hapana", "am": "አይ", "zh": "否", "he": "לא"}
HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "\u202egnorw ti daer\u202c <b>bold</b> & 'quoted' \"twice\"",
    "null\x00byte and \ud800 half a pair",
    "a" * 9000,
)


@functools.cache
def image_bytes(number: int) -> bytes:
    """A WebP of one colour with a square, different for every number."""
    picture = Image.new("RGB", (96, 96), (40 + 17 * number % 200, 90, 200 - 23 * number % 180))
    picture.paste((240, 240, 230), (8 + number % 40, 20, 40 + number % 40, 52))
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=60)
    return out.getvalue()


def samples(task: str, language: str, count: int) -> list[tuple[Sample, bytes]]:
    """`count` questions with their images; tiny-mme asks two of each image, tiny-mmbench shows each group twice."""
    found = []
    for place in range(count):
        picture = image_bytes(place // 2)
        sha = hashlib.sha256(picture).hexdigest()
        common: dict[str, Any] = {"task": task, "language": language, "cluster": sha, "order": place}
        if task.endswith("mme"):
            category = ("existence", "color")[place // 2 % 2]
            gold = "yes" if place % 2 == 0 else "no"
            sample = Sample(
                id=f"mme/{category}/{place // 2:04d}.png/{place % 2}", kind="yes_no", question=QUESTIONS[language],
                instruction="Answer the question using a single word or phrase.", gold=gold, category=category,
                group=f"{category}/{place // 2:04d}.png", **common,
            )  # fmt: skip
        else:
            options = ("red", "green", "blue") if place % 2 == 0 else ("blue", "red", "green")
            sample = Sample(
                id=f"mmbench/{place // 2 + 1000000 * (place % 2)}", kind="option", question=QUESTIONS[language],
                instruction="Answer with the option's letter from the given choices directly.", options=options,
                labels=("A", "B", "C"), gold="A" if place % 2 == 0 else "B", category="color",
                group=f"mmbench/{place // 2}", **common,
            )  # fmt: skip
        found.append((sample, picture))
    return found


def answer(sample: Sample, place: int, skill: int, hostile: bool) -> tuple[Response, Reading, Reading]:
    """A response with its official and multilingual reading. `skill`: right answers of ten; every 31st fails."""
    key = f"{sample.id}@{sample.language}"
    prompt = f"A chat. USER: <image>\n{sample.question}\n{sample.instruction} ASSISTANT:"
    if hostile and place % 7 == 3:
        text = HOSTILE[place // 7 % len(HOSTILE)]
        unread = Reading(None, "none", "unparsed")
        return Response(key, text, prompt=prompt), unread, unread
    if place % 31 == 30:
        failed = Reading(None, "error", "error")
        return Response(key, "", "error", prompt=prompt, error="image cannot be read: truncated file"), failed, failed
    # A fixed scramble of the place: right answers are spread over items, the same ones in every language of one skill.
    right = int(hashlib.sha256(f"{sample.group}{place % 2}".encode()).hexdigest(), 16) % 10 < skill
    if sample.kind == "yes_no":
        value = sample.gold if right else {"yes": "no", "no": "yes"}[sample.gold]
        text = {"yes": YES, "no": NO}[value][sample.language]
        official = value if sample.language == "en" else "other"
        outcome = Reading(official, "first-word", "read")
        return Response(key, text, prompt=prompt), outcome, Reading(value, f"lexicon:{text}", "read", sample.language)
    value = sample.gold if right else "C"
    reading = Reading(value, "letter", "read")
    return Response(key, value, prompt=prompt), reading, reading


def make_run(
    folder: Path,
    model: str,
    skills: dict[str, int],
    tasks: tuple[str, ...] = ("tiny-mme", "tiny-mmbench"),
    count: int = 80,
    hostile: bool = False,
    manifest: dict[str, Any] | None = None,
) -> RunFolder:
    """A finished run: `skills` gives, per language, how many of ten answers are right."""
    rows = []
    for task in tasks:
        benchmark = task.removeprefix("tiny-")
        for language, skill in skills.items():
            items: dict[str, list[Item]] = {"official": [], "multilingual": []}
            lines = []
            for place, (sample, picture) in enumerate(samples(task, language, count)):
                response, official, multilingual = answer(sample, place, skill, hostile)
                items["official"].append(Item(sample, response, official))
                items["multilingual"].append(Item(sample, response, multilingual))
                lines.append(_line(sample, response))
                image = folder / "images" / f"{sample.cluster}.webp"
                image.parent.mkdir(parents=True, exist_ok=True)
                image.write_bytes(picture)
            _write(folder / "responses" / task / f"{language}.jsonl", lines)
            for rules in RULES:
                read = items[rules]
                path = folder / "readings" / rules / task / f"{language}.jsonl"
                _write(path, [_reading(item) for item in read])
                rows += scorers.rows(model, task, benchmark, language, "default", rules, read)
    scores = [{name: getattr(row, name) for name in row.__slots__} for row in rows]
    (folder / "scores.json").write_text(json.dumps({"schema": 1, "scores": scores}), encoding="utf-8")
    facts = {
        "schema": 1,
        "command": {
            "argv": ["lrm-eval", "run", "--model", model, "--langs", ",".join(skills)],
            "versions": {"torch": "2.13.0"},
        },
        "model": {"name": model, "fingerprint": {"weights": "0" * 64}},
        "tasks": {task: {"benchmark": task.removeprefix("tiny-"), "version": "1"} for task in tasks},
        "languages": list(skills),
        "seed": 0,
        **(manifest or {}),
    }
    (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    return RunFolder(folder)


def _line(sample: Sample, response: Response) -> dict[str, Any]:
    names = (
        "id",
        "task",
        "language",
        "kind",
        "question",
        "gold",
        "instruction",
        "hint",
        "category",
        "split",
        "group",
        "cluster",
        "order",
    )
    told = {name: getattr(sample, name) for name in names}
    told |= {
        "options": list(sample.options),
        "labels": list(sample.labels),
        "images": [{"uri": "img.png", "sha256": sample.cluster}],
    }
    back = {
        name: getattr(response, name)
        for name in ("text", "finish_reason", "prompt_tokens", "completion_tokens", "prompt", "error")
    }
    return {"key": response.key, "order": sample.order, "sample": told, "response": {**back, "choices": []}}


def _reading(item: Item) -> dict[str, Any]:
    reading = item.reading
    return {
        "key": item.response.key,
        "value": reading.value,
        "rule": reading.rule,
        "outcome": reading.outcome,
        "language": reading.language,
    }


def _write(path: Path, lines: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(dumps_line(line) for line in lines))
