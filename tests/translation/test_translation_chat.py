"""The chat translator against a real server on loopback."""

from __future__ import annotations

import email.utils
import json
import time
from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import RunError, UsageError
from lrm_eval.languages import get
from lrm_eval.translation.translators import Options, TranslationError, http, make_translator
from lrm_eval.translation.translators.chat import ChatTranslator

if TYPE_CHECKING:
    from tests.translation.conftest import ChatServer

EN, HR = get("en"), get("hr")
TEXTS = ["What color is the dog?", "red", "blue"]
KEY = "sk-verysecretverysecret"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    init = http.JsonServer.__init__

    def hasty(self: http.JsonServer, *args: object, **kwargs: object) -> None:
        init(self, *args, **kwargs)  # type: ignore[arg-type]
        self.first_wait = 0.001

    monkeypatch.setattr(http.JsonServer, "__init__", hasty)


def chat(server: ChatServer) -> ChatTranslator:
    return ChatTranslator("m", Options(base_url=server.url))


def test_question_and_options_go_in_one_request(server: ChatServer) -> None:
    found = chat(server).translate(TEXTS, EN, HR)
    assert found == [server.translate(text) for text in TEXTS]
    (body,) = server.requests
    assert body["model"] == "m"
    assert json.loads(body["messages"][1]["content"]) == TEXTS
    assert "Croatian (hrvatski, script Latn)" in body["messages"][0]["content"]
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_too_many_requests_waits_as_long_as_it_is_asked_to(server: ChatServer) -> None:
    server.first.append((429, {"Retry-After": "0.3"}, '{"error": {"message": "slow down"}}'))
    begin = time.monotonic()
    assert len(chat(server).translate(TEXTS, EN, HR)) == 3
    assert time.monotonic() - begin >= 0.3
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "reply",
    [
        (500, {}, "oops"),
        (503, {}, ""),
        (200, {}, '{"choices": [{"mess'),
        (200, {}, "[]"),
        (200, {"Content-Length": "5000"}, '{"half": '),
    ],
)
def test_a_server_that_stumbles_is_asked_again(server: ChatServer, reply: tuple[int, dict[str, str], str]) -> None:
    server.first.append(reply)
    translator = ChatTranslator("m", Options(base_url=server.url, timeout=0.5))
    assert len(translator.translate(TEXTS, EN, HR)) == 3


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("Here you are: red is crven.", "holds no JSON array"),
        ("", "the answer is empty"),
        ('["Koje je boje pas?", "crven"]', "has 2 elements, expected 3"),
        ('["a", "b", "c", "d"]', "has 4 elements, expected 3"),
        ('["Koje je boje pas?", "", "plav"]', "text 2: the text is empty"),
        ('["Koje je boje pas?", 2, "plav"]', "expected 3 strings"),
        ('["What color is the dog?", "crven", "plav"]', "text 1: is the English text"),
        ('["Koje je boje &quot;pas&quot;?", "crven", "plav"]', "HTML entities: &quot;"),
        ('["I\'m sorry, I cannot help with that.", "crven", "plav"]', "the translator refused"),
        ('["Какого цвета собака?", "crven", "plav"]', "0% of the letters are Latn"),
    ],
)
def test_a_bad_answer_goes_back_with_what_is_wrong(server: ChatServer, content: str, complaint: str) -> None:
    server.first.append(server.says(content))
    assert chat(server).translate(TEXTS, EN, HR)[1] == server.translate("red")
    second = server.requests[1]["messages"]
    assert second[2] == {"role": "assistant", "content": content}
    assert complaint in second[3]["content"]


def test_lost_placeholders_and_numbers_are_asked_for(server: ChatServer) -> None:
    server.first.append(server.says('["Na ovoj slici ima li pasa?"]'))
    chat(server).translate(["In <image>, are there 3 dogs?"], EN, HR)
    complaint = server.requests[1]["messages"][3]["content"]
    assert "lost <image>" in complaint
    assert "3 became none" in complaint


