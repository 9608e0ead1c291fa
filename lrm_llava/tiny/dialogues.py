"""What the tiny models are trained on: rows of exchanges that share one prefix, an image or a text."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrm_eval import languages as registry
from lrm_llava.instructions import Exchange, bvqa, ep_vqa, load_wording, mvqa
from lrm_llava.tiny import questions as q
from lrm_llava.tiny.grammar import load_grammar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_llava.tiny.world import Scene

# How often a kind is asked, lettered or not. Position is the hardest and asked most.
_YES_NO_WEIGHTS = {
    "exist_object": 2.0, "exist_shape": 1.0, "exist_color": 1.0, "count_is": 1.0, "color_is": 1.3,
    "row_is": 2.2, "column_is": 2.2,
}  # fmt: skip
_LETTER_WEIGHTS = {"color_of": 1.5, "shape_of": 1.5, "count_of": 1.0, "where_is": 2.0}
_OPEN_WEIGHTS = {"color_of": 0.5, "shape_of": 0.5, "count_of": 0.3, "where_is": 0.7}


@dataclass(frozen=True, slots=True)
class Mix:
    """What a row is drawn from.

    Attributes:
        tags: languages, English first.
        english: share of exchanges in English (1.0 for the English-only arm).
        describe: share of descriptions.
        instructions: shares of MVQA, EP-VQA and BVQA among exchanges that are not in English.
        open: share of questions answered in a word of their own; the rest is 5 yes/no to 4 lettered.
        where: factor on the weight of "where is it?" among open and lettered questions.
    """

    tags: tuple[str, ...]
    english: float
    describe: float
    instructions: tuple[float, float, float] = (1.0, 0.0, 0.0)
    open: float = 0.1
    where: float = 1.0


def answer_word(tag: str, answer: bool) -> str:
    """The native word for yes or no, as a model should write it: the registry's first, capitalised."""
    language = registry.get(tag)
    word = (language.yes if answer else language.no)[0]
    return word[:1].upper() + word[1:]


def answer_text(query: q.Query, tag: str) -> str:
    """The answer in words of a language, or the letter when choices are shown."""
    if query.choices:
        return query.letter
    if isinstance(query.answer, bool):
        return answer_word(tag, query.answer)
    text = q.value_text(query.kind, query.answer, load_grammar(tag))
    return text[:1].upper() + text[1:]


def asked_text(query: q.Query, tag: str) -> str:
    """The question with its lettered options, if any, exactly as the harness shows it."""
    grammar = load_grammar(tag)
    lines = [q.question_text(query, grammar)]
    for letter, value in zip(q.LETTERS, query.choices, strict=False):
        lines.append(f"{letter}. {q.value_text(query.kind, value, grammar)}")
    return "\n".join(lines)


def instruction_text(query: q.Query, tag: str) -> str:
    """LLaVA-1.5's format instruction in a language."""
    language = registry.get(tag)
    return language.option_letter if query.choices else language.short_answer


def draw_query(scene: Scene, rng: random.Random, open_share: float = 0.1, where: float = 1.0) -> q.Query:
    """A question about a scene: `open_share` open, of the rest five in nine yes/no and four in nine lettered.

    `where` multiplies the weight of "where is it?" in both.
    """
    yes_no = (1 - open_share) * 5 / 9
    while True:
        roll = rng.random()
        query: q.Query | None
        if roll < yes_no:
            kind = rng.choices(list(_YES_NO_WEIGHTS), list(_YES_NO_WEIGHTS.values()))[0]
            query = q.YES_NO_MAKERS[kind](scene, rng, rng.random() < 0.5)
        elif roll < 1 - open_share:
            kind = _draw_kind(_LETTER_WEIGHTS, where, rng)
            query = q.OPEN_MAKERS[kind](scene, rng)
            if query is not None:
                query = q.with_choices(query, rng, rng.choice((4, 4, 4, 3, 2)), scene)
        else:
            kind = _draw_kind(_OPEN_WEIGHTS, where, rng)
            query = q.OPEN_MAKERS[kind](scene, rng)
        if query is not None:
            return query


