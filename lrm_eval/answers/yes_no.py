"""Reading yes or no from an answer in any language. Pure functions.

In this order, the first that says something decides:

1. the whole answer is one word of the lexicon;
2. the last explicit marker ("the answer is ...") with a yes or no after it;
3. yes or no as the first word, or as a clause of its own at the start of a sentence or the end of the answer;
   both among them: contradictory, nothing is read;
4. a refusal;
5. a first sentence that denies ("there is no dog in the image");
6. the question said back as a statement, or its object said to be there (`lrm_eval.answers.echo`).

Deviation: POPE's evaluate.py takes every answer without a "no" for yes, MME's calculation.py looks at four letters;
here what a person could not read is not read.
"""

from __future__ import annotations

from lrm_eval.answers.clauses import Clause, about, after_call, clauses, sees_no_object
from lrm_eval.answers.echo import repeats, said_back
from lrm_eval.answers.lexicon import Hit, Lexicon, Role, answers
from lrm_eval.answers.menus import without_menus
from lrm_eval.answers.tokens import JOINT, PAUSE, STOP, WORD, Tokens, tokenise
from lrm_eval.types import Reading

CONTRADICTORY = Reading(None, "contradictory", "unparsed")
NEGATED = Reading(None, "negated", "unparsed")
UNPARSED = Reading(None, "none", "unparsed")

_SEPARATORS = frozenset(":=-–—>→፡፦\n")
# Words nobody knows between a marker and its answer ("the answer to your question is").
BETWEEN = 6


def read_yes_no(text: str, question: str, lexicon: Lexicon) -> Reading:
    """Read a normalised answer to a yes/no question.

    Args:
        text: the answer after `normalise`; not empty.
        question: the question as asked, for recognising it in the answer; may be "".
        lexicon: words of the sample's language.
    """
    whole = lexicon.whole.get(text.casefold())
    if whole is not None and whole.value is not None:
        return _reading(whole, lexicon)
    tokens = tokenise(text)
    hits = without_menus(tokens, lexicon.scan(tokens))
    roles = 0
    for hit in hits:
        roles |= hit.roles
    if roles & Role.MARKER and roles & Role.ANSWER:
        marked = _marked(tokens, hits, lexicon)
        if marked is not None:
            return marked
    if roles & (Role.ANSWER | Role.REFUSAL | Role.DENIAL):
        stated = _stated(tokens, hits, clauses(tokens), question, lexicon)
        if stated is not None:
            return stated
    if roles & (Role.NEGATION | Role.DENIAL | Role.REFUSAL):
        return UNPARSED
    return said_back(tokens, hits, question, lexicon, bool(roles & Role.AFFIRMATION)) or UNPARSED


def _reading(hit: Hit, lexicon: Lexicon, rule: str = "") -> Reading:
    language = "en" if hit.roles & Role.ENGLISH else lexicon.language.tag
    return Reading(hit.value, rule or hit.rule, "read", language)


def _marked(tokens: Tokens, hits: list[Hit], lexicon: Lexicon) -> Reading | None:
    """What stands after the last marker that has a yes or no after it in its sentence."""
    at = {hit.start: hit for hit in hits}
    for marker in reversed(hits):
        # "correct" and its like answer by themselves; here they introduce nothing.
        if not marker.roles & Role.MARKER or marker.roles & Role.ANSWER:
            continue
        found = _after_marker(tokens, at, marker, lexicon)
        if found is not None:
            return found
    return None


def _after_marker(tokens: Tokens, at: dict[int, Hit], marker: Hit, lexicon: Lexicon) -> Reading | None:
    index, linked, armed, negated, strange = marker.end, False, True, False, 0
    # "I think no" needs no copula; "the answer" does: "la respuesta no es clara" answers nothing.
    speaks = marker.end - marker.start >= 2
    while index < len(tokens):
        if tokens.kinds[index] == STOP and tokens.raw[index] != "\n":
            return None
        if tokens.kinds[index] != WORD:
            separates = tokens.raw[index] in _SEPARATORS and tokens.kinds[index] != JOINT
            linked, armed = linked or separates, armed or separates
            index += 1
            continue
        hit = at.get(index)
        if hit is None:
            armed = False
            strange += 1
            if strange > BETWEEN:
                return None
            index += 1
            continue
        if hit.roles & Role.REFUSAL:
            return None
        copula = bool(hit.roles & Role.LINK) and _introduces(tokens, at, hit)
        plain = not hit.roles & (Role.AMBIGUOUS | Role.NEGATION)
        direct = linked or plain or (speaks and _ends(tokens, hit)) or _copula_ends(tokens, at, hit)
        if armed and direct and not copula and answers(hit) and _closes(tokens, hit, at):
            if _opposed(tokens, at, hit):
                return CONTRADICTORY
            return NEGATED if negated else _reading(hit, lexicon, f"marker:{marker.phrase}")
        if hit.roles & (Role.NEGATION | Role.DENIAL):
            # "is not" is copula and negation in one.
            negated, linked, armed = True, linked or bool(hit.roles & Role.DENIAL), True
        elif hit.roles & Role.LINK:
            linked = armed = True
        elif not hit.roles & (Role.MARKER | Role.OPTION):
            armed = False
        index = hit.end
    return None