@pytest.mark.parametrize(
    "content",
    [
        '<think>["x", "y", "z"] perhaps</think>["q", "r", "s"]',
        '```json\n["q", "r", "s"]\n```',
        'The texts [all three]: ["q", "r", "s"]',
        '{"translations": ["q", "r", "s"]}',
    ],
)
def test_an_array_is_found_in_whatever_stands_around_it(server: ChatServer, content: str) -> None:
    server.first.append(server.says(content))
    assert chat(server).translate(TEXTS, EN, HR) == ["q", "r", "s"]


def test_a_model_that_never_answers_right_costs_these_texts_only(server: ChatServer) -> None:
    server.first.extend([server.says("no")] * 3)
    with pytest.raises(TranslationError, match="no usable answer in 3 attempts"):
        chat(server).translate(TEXTS, EN, HR)


def test_a_wrong_key_stops_at_once_and_is_not_repeated(server: ChatServer) -> None:
    server.first.append((401, {}, json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}})))
    with pytest.raises(UsageError, match=r"the key in \$OPENAI_API_KEY") as caught:
        chat(server).translate(TEXTS, EN, HR)
    assert KEY not in str(caught.value)
    assert len(server.requests) == 1


def test_the_key_is_in_no_name_and_no_representation(server: ChatServer) -> None:
    translator = chat(server)
    assert KEY not in f"{translator.name} {translator._server!r}"


def test_a_redirect_is_not_followed(server: ChatServer) -> None:
    server.first.append((302, {"Location": "http://127.0.0.1:9/steal"}, ""))
    with pytest.raises(UsageError, match="status 302"):
        chat(server).translate(TEXTS, EN, HR)


def test_an_unknown_model_says_what_to_type(server: ChatServer) -> None:
    server.first.append((404, {}, '{"error": {"message": "model m not found"}}'))
    with pytest.raises(UsageError, match="status 404: model m not found; give the address"):
        chat(server).translate(TEXTS, EN, HR)


def test_a_text_the_server_does_not_take_costs_only_itself(server: ChatServer) -> None:
    server.first.append((400, {}, '{"error": {"message": "content policy"}}'))
    with pytest.raises(TranslationError, match="content policy"):
        chat(server).translate(TEXTS, EN, HR)


def test_a_model_without_temperature_is_asked_without(server: ChatServer) -> None:
    server.first.append((400, {}, '{"error": {"message": "Unsupported value: temperature"}}'))
    chat(server).translate(TEXTS, EN, HR)
    assert ["temperature" in body for body in server.requests] == [True, False]


def test_a_server_that_is_gone_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    translator = ChatTranslator("m", Options(base_url="http://127.0.0.1:9/v1"))
    with pytest.raises(RunError, match=r"cannot be reached .*6 times; what is translated is kept"):
        translator.translate(TEXTS, EN, HR)


def test_a_quota_of_hours_is_told_not_waited_for(server: ChatServer) -> None:
    server.first.append((429, {"Retry-After": "7200"}, ""))
    with pytest.raises(RunError, match="asks to wait 7200 s"):
        chat(server).translate(TEXTS, EN, HR)


def test_retry_after_may_be_a_date() -> None:
    from email.message import Message

    headers = Message()
    headers["Retry-After"] = email.utils.formatdate(time.time() + 100, usegmt=True)
    waited = http.retry_after(headers)
    assert waited is not None
    assert 95 < waited <= 100


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("gpt-4o", "type openai:gpt-4o"),
        ("opanai:gpt-4o", "did you mean 'openai'"),
        ("openai:", "which model"),
        ("hf:./nowhere", "no such folder"),
        ("hf:nowhere", "named ORG/NAME"),
    ],
)
def test_another_specification_says_what_to_type(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_translator(spec, Options(base_url="http://127.0.0.1:9/v1"))


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "http://user:pw@x/v1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="--base-url") as caught:
        ChatTranslator("m", Options(base_url=url))
    assert "pw" not in str(caught.value)


def test_openai_itself_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UsageError, match=r"needs a key: set \$OPENAI_API_KEY"):
        ChatTranslator("m", Options())
