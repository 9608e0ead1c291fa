"""lmms-eval's instances as our requests."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from lrm_eval.errors import UsageError
from lrm_eval.interop.lmms_requests import asked, cut, decoding_of, scored
from lrm_eval.interop.lmms_task import SAMPLE, doc_to_text, visuals
from lrm_eval.types import ImagePart, TextPart
from model_adapters.images import decode_image

if TYPE_CHECKING:
    from pathlib import Path

RED = Image.new("RGB", (6, 4), (200, 0, 0))


def simple(context: str, settings: dict[str, Any], pictures: list[Any]) -> Any:
    return SimpleNamespace(args=(context, settings, lambda doc: pictures, 3, "vqa", "test"))


def chat(messages: list[dict[str, Any]], settings: dict[str, Any] | None = None) -> Any:
    return SimpleNamespace(args=("context", lambda doc: messages, settings or {}, 3, "vqa", "test"))


def user(*content: Any) -> dict[str, Any]:
    parts = [
        {"type": "text", "text": one} if isinstance(one, str) else {"type": "image", "url": one} for one in content
    ]
    return {"role": "user", "content": parts}


def test_a_simple_instance_is_images_and_text() -> None:
    found = asked(simple("What colour?", {"max_new_tokens": 7, "until": "\n"}, [RED]), 5, {})
    image, text = found.request.parts
    assert isinstance(image, ImagePart) and text == TextPart("What colour?")
    assert decode_image(image.image).tobytes() == RED.tobytes()
    assert (found.request.key, found.request.max_new_tokens, found.until) == ("5", 7, ("\n",))
    assert found.request.sample.gold == ""


def test_the_same_picture_has_the_same_hash_wherever_it_stands() -> None:
    one = asked(simple("a", {}, [RED]), 0, {}).request.sample.images[0]
    other = asked(chat([user(RED.copy(), "b")]), 1, {}).request.sample.images[0]
    assert one.sha256 == other.sha256


def test_messages_keep_their_order_and_earlier_turns_are_examples() -> None:
    system = {"role": "system", "content": [{"type": "text", "text": "Be brief."}]}
    answer = {"role": "assistant", "content": [{"type": "text", "text": "red"}]}
    found = asked(chat([system, user("Which?", RED), answer, user(RED, "And this?")]), 0, {}).request
    assert found.system == "Be brief."
    assert [type(part).__name__ for part in found.shots[0].parts] == ["TextPart", "ImagePart"]
    assert found.shots[0].answer == "red"
    assert found.parts[1] == TextPart("And this?")
    assert found.max_new_tokens == 1024  # lmms_eval/models/chat/llava_hf.py, where a task says nothing


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([{"role": "user", "content": [{"type": "video", "url": "x.mp4"}]}], "holds video"),
        ([user("a"), user("b")], "expected user and assistant by turns"),
        ([], "turns of nobody"),
        ([user("a"), {"role": "assistant", "content": [{"type": "image", "url": RED}]}, user("b")], "holds an image"),
        ([user(3.5)], "a visual of type float"),
    ],
)
def test_what_our_models_cannot_be_asked_is_told(messages: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        asked(chat(messages), 0, {})


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"max_new_tokens": 5, "temperature": 0, "do_sample": False, "top_p": 1.0, "num_beams": 1}, ()),
        ({}, ()),
        ({"do_sample": True, "temperature": 0}, ()),
        ({"temperature": 0.7, "top_p": 0.9}, (("temperature", 0.7), ("top_p", 0.9))),
        ({"num_beams": 5}, (("num_beams", 5),)),
        ({"image_aspect_ratio": "original", "until": ["x"]}, ()),
    ],
)
def test_decoding_is_greedy_however_it_is_spelt(settings: dict[str, Any], found: tuple[Any, ...]) -> None:
    assert decoding_of(settings) == found


def test_a_setting_that_is_not_ours_is_not_passed_over() -> None:
    with pytest.raises(UsageError, match=r"penalty_alpha=0\.6"):
        decoding_of({"penalty_alpha": 0.6})


def test_an_answer_ends_at_the_first_of_its_ends() -> None:
    assert cut("red\nblue ASSISTANT: x", ("ASSISTANT:", "\n")) == "red"
    assert cut("red", ()) == "red"


def test_a_continuation_is_the_only_choice() -> None:
    instance = SimpleNamespace(args=("Q", lambda doc: " yes", lambda doc: [RED], 1, "vqa", "test"))
    assert scored(instance, 0, {}).choices == ("yes",)


def test_a_question_that_we_exported_is_the_request_of_a_run(exported: Path) -> None:
    import pyarrow.parquet as pq

    from lrm_eval.languages import get
    from lrm_eval.runs.plan import plan_cell
    from lrm_eval.tasks import load_task

    folder = exported / "lrm_tiny_seedbench"
    docs = pq.read_table(folder / "sw.parquet").to_pylist()
    config = SimpleNamespace(doc_to_visual=visuals(folder))

    class Task:
        def __init__(self) -> None:
            self.config = config

        def doc_to_messages(self, doc: dict[str, Any]) -> Any:
            raise AssertionError("the images are taken from the export, not decoded by the task")

    planned = plan_cell(load_task("tiny-seedbench"), get("sw"), None, 24).requests
    for doc, ours in zip(docs, planned, strict=True):
        settings = {"max_new_tokens": doc["max_new_tokens"], "until": []}
        instance = SimpleNamespace(args=(doc_to_text(doc), Task().doc_to_messages, settings, 0, "t", "test"))
        found = asked(instance, 0, doc).request
        assert SAMPLE in doc
        assert [part.text for part in found.parts if isinstance(part, TextPart)] == [
            part.text for part in ours.parts if isinstance(part, TextPart)
        ]
        assert [image.sha256 for image in found.sample.images] == [image.sha256 for image in ours.sample.images]
        assert found.sample.images[0].read() == ours.sample.images[0].read()
        assert (found.max_new_tokens, found.budget_language) == (ours.max_new_tokens, ours.budget_language)
        assert found.sample.options == ours.sample.options
