"""`lrm-llava data build`: from sources and translations to the shards of a stage, streaming and resumable."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_llava.conversations import Conversation, RecordError, read_records
from lrm_llava.data.mix import Quota, compensated_ratio, draw_instruction, shown
from lrm_llava.data.sources import english_records, open_translations, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lrm_llava.recipes import Recipe, Source, Stage

BLOCK = 20_000  # English records a shard: what a kill costs at most
PLAN_FILE = "plan.json"
CARD_FILE = "card.json"


@dataclass
class Counts:
    """What went into a shard and what did not.

    Attributes:
        samples: by (source, language, instruction); in BVQA the language beside English.
        characters: by the same language: of questions and answers.
        dropped: by reason.
        examples: the first place of each reason.
    """

    samples: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, one: Conversation, tag: str) -> None:
        """Count a sample of a language; in BVQA the language beside English."""
        self.samples[one.source, tag, one.instruction] += 1
        self.characters[tag] += sum(len(turn.question) + len(turn.answer) for turn in one.turns)

    def drop(self, reason: str, place: str) -> None:
        """Count what was left out, and remember the first of its kind."""
        self.dropped[reason] += 1
        self.examples.setdefault(reason, place)

    def to_json(self) -> dict[str, Any]:
        """As it stands beside a shard."""
        return {
            "samples": [[*key, count] for key, count in sorted(self.samples.items())],
            "characters": dict(sorted(self.characters.items())),
            "dropped": dict(self.dropped),
            "examples": self.examples,
        }

    def update(self, stored: dict[str, Any]) -> None:
        """Add the counts of a shard."""
        for source, language, instruction, count in stored["samples"]:
            self.samples[source, language, instruction] += count
        self.characters.update(stored["characters"])
        self.dropped.update(stored["dropped"])
        for reason, place in stored["examples"].items():
            self.examples.setdefault(reason, place)


def build_stage(
    recipe: Recipe, number: int, sources: Path, out: Path, tell: Callable[[str], None],
    advance: Callable[[int], None] = lambda _: None, block: int = BLOCK,
) -> Counts:  # fmt: skip
    """Write out/stageN: shards, their counts, and card.json. A stopped build goes on at its last whole shard.

    Args:
        recipe: what to mix.
        number: stage 1 or 2.
        sources: folder with the sources' files, images and translations/<source>/<language>.jsonl.
        out: data folder; images are looked for relative to it when training, so it is mostly `sources` itself.
        tell: takes one line at a time.
        advance: takes the number of English records done since the last call.
        block: English records a shard.

    Raises:
        UsageError: a source or translation is missing, or `out` was built from something else.
    """
    stage, target = recipe.stage(number), out / f"stage{number}"
    target.mkdir(parents=True, exist_ok=True)
    sizes = _plan(recipe, stage, sources, target, tell)
    english = sum(sizes.values())
    translatable = sum(sizes[source.name] for source in stage.sources if source.translate)
    ratio = compensated_ratio(recipe.non_english, english, translatable)
    others = recipe.languages[1:]
    if ratio > len(others):
        raise UsageError(f"{len(others)} languages cannot give {ratio:.2f} samples for each English one")
    quota = Quota(others, ratio, recipe.seed)
    total, at = Counts(), 0
    for source in stage.sources:
        start = at if source.translate else -1
        for shard, counts in _shards(recipe, stage, source, sources, target, quota, start, block, advance):
            total.update(counts)
            tell(f"{shard}: {sum(one[-1] for one in counts['samples']):,} samples")
        at += sizes[source.name] if source.translate else 0
    _write(target / CARD_FILE, _card(recipe, number, sizes, total))
    return total


def _plan(recipe: Recipe, stage: Stage, sources: Path, target: Path, tell: Callable[[str], None]) -> dict[str, int]:
    """Records of every source, counted once; what decides the mixture is stored with them and must stay the same."""
    decides = {
        "languages": list(recipe.languages), "non_english": recipe.non_english, "seed": recipe.seed,
        "instructions": asdict(stage.instructions), "sources": [asdict(source) for source in stage.sources],
        "sizes_on_disk": {source.name: _bytes(sources / source.file) for source in stage.sources},
    }  # fmt: skip
    path = target / PLAN_FILE
    if path.is_file():
        stored = json.loads(path.read_text(encoding="utf-8"))
        differ = [name for name, value in decides.items() if stored["decides"].get(name) != value]
        if differ:
            raise UsageError(f"{target}: was built with other {', '.join(differ)}; give another --out or remove it")
        return dict(stored["records"])
    records = {}
    for source in stage.sources:
        records[source.name] = sum(1 for _ in read_records(sources / source.file))
        tell(f"{source.name}: {records[source.name]:,} records")
    _write(path, {"decides": decides, "records": records})
    return records


def _shards(
    recipe: Recipe, stage: Stage, source: Source, folder: Path, target: Path, quota: Quota, start: int, block: int,
    advance: Callable[[int], None],
) -> Iterator[tuple[str, dict[str, Any]]]:  # fmt: skip
    """Shard by shard: those already whole are only counted."""
    tags = quota.languages if start >= 0 and quota.ratio > 0 else ()
    languages = open_translations(folder, source, tags)
    lines: list[str] = []
    counts, number = Counts(), -1
    for number, (place, own, found) in enumerate(english_records(folder, source)):
        shard = number // block
        done = _done(target, source, shard)
        where = f"{folder / source.file}: record {place}"
        wanted = quota.languages_of(start + number) if tags else ()
        taken = {tag: languages[tag].take(own) for tag in tags}
        if isinstance(found, RecordError):
            if done is None:
                counts.drop(str(found), where)
        elif done is None:
            lines.append(_line(found, "en", counts))
            for tag in wanted:
                other = _in_language(recipe, stage, found, tag, taken[tag], languages[tag].path, counts)
                if other is not None:
                    lines.append(_line(other, tag, counts))
        if (number + 1) % block == 0:
            yield _close(target, source, shard, lines, counts, done)
            lines, counts = [], Counts()
        if number % 200 == 199:
            advance(200)
    if number >= 0 and (number + 1) % block:
        shard = number // block
        yield _close(target, source, shard, lines, counts, _done(target, source, shard))
    for tag in tags:
        languages[tag].check_end()


def _in_language(
    recipe: Recipe, stage: Stage, english: Conversation, tag: str, taken: tuple[int, Any] | None, path: Path,
    counts: Counts,
) -> Conversation | None:  # fmt: skip
    if taken is None:
        counts.drop(f"no translation into {tag}", f"{path}: id {english.id!r}")
        return None
    line, record = taken
    key = f"{english.source}/{english.id}/{tag}"
    instruction = draw_instruction(stage.instructions, recipe.seed, key)
    digest = int.from_bytes(hashlib.sha256(f"{recipe.seed}/phrasing/{key}".encode()).digest()[:4], "big")
    try:
        return shown(english, translated(record, english), tag, instruction, digest)
    except (RecordError, ValueError) as error:
        counts.drop(f"translation into {tag}: {error}", f"{path}:{line}")
        return None


def _line(one: Conversation, tag: str, counts: Counts) -> str:
    counts.add(one, tag)
    return json.dumps(one.record(), ensure_ascii=False) + "\n"


def _names(target: Path, source: Source, shard: int) -> tuple[Path, Path]:
    stem = f"{source.name}-{shard:05d}"
    return target / f"{stem}.jsonl", target / f"{stem}.counts.json"


def _done(target: Path, source: Source, shard: int) -> dict[str, Any] | None:
    data, counts = _names(target, source, shard)
    if not (data.is_file() and counts.is_file()):
        return None
    stored: dict[str, Any] = json.loads(counts.read_text(encoding="utf-8"))
    return stored


def _close(
    target: Path, source: Source, shard: int, lines: list[str], counts: Counts, done: dict[str, Any] | None
) -> tuple[str, dict[str, Any]]:
    data, beside = _names(target, source, shard)
    if done is not None:
        return data.name, done
    partial = data.with_name(f".{data.name}.partial")
    partial.write_text("".join(lines), encoding="utf-8")
    partial.replace(data)
    stored = counts.to_json()
    _write(beside, stored)  # last: a shard counts only with it
    return data.name, stored


def _card(recipe: Recipe, number: int, sizes: dict[str, int], total: Counts) -> dict[str, Any]:
    by_language: Counter[str] = Counter()
    by_instruction: Counter[str] = Counter()
    by_source: Counter[str] = Counter()
    for (source, language, instruction), count in total.samples.items():
        by_language[language] += count
        by_instruction[instruction or "english"] += count
        by_source[source] += count
    return {
        "recipe": recipe.name, "stage": number, "seed": recipe.seed, "records": sizes,
        "samples": sum(total.samples.values()), "by_language": dict(by_language.most_common()),
        "by_instruction": dict(by_instruction.most_common()), "by_source": dict(by_source.most_common()),
        "characters": dict(total.characters.most_common()), "dropped": dict(total.dropped.most_common()),
        "first_dropped": total.examples,
    }  # fmt: skip


def _bytes(path: Path) -> int:
    if not path.is_file():
        raise UsageError(f"{path}: no such file; the recipe's sources are read from --sources")
    return path.stat().st_size


def _write(path: Path, value: Any) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
