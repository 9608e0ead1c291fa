"""MME's four regular subtasks by template: every frame in every language, agreement, and the real questions."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

import pytest

from lrm_eval.languages import get
from lrm_eval.tasks import load_task
from lrm_eval.translation.patterns import Match, load_patterns
from lrm_eval.translation.templates import Lexicon, load_lexicon
from lrm_eval.translation.textual import script_share

LANGUAGES = ("am", "cs", "de", "es", "fr", "hr", "it", "ro", "ru", "sw", "zh")
SUBTASKS = ("existence", "count", "position", "color")


@lru_cache
def lexicon(tag: str) -> Lexicon:
    found = load_lexicon(load_task("mme"), tag)
    assert found is not None
    return found


def ask(tag: str, question: str) -> str:
    worded = lexicon(tag).render(question)
    assert worded is not None, f"{tag}: {question}"
    return worded


def test_every_language_of_the_task_has_a_lexicon() -> None:
    assert set(load_task("mme").languages) - {"en"} == set(LANGUAGES)


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_frame_and_every_word_of_it_is_there(tag: str) -> None:
    """Not only what MME asks: each word of each vocabulary in each place."""
    found = lexicon(tag)
    assert set(found.templates) == set(found.patterns.slots)
    for pattern, slots in found.patterns.slots.items():
        vocabularies = {slot: list(found.patterns.words[found.patterns.vocabulary(slot)]) for slot in slots}
        for row in range(max((len(words) for words in vocabularies.values()), default=1)):
            match = Match(pattern, {slot: words[row % len(words)] for slot, words in vocabularies.items()})
            worded = found.worded(match)
            assert worded is not None, match
            assert re.search(r"[{}\[\]]|\s\s|^\s|\s$", worded) is None, worded
            assert worded[-1] == {"zh": "？"}.get(tag, "?"), worded
            assert script_share(worded, get(tag).script) == 1.0, worded


@pytest.mark.parametrize("tag", LANGUAGES)
def test_words_that_poses_share_are_worded_as_in_pope(tag: str) -> None:
    """One language says one word for one thing in both benchmarks."""
    pope = load_lexicon(load_task("pope"), tag)
    assert pope is not None
    assert ask(tag, "Is there a train in this image?") == pope.render("Is there a train in the image?")
    for thing in ("horse", "toilet", "bottle", "banana", "remote", "tennis racket"):
        plain = lexicon(tag).words["counted"][thing]["text"]
        article = r"^(?:eine?|un'|un|una|une|uno|o)\s"
        named = re.sub(article, "", pope.words["object"][thing]["text"])
        if (tag, thing) != ("fr", "toilet"):  # des toilettes cannot be counted
            assert named == plain


GOLDEN = {
    "am": {
        "Are there two bananas in the image?": "በምስሉ ውስጥ ሁለት ሙዞች አሉ?",
        "Is the dog above the pool in the image?": "በምስሉ ውስጥ ውሻው ከመዋኛ ገንዳው በላይ ነው?",
        "Are there any red shoes in the image?": "በምስሉ ውስጥ ቀይ ጫማዎች አሉ?",
    },
    "cs": {
        "Is there two dogs in the image?": "Jsou na obrázku dva psi?",
        "Are there five people in this image?": "Je na obrázku pět osob?",
        "Is the dog above the pool in the image?": "Je pes na obrázku nad bazénem?",
        "Are the pedestrians on the left of the bus?": "Jsou chodci na obrázku nalevo od autobusu?",
        "Is there a brown and white animal in the image?": "Je na obrázku hnědo-bílé zvíře?",
    },
    "de": {
        "Is there only one people in the image?": "Ist auf dem Bild nur eine einzige Person zu sehen?",
        "Is there no person in this picture?": "Ist es richtig, dass auf dem Bild keine Person zu sehen ist?",
        "Is the trash can under the cup in the image？": ("Befindet sich der Mülleimer auf dem Bild unter der Tasse?"),
        "Are there any red shoes in the image?": "Sind auf dem Bild rote Schuhe zu sehen?",
        "Is there a blue and yellow fire hydrant in the image?": ("Ist auf dem Bild ein blau-gelber Hydrant zu sehen?"),
    },
    "es": {
        "Is there a total of two people in the image?": "¿Hay en total dos personas en la imagen?",
        "Is there only one piece of pizza in this image?": "¿Hay un solo trozo de pizza en la imagen?",
        "Is the motorcycle on the left side of the bus": "¿Está la moto a la izquierda del autobús en la imagen?",
        "Are there yellow poles in the image?": "¿Hay postes amarillos en la imagen?",
    },
    "fr": {
        "Are the pedestrians on the right of the bus?": "Sur l'image, les piétons sont-ils à droite du bus ?",
        "Is there a black and white toilet in the image?": "Y a-t-il des toilettes noir et blanc sur l'image ?",
        "Is there a white plate in the image?": "Y a-t-il une assiette blanche sur l'image ?",
        "Are there only one tennis racket in the picture?": "Y a-t-il une seule raquette de tennis sur l'image ?",
    },
    "hr": {
        "Is there two dogs in the image?": "Nalaze li se na slici dva psa?",
        "Are there five people in this image?": "Nalazi li se na slici pet osoba?",
        "Are there two bowls in this image?": "Nalaze li se na slici dvije zdjele?",
        "Is the person under the kite?": "Nalazi li se osoba na slici ispod papirnatog zmaja?",
    },
    "it": {
        "Is the mirror above the TV?": "Nell'immagine, lo specchio si trova al di sopra del televisore?",
        "Are there any red flowers in the image?": "Ci sono dei fiori rossi nell'immagine?",
        "Is the sea in front of people in the image?": "Nell'immagine, il mare si trova davanti alle persone?",
    },
    "ro": {
        "Are there two horses in this image?": "Există doi cai în imagine?",
        "Are there two toilets in the picture?": "Există două vase de toaletă în imagine?",
        "Is there a brown and white dog in the image?": "Există un câine maro cu alb în imagine?",
        "Is the vase on the left of the bottle?": "În imagine, vaza se află la stânga sticlei?",
    },
    "ru": {
        "Are there four people in this image?": "Есть ли на изображении четыре человека?",
        "Are there two pieces of pizza in this image?": "Есть ли на изображении два куска пиццы?",
        "Are there three bananas in the image?": "Есть ли на изображении три банана?",
        "Is the light under the computer in the image?": ("Находится ли светильник на изображении под компьютером?"),
        "Is there a brown and black dog in the image?": "Есть ли на изображении коричнево-чёрная собака?",
    },
    "sw": {
        "Is there two dogs in the image?": "Je, kuna mbwa wawili katika picha?",
        "Are there two bowls in this image?": "Je, kuna mabakuli mawili katika picha?",
        "Are there six people appear in this image?": "Je, kuna watu sita katika picha?",
        "Is the dog above the pool in the image?": "Je, katika picha mbwa yuko juu ya bwawa la kuogelea?",
        "Is there a red coat in the image?": "Je, kuna koti jekundu katika picha?",
        "Is there a blue bus in the image?": "Je, kuna basi la bluu katika picha?",
    },
    "zh": {
        "Is there two dogs in the image?": "图片中有两只狗吗？",
        "Are there two horses in this image?": "图片中有两匹马吗？",
        "Are there only two cakes in this image?": "图片中只有两个蛋糕吗？",
        "Is the person on the left of the train?": "图片中人在火车的左边吗？",
        "Is there a brown and black dog in the image?": "图片中有棕色和黑色相间的狗吗？",
    },
}


@pytest.mark.parametrize(("tag", "question"), [(tag, text) for tag, found in GOLDEN.items() for text in found])
def test_questions_that_were_read_by_hand(tag: str, question: str) -> None:
    assert lexicon(tag).render(question) == GOLDEN[tag][question]


def test_opposite_questions_stay_opposite() -> None:
    """The two questions of an image differ in one word; so do their translations, in every language."""
    pairs = [
        ("Is the TV on the left of the lamp?", "Is the TV on the right of the lamp?"),
        ("Is the mirror above the TV?", "Is the mirror under the TV?"),
        ("Is the spoon in the bowl?", "Is the spoon out of the bowl?"),
        ("Is there a red couch in the image?", "Is there a black couch in the image?"),
        ("Are there two bananas in the image?", "Are there three bananas in the image?"),
        ("Is the monitor on top of a person?", "Is the monitor under the person?"),
    ]
    for tag in LANGUAGES:
        for one, other in pairs:
            assert ask(tag, one) != ask(tag, other)


@pytest.mark.parametrize(
    "question",
    [
        "Is this movie titled the matrix (1999)?",
        "Is there a red couch in the picture of the image?",
        "Are there eight people in this image?",
        "Is there a red and white and blue bus in the image?",
        "Is the dog left of the bus?",
    ],
)
def test_questions_of_other_subtasks_are_left_alone(question: str) -> None:
    assert load_patterns(load_task("mme")).readings(question) == []


def test_every_real_question_of_the_four_subtasks_is_worded_once_and_no_other_is() -> None:
    root = os.environ.get("LRM_EVAL_REAL_DATA")
    if not root:
        pytest.skip("LRM_EVAL_REAL_DATA is not set")
    patterns = load_patterns(load_task("mme"))
    read = 0
    for path in sorted((Path(root) / "mme" / "questions_labels").glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            question = re.sub(r"\s*Please answer yes or no\.\s*$", "", line.split("\t")[1])
            found = patterns.readings(question)
            assert len(found) == (path.stem in SUBTASKS), f"{path.stem}: {question}"
            read += len(found)
            for tag in LANGUAGES if found else ():
                assert lexicon(tag).worded(found[0]) is not None, f"{tag}: {question}"
    assert read == 240
