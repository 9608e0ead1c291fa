"""`lrm-llava data build`: from sources and translations to the shards of a stage, streaming and resumable."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_llava.conversations import Conversation, RecordError, read_records
from lrm_llava.data.mix import Quota, check_wording, compensated_ratio, draw_instruction, shown
from lrm_llava.data.shards import SUFFIX, write_shard
from lrm_llava.data.sources import english_records, find_translations, open_translations, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lrm_llava.data.shards import Format
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
        marked: by language: translations that were used though `lrm-llava data translate` doubts them.
    """

    samples: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    marked: Counter[str] = field(default_factory=Counter)

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
            "marked": dict(sorted(self.marked.items())),
        }

    def update(self, stored: dict[str, Any]) -> None:
        """Add the counts of a shard."""
        for source, language, instruction, count in stored["samples"]:
            self.samples[source, language, instruction] += count
        self.characters.update(stored["characters"])
        self.dropped.update(stored["dropped"])
        for reason, place in stored["examples"].items():
            self.examples.setdefault(reason, place)
        self.marked.update(stored.get("marked", {}))


@dataclass(frozen=True)
class _Build:
    """What stays the same from source to source."""

    recipe: Recipe
    stage: Stage
    folder: Path
    target: Path
    block: int
    form: Format
    advance: Callable[[int], None]

    def names(self, source: Source, shard: int) -> tuple[Path, Path]:
        """A shard and the counts beside it."""
        stem = f"{source.name}-{shard:05d}"
        return self.target / f"{stem}{SUFFIX[self.form]}", self.target / f"{stem}.counts.json"

    def done(self, source: Source, shard: int) -> dict[str, Any] | None:
        """The counts of a shard that is whole."""
        data, counts = self.names(source, shard)
        if not (data.is_file() and counts.is_file()):
            return None
        stored: dict[str, Any] = json.loads(counts.read_text(encoding="utf-8"))
        return stored


