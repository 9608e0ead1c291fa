"""A label set against a denied one: "not A but B", "A is wrong, B is right", zh `不是A，而是B`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.answers.lexicon import Role
from lrm_eval.answers.tokens import WORD

if TYPE_CHECKING:
    from lrm_eval.answers.option_answer import Answer
    from lrm_eval.types import Reading


def contrasted(answer: Answer) -> Reading | None:
    """What is set against the first label of the answer, if that one is denied."""
    for index in range(len(answer.tokens)):
        if answer.capital(index) is not None or _inside(answer, index):
            return corrected(answer, index, "contrast") if answer.denied_label(index) else None
    return None


def corrected(answer: Answer, denied: int, rule: str) -> Reading | None:
    """The only label after a denied one in its sentence, if words lead over to it.

    A list goes on denying ("not A, B", "neither A nor B"), and so does a second negation: nothing is read.

    Args:
        answer: the answer.
        denied: the token of the denied label.
        rule: what the reading's rule shall be called.
    """
    place, leads = denied + 1, False
    if answer.denied_after(place):
        # What denies it stands behind it, and leads over at once.
        while (hit := answer.at.get(place)) is not None:
            place, leads = hit.end, True
    end = answer.sentence_end(denied)
    found = None
    while place < end:
        form = answer.form(place)
        if (
            form is not None
            and (leads or _linked(answer, place + 1))
            and (answer.is_capital(place) or form.how == "native")
        ):
            if found is not None or not answer.stands(place, form, True) or answer.denied_after(place + 1):
                return None
            found = answer.letter(form, place, rule)
        hit = answer.at.get(place)
        if hit is not None and not leads and hit.roles & Role.JOINER:
            return None
        if hit is not None and hit.roles & Role.NEGATION and found is None:
            return None
        leads = leads or answer.tokens.kinds[place] == WORD
        place = max(place + 1, hit.end if hit is not None else 0)
    return found


def _linked(answer: Answer, index: int) -> bool:
    """Whether a copula stands at token `index`: Yoruba "kì í ṣe A, B ni"."""
    hit = answer.at.get(index)
    return hit is not None and bool(hit.roles & Role.LINK)


def _inside(answer: Answer, index: int) -> bool:
    """Whether token `index` is a native letter, or a capital after another word: no article begins there."""
    form = answer.form(index)
    if form is None or form.how == "native":
        return form is not None
    return index > 0 and answer.is_capital(index) and answer.tokens.kinds[index - 1] == WORD