def _draw_kind(weights: dict[str, float], where: float, rng: random.Random) -> str:
    return rng.choices(
        list(weights), [weight * (where if kind == "where_is" else 1.0) for kind, weight in weights.items()]
    )[0]


def plain_exchange(query: q.Query, tag: str) -> Exchange:
    """MVQA in any language: what the harness asks at evaluation."""
    return mvqa(asked_text(query, tag), instruction_text(query, tag), answer_text(query, tag))


def describe_exchange(scene: Scene, tag: str, rng: random.Random) -> Exchange:
    """A request for a description; objects in the order of their cells, so that there is one right answer."""
    grammar = load_grammar(tag)
    return Exchange(grammar.sentence("describe"), q.description(scene, grammar))


def image_exchange(scene: Scene, mix: Mix, rng: random.Random) -> Exchange:
    """One exchange about an image: language, then description or question, then instruction."""
    tag = "en" if rng.random() < mix.english else rng.choice(mix.tags[1:])
    if rng.random() < mix.describe:
        return describe_exchange(scene, tag, rng)
    query = draw_query(scene, rng, mix.open, mix.where)
    if tag == "en":
        return plain_exchange(query, "en")
    kind = rng.choices(("mvqa", "ep_vqa", "bvqa"), mix.instructions)[0]
    if kind == "ep_vqa":
        question_en = q.question_text(query, load_grammar("en"))
        return ep_vqa(
            asked_text(query, tag), question_en, instruction_text(query, tag), answer_text(query, tag),
            load_wording(tag), rng.randrange(2),
        )  # fmt: skip
    if kind == "bvqa" and not query.choices:  # a letter is the same in every language: nothing to say across
        source, target = (tag, "en") if rng.random() < 0.5 else ("en", tag)
        return bvqa(
            asked_text(query, source), instruction_text(query, source), answer_text(query, target),
            load_wording(source), target, rng.randrange(2),
        )  # fmt: skip
    return plain_exchange(query, tag)


def text_row(scene: Scene, mix: Mix, count: int, rng: random.Random) -> tuple[str, list[Exchange]]:
    """A description in one language as prefix, and exchanges about it in that language; no image.

    A fifth of the exchanges are translation pairs with English: what a multilingual language model
    has learnt from parallel text.
    """
    tag = "en" if rng.random() < mix.english else rng.choice(mix.tags[1:])
    grammar = load_grammar(tag)
    order = list(scene.objects)
    rng.shuffle(order)
    exchanges = []
    for _ in range(count):
        roll = rng.random()
        if roll < mix.describe:
            exchanges.append(describe_exchange(scene, tag, rng))
        elif roll < mix.describe + 0.2 and len(mix.tags) > 1:
            exchanges.append(_translation(scene, tag if tag != "en" else rng.choice(mix.tags[1:]), rng))
        else:
            exchanges.append(plain_exchange(draw_query(scene, rng, mix.open), tag))
    return q.description(scene, grammar, order), exchanges


def _translation(scene: Scene, tag: str, rng: random.Random) -> Exchange:
    source, target = (tag, "en") if rng.random() < 0.7 else ("en", tag)
    query = draw_query(scene, rng)
    text = {t: q.question_text(query, load_grammar(t)) for t in (source, target)}
    name = registry.get(target).autonym
    return Exchange(f"{text[source]}\n→ {name}", text[target])


def corpus(tags: Sequence[str], scenes: Sequence[Scene], seed: int) -> list[str]:
    """Sentences in all languages alike, for training the tokenizer."""
    rng = random.Random(seed)
    lines: list[str] = []
    for scene in scenes:
        for tag in tags:
            mix = Mix(("en", tag) if tag != "en" else tuple(tags), 0.0 if tag != "en" else 1.0, 0.1, (0.4, 0.3, 0.3))
            prefix, exchanges = text_row(scene, mix, 2, rng)
            exchanges.append(image_exchange(scene, mix, rng))
            lines.append(prefix)
            lines += [f"{one.prompt} ASSISTANT: {one.answer}" for one in exchanges]
    return lines
