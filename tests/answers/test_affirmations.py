"""A statement that says yes: the question said back, or its object said to be there. And what only looks like one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from answer_corpus import sample

from lrm_eval.answers import read_multilingual
from lrm_eval.languages import all_languages, get


@pytest.mark.parametrize("tag", [language.tag for language in all_languages()])
def test_the_question_said_back_with_its_mark_is_no_answer(tag: str) -> None:
    one = sample(tag, "yes_no")
    assert read_multilingual(one, one.question if one.question[-1] in "?؟;" else f"{one.question}?").value is None


@pytest.mark.parametrize(
    ("tag", "prompt"),
    [
        ("es", "Hay un perro en la imagen. Responda con una sola palabra."),
        ("sw", "Kuna mbwa kwenye picha. Tafadhali chagua jibu lako."),
        ("it", "C'è un cane nell'immagine. Rispondi con una sola parola."),
    ],
)
def test_a_prompt_said_back_without_its_mark_is_no_answer(tag: str, prompt: str) -> None:
    question = prompt.partition(". ")[0] + "?"
    assert read_multilingual(replace(sample(tag, "yes_no"), question=question), prompt).value is None


@pytest.mark.parametrize(
    ("tag", "question", "text", "value"),
    [
        # What was asked must be said whole: how many, which, where to each other.
        ("en", "Are there two dogs in the image?", "There are dogs in the image.", None),
        ("en", "Are there two dogs in the image?", "There are two dogs in the image.", "yes"),
        ("en", "Is there a red car in the image?", "I see a car.", None),
        ("en", "Is there a red car in the image?", "I see a red car.", "yes"),
        ("en", "Is there a dog on the left of the cat in the image?", "There is a dog in the image.", None),
        ("sw", "Je, kuna chupa mbili katika picha?", "Kuna chupa katika picha.", None),
        ("sw", "Je, kuna chupa mbili katika picha?", "Katika picha kuna chupa mbili.", "yes"),
        ("de", "Ist auf dem Bild ein rotes Auto zu sehen?", "Auf dem Bild ist ein Auto zu sehen.", None),
        ("de", "Ist auf dem Bild ein rotes Auto zu sehen?", "Auf dem Bild ist ein rotes Auto zu sehen.", "yes"),
        ("zh", "图片中有红色的汽车吗？", "图片中有汽车。", None),
        ("zh", "图片中有红色的汽车吗？", "图片中有红色的汽车。", "yes"),
        # Something else is there, or something besides.
        ("en", "Is there a dog in the image?", "I see a dog and a cat.", None),
        ("fr", "Y a-t-il un chien sur l'image ?", "Il y a un chat sur l'image.", None),
        ("fr", "Y a-t-il un chien sur l'image ?", "Il y a un chien sur l'image.", "yes"),
        ("hi", "क्या छवि में कुत्ता है?", "क्या कुत्ता है", None),
        ("tr", "Resimde köpek var mı?", "Resimde köpek var mı", None),
        # What follows may say more, or correct it.
        ("es", "¿Hay un perro en la imagen?", "En la imagen hay un perro. Está sentado.", "yes"),
        ("es", "¿Hay un perro en la imagen?", "En la imagen hay un perro. No, es un gato.", "no"),
    ],
)
def test_a_statement_says_all_that_was_asked_and_nothing_else(
    tag: str, question: str, text: str, value: str | None
) -> None:
    assert read_multilingual(replace(sample(tag, "yes_no"), question=question), text).value == value


@pytest.mark.parametrize(
    ("tag", "image", "dog"),
    [
        ("en", "I cannot see the image.", "I cannot see a dog."),
        ("tr", "Resmi göremiyorum.", "Resimde köpek göremiyorum."),
        ("bn", "আমি ছবিটি দেখতে পাচ্ছি না।", "আমি কুকুর দেখতে পাচ্ছি না।"),
        ("es", "No puedo ver la imagen.", "No puedo ver ningún perro."),
        ("ar", "لا أستطيع رؤية الصورة.", "لا أستطيع رؤية كلب."),
        ("ko", "이미지를 볼 수 없습니다.", None),
    ],
)
def test_not_seeing_the_image_refuses_and_not_seeing_the_dog_says_no(tag: str, image: str, dog: str | None) -> None:
    assert read_multilingual(sample(tag, "yes_no"), image).outcome == "refusal"
    if dog is not None:
        assert read_multilingual(sample(tag, "yes_no"), dog).value == "no"


def test_every_bundled_language_has_words_for_there_is_and_for_image() -> None:
    for language in all_languages():
        assert language.affirmations, language.tag
        assert language.image_words, language.tag


def test_phrases_for_no_deny_what_the_words_in_them_deny() -> None:
    # "definitiv nicht" is a phrase for no: met before "nicht", it must not hide it.
    question = sample("de", "yes_no")
    assert read_multilingual(question, "Das ist definitiv nicht ein Hund.").value == "no"
    assert "definitiv nicht" in get("de").no