def _ends(tokens: Tokens, hit: Hit) -> bool:
    """Whether a clause ends after a hit."""
    return hit.end >= len(tokens) or tokens.kinds[hit.end] in (PAUSE, STOP)


def _copula_ends(tokens: Tokens, at: dict[int, Hit], hit: Hit) -> bool:
    """Whether a copula after a hit ends the clause, as in Amharic `መልሱ አይ ነው`."""
    link = at.get(hit.end)
    return link is not None and bool(link.roles & Role.LINK) and _ends(tokens, link)


def _introduces(tokens: Tokens, at: dict[int, Hit], link: Hit) -> bool:
    """Whether an answer follows a word that is both copula and answer: 答案是否 is 答案 是 否."""
    index = link.end
    while index < len(tokens) and tokens.kinds[index] == PAUSE:
        index += 1
    following = at.get(index)
    return following is not None and answers(following)


def _closes(tokens: Tokens, hit: Hit, at: dict[int, Hit]) -> bool:
    """Whether a clause ends after a hit, or goes on with "because" or a trailing copula (am `አይ ነው`)."""
    if hit.end >= len(tokens) or tokens.kinds[hit.end] != WORD:
        return hit.end >= len(tokens) or tokens.kinds[hit.end] != JOINT
    following = at.get(hit.end)
    return following is not None and bool(following.roles & (Role.REASON | Role.LINK | Role.JOINER))


def _opposed(tokens: Tokens, at: dict[int, Hit], hit: Hit) -> bool:
    """Whether the opposite answer follows directly: "the answer is yes and no"."""
    index = hit.end
    while index < len(tokens) and tokens.kinds[index] != STOP:
        other = at.get(index)
        if tokens.kinds[index] == WORD and other is None:
            return False
        if other is not None and answers(other) and not other.roles & Role.LINK:
            return other.value != hit.value and _closes(tokens, other, at)
        if other is not None and not other.roles & Role.JOINER:
            return False
        index = other.end if other is not None else index + 1
    return False


def _stated(tokens: Tokens, hits: list[Hit], parts: list[Clause], question: str, lexicon: Lexicon) -> Reading | None:
    """Rules 3 to 5: answer words in answering places, refusals, denials."""
    asked = {clause.sentence for clause in parts if clause.asks}
    strong = _strong(tokens, hits, parts, asked)
    values = {hit.value for hit in strong}
    refusal = next((hit for hit in hits if hit.roles & Role.REFUSAL), None)
    if len(values) == 2:
        return CONTRADICTORY
    # A leading "no" is often the first word of a refusal ("No, no puedo ver la imagen"); a leading yes never is.
    if refusal is not None and values != {"yes"} and not sees_no_object(tokens, refusal, parts, question, lexicon):
        return Reading(None, f"refusal:{refusal.phrase}", "refusal")
    denial = _denial(hits, parts, asked)
    if not strong and denial is not None and _weighed(tokens, hits, denial, parts):
        return CONTRADICTORY
    if strong:
        if (
            values == {"yes"}
            and denial is not None
            and (
                _contradicts(tokens, strong[0], denial, parts)
                and about(tokens, denial, parts, question, lexicon.language.spaces)
            )
        ):
            return CONTRADICTORY
        if values == {"no"} and _repeated(tokens, strong[0], parts, question, lexicon):
            return CONTRADICTORY
        return _reading(strong[0], lexicon)
    if denial is not None and about(tokens, denial, parts, question, lexicon.language.spaces):
        language = "en" if denial.roles & Role.ENGLISH else lexicon.language.tag
        return Reading("no", f"denial:{denial.phrase}", "read", language)
    return None