def build_stage(
    recipe: Recipe, number: int, sources: Path, out: Path, tell: Callable[[str], None],
    advance: Callable[[int], None] = lambda _: None, block: int = BLOCK, form: Format = "jsonl",
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
        form: JSON lines, which name images of the data folder, or WebDataset tars, which hold them.

    Raises:
        UsageError: a source or translation is missing, a language has no wording of an instruction, or `out` was built
            from something else.
    """
    stage, target = recipe.stage(number), out / f"stage{number}"
    check_wording(stage.instructions, recipe.languages[1:])
    target.mkdir(parents=True, exist_ok=True)
    sizes = _plan(recipe, stage, sources, target, form, tell)
    build = _Build(recipe, stage, sources, target, block, form, advance)
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
        for shard, counts in _shards(build, source, quota, start):
            total.update(counts)
            tell(f"{shard}: {sum(one[-1] for one in counts['samples']):,} samples")
        at += sizes[source.name] if source.translate else 0
    _write(target / CARD_FILE, _card(recipe, number, sizes, total))
    return total


def _plan(
    recipe: Recipe, stage: Stage, sources: Path, target: Path, form: Format, tell: Callable[[str], None]
) -> dict[str, int]:
    """Records of every source, counted once; what decides the mixture is stored with them and must stay the same."""
    decides = {
        "languages": list(recipe.languages), "non_english": recipe.non_english, "seed": recipe.seed,
        "instructions": asdict(stage.instructions), "sources": [asdict(source) for source in stage.sources],
        "sizes_on_disk": {source.name: _bytes(sources / source.file) for source in stage.sources}, "format": form,
        "translations": _translation_bytes(recipe, stage, sources),
    }  # fmt: skip
    path = target / PLAN_FILE
    if path.is_file():
        stored = json.loads(path.read_text(encoding="utf-8"))
        # Plans of before had neither; what cannot be known is not held against them.
        before = {"format": "jsonl", "translations": decides["translations"]} | stored["decides"]
        differ = [name for name, value in decides.items() if before.get(name) != value]
        if not differ:
            return dict(stored["records"])
        if any(target.glob("*.counts.json")):  # a build that stopped before its first shard binds nobody
            raise UsageError(f"{target}: was built with other {', '.join(differ)}; give another --out or remove it")
    records = {}
    for source in stage.sources:
        records[source.name] = sum(1 for _ in read_records(sources / source.file))
        tell(f"{source.name}: {records[source.name]:,} records")
    _write(path, {"decides": decides, "records": records})
    return records


def _shards(build: _Build, source: Source, quota: Quota, start: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Shard by shard: those already whole are only counted."""
    tags = quota.languages if start >= 0 and quota.ratio > 0 else ()
    languages = open_translations(build.folder, source, tags)
    lines: list[str] = []
    counts, number = Counts(), -1
    for number, (place, own, found) in enumerate(english_records(build.folder, source)):
        shard = number // build.block
        done = build.done(source, shard)
        where = f"{build.folder / source.file}: record {place}"
        wanted = quota.languages_of(start + number) if tags else ()
        taken = {tag: languages[tag].take(own) for tag in tags}
        if done is None and isinstance(found, Conversation) and build.form == "webdataset":
            found = _with_image(found, build.folder)
        if isinstance(found, RecordError):
            if done is None:
                counts.drop(str(found), where)
        elif done is None:
            lines.append(_line(found, "en", counts))
            for tag in wanted:
                other = _in_language(build, found, tag, taken[tag], languages[tag].path, counts)
                if other is not None:
                    lines.append(_line(other, tag, counts))
        if (number + 1) % build.block == 0:
            yield _close(build, source, shard, lines, counts, done)
            lines, counts = [], Counts()
        if number % 200 == 199:
            build.advance(200)
    if number >= 0 and (number + 1) % build.block:
        shard = number // build.block
        yield _close(build, source, shard, lines, counts, build.done(source, shard))
    for tag in tags:
        languages[tag].check_end()


def _with_image(one: Conversation, folder: Path) -> Conversation | RecordError:
    """The same sample, unless its image is not there: a tar holds the bytes, so that it is needed now."""
    if one.image is None or (folder / one.image).is_file():
        return one
    return RecordError("its image is missing")


def _in_language(
    build: _Build, english: Conversation, tag: str, taken: tuple[int, Any] | None, path: Path, counts: Counts
) -> Conversation | None:
    if taken is None:
        counts.drop(f"no translation into {tag}", f"{path}: id {english.id!r}")
        return None
    line, record = taken
    key = f"{english.source}/{english.id}/{tag}"
    seed = build.recipe.seed
    instruction = draw_instruction(build.stage.instructions, seed, key)
    digest = int.from_bytes(hashlib.sha256(f"{seed}/phrasing/{key}".encode()).digest()[:4], "big")
    try:
        found = shown(english, translated(record, english), tag, instruction, digest)
        if record.get("marks"):
            counts.marked[tag] += 1
        return found
    except (RecordError, ValueError) as error:
        counts.drop(f"translation into {tag}: {error}", f"{path}:{line}")
        return None


def _line(one: Conversation, tag: str, counts: Counts) -> str:
    counts.add(one, tag)
    return json.dumps(one.record(), ensure_ascii=False) + "\n"


def _close(
    build: _Build, source: Source, shard: int, lines: list[str], counts: Counts, done: dict[str, Any] | None
) -> tuple[str, dict[str, Any]]:
    data, beside = build.names(source, shard)
    if done is not None:
        return data.name, done
    write_shard(data, lines, build.folder, data.stem)
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
        "first_dropped": total.examples, "marked": dict(total.marked),
    }  # fmt: skip


def _translation_bytes(recipe: Recipe, stage: Stage, sources: Path) -> dict[str, dict[str, int]]:
    """Sizes of all translations: one that was mended after a build must not leave its old shards in place unsaid."""
    tags = recipe.languages[1:] if recipe.non_english > 0 else ()
    return {
        source.name: {tag: _bytes(path) for tag, path in find_translations(sources, source, tags).items()}
        for source in stage.sources if source.translate
    }  # fmt: skip


def _bytes(path: Path) -> int:
    if not path.is_file():
        raise UsageError(f"{path}: no such file; the recipe's sources are read from --sources")
    return path.stat().st_size


def _write(path: Path, value: Any) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
