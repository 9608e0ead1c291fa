"""Reading which option an answer names. Pure functions.

In this order, the first that says something decides:

1. the whole answer is a label, or the text of exactly one option;
2. the last explicit marker ("the answer is ...") with a label or an option's text after it;
3. a label that opens the answer ("B. rabbit", "(B)", "C입니다");
4. a refusal;
5. the one label set against a denied one ("not A but B", "A is wrong, B is right");
6. a label that closes the answer, alone on its line or in its clause, or the only one in brackets;
7. the only label called right ("B is correct") or introduced ("option B");
8. the text of exactly one option as whole words, if the answer is short and does not deny it.

Two labels joined ("A or C"), two options named, or a label under a negation: nothing is read.

Deviation: VLMEvalKit's can_infer takes any lone capital among the tokens ("A dog is in the picture" is A).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.answers.contrast import contrasted, corrected
from lrm_eval.answers.lexicon import Hit, Lexicon, Role
from lrm_eval.answers.option_answer import OPENING, Answer
from lrm_eval.answers.tokens import JOINT, PAUSE, STOP, WORD
from lrm_eval.answers.yes_no import BETWEEN, CONTRADICTORY, NEGATED, UNPARSED
from lrm_eval.types import Reading

if TYPE_CHECKING:
    from lrm_eval.answers.labels import Form
    from lrm_eval.types import Sample

_CLOSING = frozenset(")]}>")
_ENDS_LABEL = frozenset(").:]},;-–—=|/\n") | _CLOSING
# An answer with more sentences than this talks about options; it does not name one.
_SHORT = 2


def read_option(text: str, sample: Sample, lexicon: Lexicon, foreign_digits: bool = False) -> Reading:
    """Read a normalised answer to a question with lettered options.

    Args:
        text: the answer after `normalise`; not empty.
        sample: its options and the labels shown.
        lexicon: words of the sample's language.
        foreign_digits: whether the digits were written as ②, ٢ or ፪ before `normalise` made them ASCII.
    """
    answer = Answer(text, sample, lexicon, foreign_digits)
    for rule in (_whole, _marked, _opening, _refusal, contrasted, _closing, _pointed):
        reading = rule(answer)
        if reading is not None:
            return reading
    return _text(answer)


def _whole(answer: Answer) -> Reading | None:
    tokens = answer.tokens
    said = [index for index, kind in enumerate(tokens.kinds) if kind == WORD]
    # One label, said once or several times and nothing else.
    if said and len({tokens.raw[index] for index in said}) == 1 and tokens.raw[said[0]] in answer.forms:
        form = answer.form(said[0])
        if form is not None:
            return answer.letter(form, said[0])
    found = [place for place, option in enumerate(answer.texts()) if option and list(option) == tokens.folded]
    if len(found) == 1:
        return Reading(answer.sample.labels[found[0]], "text", "read", answer.lexicon.language.tag)
    return CONTRADICTORY if found else None


def _marked(answer: Answer) -> Reading | None:
    for marker in reversed(answer.hits):
        if marker.roles & Role.MARKER:
            found = _after(answer, marker)
            if found is not None:
                return found
    return None


def _after(answer: Answer, marker: Hit) -> Reading | None:
    tokens = answer.tokens
    rule = f"marker:{marker.phrase}"
    index, armed, linked, negated, strange = marker.end, True, True, False, 0
    while index < len(tokens):
        kind = tokens.kinds[index]
        if kind == STOP and not (tokens.raw[index] == "\n" and armed):
            return None
        if kind != WORD:
            armed = armed or kind == PAUSE
            linked = linked and kind == JOINT
            index += 1
            continue
        if armed:
            found = _named(answer, index, linked, rule)
            if found is NEGATED or (negated and found is not None and found.value is not None):
                return corrected(answer, index, rule) or NEGATED
            if found is not None:
                return found
        hit = answer.at.get(index)
        if hit is None:
            armed = linked = False
            strange += 1
            if strange > BETWEEN:
                return None
            index += 1
            continue
        # From another marker on it reads as from that one, which was tried before and gave nothing.
        if hit.roles & (Role.REFUSAL | Role.MARKER | Role.REASON):
            return None
        if hit.roles & Role.NEGATION:
            negated = True
        if hit.roles & (Role.LINK | Role.OPTION):
            armed = linked = True
        elif not hit.roles & Role.NEGATION:
            armed = linked = False
        index = hit.end
    return None


def _named(answer: Answer, index: int, linked: bool, rule: str) -> Reading | None:
    """The label or option text that starts at token `index`."""
    form = answer.form(index)
    if form is not None and answer.stands(index, form, linked):
        if answer.listed(index, form):
            return CONTRADICTORY
        return NEGATED if answer.denied_after(index + 1) else answer.letter(form, index, rule)
    found = answer.texts_at(index)
    if len(found) != 1:
        return CONTRADICTORY if found else None
    place, end = found[0]
    following = answer.at.get(end)
    if following is not None and following.roles & Role.JOINER and answer.texts_at(following.end):
        return CONTRADICTORY
    if answer.denied_after(end):
        return NEGATED
    return Reading(answer.sample.labels[place], f"{rule}+text", "read", answer.lexicon.language.tag)


def _opening(answer: Answer) -> Reading | None:
    """A label at the very start, with what makes it one; "A dog" and "C'est" are none."""
    index = 0
    first = answer.at.get(0)
    if first is not None and first.roles & Role.OPTION:
        index = first.end
        while index < len(answer.tokens) and answer.tokens.kinds[index] == PAUSE:
            index += 1
    form = answer.form(index)
    if form is None:
        return None
    if answer.listed(index, form):
        return CONTRADICTORY
    if not (index > 0 or _opens(answer, index, form)):
        return None
    if answer.denied_after(index + 1) or (index > 0 and not answer.stands(index, form, True)):
        return None
    others = {other.label for other in answer.structural()} - {form.label}
    return CONTRADICTORY if others else answer.letter(form, index)


def _opens(answer: Answer, index: int, form: Form) -> bool:
    tokens = answer.tokens
    after = index + 1
    if after >= len(tokens):
        return True
    sign = tokens.raw[after]
    if tokens.kinds[after] != WORD:
        if sign == "." and answer.glued_letter(after):
            return False
        return sign in _ENDS_LABEL and (answer.is_capital(index) or form.bare or sign in ").:]}\n")
    if tokens.glued(index):
        return answer.is_capital(index) or form.how in ("digit", "native")
    place = answer.sample.labels.index(form.label)
    if any(found == place for found, _ in answer.texts_at(after)):
        return answer.is_capital(index) and tokens.folded[index] not in answer.lexicon.letter_words
    following = answer.at.get(after)
    if following is None or not answer.is_capital(index):
        return False
    # "B because ...", Turkish "B seçeneği".
    named = following.roles & Role.OPTION and tokens.folded[index] not in answer.lexicon.letter_words
    return bool(following.roles & Role.REASON or named)


def _refusal(answer: Answer) -> Reading | None:
    for hit in answer.hits:
        if hit.roles & Role.REFUSAL:
            return Reading(None, f"refusal:{hit.phrase}", "refusal")
    return None


def _closing(answer: Answer) -> Reading | None:
    tokens = answer.tokens
    last = len(tokens) - 1
    form = answer.form(last)
    if form is not None and last > 0:
        start = last
        # "So the letter is D": words that only lead up to the label.
        while (before := answer.hit_ending(start)) is not None and before.roles & (Role.OPTION | Role.LINK):
            start = before.start
        sign = tokens.raw[start - 1] if start else "\n"
        own = start == 0 or tokens.kinds[start - 1] in (PAUSE, STOP)
        others = {
            other.label
            for index in range(last)
            if (other := answer.capital(index)) is not None and not answer.denied_label(index)
        }
        initial = tokens.raw[start - 2] if sign == "." and start >= 2 else ""
        initials = len(initial) == 1 and initial.isalpha() and not answer.denied_label(start - 2)
        if own and not initials and (answer.is_capital(last) or form.bare or sign in OPENING or sign == "\n"):
            # A last line decides over letters weighed before it; a last clause does not.
            return CONTRADICTORY if others - {form.label} and sign != "\n" else answer.letter(form, last)
    return _bracketed(answer)


def _bracketed(answer: Answer) -> Reading | None:
    tokens = answer.tokens
    found: dict[str, int] = {}
    for index in range(1, len(tokens)):
        if tokens.raw[index - 1] in OPENING and answer.ends(index):
            form = answer.form(index)
            closed = index + 1 >= len(tokens) or tokens.raw[index + 1] in _CLOSING
            if form is not None and closed:
                found.setdefault(form.label, index)
    if len(found) != 1 or answer.denied(0, next(iter(found.values()))):
        return CONTRADICTORY if len(found) > 1 else None
    label, index = next(iter(found.items()))
    return Reading(label, "letter", "read")


def _pointed(answer: Answer) -> Reading | None:
    """The only label of its kind that is called right or introduced by a word for option."""
    tokens = answer.tokens
    right: dict[str, tuple[Form, int]] = {}
    wrong = False
    capitals = [(index, form) for index in range(len(tokens)) if (form := answer.capital(index)) is not None]
    for index in range(len(tokens)):
        form = answer.form(index)
        if form is None:
            continue
        before = answer.before(index)
        introduced = before is not None and bool(before.roles & Role.OPTION) and answer.stands(index, form, True)
        if introduced or _called_right(answer, index):
            if answer.denied(0, index) or answer.denied(index, answer.sentence_end(index)):
                wrong = True
            else:
                right[form.label] = (form, index)
    if len(right) == 1:
        ((label, (form, index)),) = right.items()
        if {other.label for _, other in capitals} <= {label}:
            return answer.letter(form, index)
    return CONTRADICTORY if len(right) > 1 else NEGATED if wrong else None


def _called_right(answer: Answer, index: int) -> bool:
    """Whether "B is correct" begins at token `index`: label, copula, marker, in one sentence."""
    link = answer.at.get(index + 1)
    form = answer.form(index)
    if link is None or not link.roles & (Role.LINK | Role.MARKER) or form is None:
        return False
    if not (answer.is_capital(index) or form.how == "native"):
        return False
    end = answer.sentence_end(index)
    if link.roles & Role.MARKER:
        before = answer.hit_ending(index)
        linked = before is not None and bool(before.roles & Role.LINK)
        return linked or answer.tokens.folded[index] not in answer.lexicon.letter_words
    return answer.marked_between(link.end, end)


def _text(answer: Answer) -> Reading:
    """The one option whose text stands in a short answer as whole words."""
    if sum(kind == STOP for kind in answer.tokens.kinds) >= _SHORT:
        return UNPARSED
    found: set[int] = set()
    index = 0
    while index < len(answer.tokens):
        places = answer.texts_at(index)
        # One letter, of whatever script, is too little: 猫 stands in 熊猫 and "a" in every other answer.
        places = [
            (place, end)
            for place, end in places
            if sum(map(len, answer.texts()[place])) > 1 or answer.enclosed(index, end)
        ]
        if not places:
            index += 1
            continue
        if answer.denied(0, index) or answer.denied(index, answer.sentence_end(index)):
            return NEGATED
        found.update(place for place, _ in places)
        index = places[0][1]
    if len(found) == 1:
        return Reading(answer.sample.labels[found.pop()], "text-inside", "read", answer.lexicon.language.tag)
    return CONTRADICTORY if found else UNPARSED