def _strong(tokens: Tokens, hits: list[Hit], parts: list[Clause], asked: set[int]) -> list[Hit]:
    """Answer words where they answer: first of all words, or a clause that opens a sentence or ends the text."""
    strong: list[Hit] = []
    last = parts[-1].end if parts else 0
    position = 0
    for clause in parts:
        if position == len(hits):
            break
        if hits[position].start >= clause.end:
            continue
        inside: list[Hit] = []
        while position < len(hits) and hits[position].start < clause.end:
            if hits[position].start >= clause.start:
                inside.append(hits[position])
            position += 1
        # "..., so no": a word that only leads up to the answer is not part of it.
        if (
            len(inside) > 1
            and inside[0].start == clause.start
            and inside[0].roles & Role.LINK
            and not answers(inside[0])
        ):
            clause = clause._replace(start=inside[0].end)
            inside = inside[1:]
        if clause.sentence in asked or not inside or not answers(inside[0]):
            continue
        first = inside[0]
        if _numbers(tokens, first):
            continue
        alone = _fills(clause, inside)
        near = clause.opens or clause.end == last or after_call(tokens, parts, clause)
        leads = clause.start == 0 and first.start == 0 and not first.roles & Role.AMBIGUOUS
        leads = leads and not (first.end < len(tokens) and tokens.kinds[first.end] == JOINT)
        if (alone and near) or leads:
            strong.append(first)
            # "No Yes": said in one breath.
            if len(inside) > 1 and inside[1].start == first.end and answers(inside[1]) and inside[1].end == clause.end:
                strong.append(inside[1])
    return strong


def _numbers(tokens: Tokens, hit: Hit) -> bool:
    """Whether a hit is short for "number": "No. 5", "no.1"."""
    end = hit.end
    return tokens.raw[end : end + 1] == ["."] and end + 1 < len(tokens) and tokens.raw[end + 1][0].isdigit()


def _fills(clause: Clause, inside: list[Hit]) -> bool:
    """Whether a clause is nothing but one answer, said once or several times, with a copula at most."""
    place = clause.start
    for hit in inside:
        same = answers(hit) and hit.value == inside[0].value
        if hit.start != place or not (same or hit.roles & Role.LINK):
            return False
        place = hit.end
    return place == clause.end


def _denial(hits: list[Hit], parts: list[Clause], asked: set[int]) -> Hit | None:
    """A denying phrase in the first sentence that is not a question."""
    first = next((clause.sentence for clause in parts if clause.sentence not in asked), None)
    spans = [(clause.start, clause.end) for clause in parts if clause.sentence == first]
    for hit in hits:
        if hit.roles & Role.DENIAL and any(start <= hit.start < end for start, end in spans):
            return hit
    return None


def _weighed(tokens: Tokens, hits: list[Hit], denial: Hit, parts: list[Clause]) -> bool:
    """Whether a denying "no" is only weighed against a yes: "quizás sí, quizás no", `نعم ولا لا`."""
    if not denial.roles & Role.NO:
        return False
    sentence = next(clause.sentence for clause in parts if clause.start <= denial.start < clause.end)
    spans = [clause for clause in parts if clause.sentence == sentence]
    ends = {clause.end for clause in spans}
    starts = {clause.start for clause in spans}
    closing = [hit for hit in hits if answers(hit) and spans[0].start <= hit.start < spans[-1].end and hit.end in ends]
    opening = [hit for hit in hits if answers(hit) and hit.start in starts]
    return any(hit.roles & Role.NO for hit in closing) and any(hit.roles & Role.YES for hit in (*closing, *opening))


def _repeated(tokens: Tokens, no: Hit, parts: list[Clause], question: str, lexicon: Lexicon) -> bool:
    """Whether a no is taken back by the clause that follows: "No, there is a dog in the image"."""
    following = next((clause for clause in parts if clause.start >= no.end), None)
    if following is None or not question:
        return False
    return repeats(tokens.folded[following.start : following.end], question, lexicon)


def _contradicts(tokens: Tokens, yes: Hit, denial: Hit, parts: list[Clause]) -> bool:
    """Whether a yes is taken back by the clause that follows: "Yes, there is no dog"; not by a bracket."""
    own = next(index for index, clause in enumerate(parts) if clause.start <= yes.start < clause.end)
    place = next(index for index, clause in enumerate(parts) if clause.start <= denial.start < clause.end)
    bracketed = any(tokens.raw[index] in ("(", "[") for index in range(yes.end, denial.start))
    return denial.start >= yes.end and place in (own, own + 1) and not bracketed
