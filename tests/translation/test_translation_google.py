"""Google's client library against a real server on loopback that speaks the service's REST form."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("google.cloud.translate_v3", reason="the extra 'google' is not installed")

from lrm_eval.errors import RunError, UsageError
from lrm_eval.languages import get
from lrm_eval.translation.glossary import Entry, Glossary
from lrm_eval.translation.translators import Options, TranslationError, make_translator
from lrm_eval.translation.translators.google import GoogleTranslator, unmarked

if TYPE_CHECKING:
    from tests.translation.conftest import GoogleServer

EN, HR, ZH = get("en"), get("hr"), get("zh")
TEXTS = ["What color is the dog?", "red & blue"]


def translator(server: GoogleServer, glossary: Glossary | None = None, timeout: float = 20.0) -> GoogleTranslator:
    options = Options(base_url=server.url, timeout=timeout, glossary=glossary or Glossary())
    made = make_translator("google:my-project", options)
    assert isinstance(made, GoogleTranslator)
    made.first_wait = 0.001
    return made


def test_texts_go_in_one_request_and_come_back_without_entities(google: GoogleServer) -> None:
    found = translator(google).translate(TEXTS, EN, HR)
    assert found == [google.translate(text) for text in TEXTS]
    (body,) = google.requests
    assert google.paths[0].partition("?")[0] == "/v3/projects/my-project/locations/global:translateText"
    assert body["contents"] == ["What color is the dog?", "red &amp; blue"]
    assert (body["sourceLanguageCode"], body["targetLanguageCode"]) == ("en", "hr")
    assert body["mimeType"] == "text/html"


def test_what_must_stay_goes_in_spans_and_comes_back_where_it_was(google: GoogleServer) -> None:
    terms = Glossary((Entry("Tom Hanks", "Tom Hanks"),))
    text = 'In <image>, does Tom Hanks hold "STOP & GO" at point B?'
    (found,) = translator(google, terms).translate([text], EN, HR)
    sent = google.requests[0]["contents"][0]
    for kept in ("&lt;image&gt;", "Tom Hanks", '"STOP &amp; GO"', "B"):
        assert f'<span translate="no">{kept}</span>' in sent
    for kept in ("<image>", "Tom Hanks", '"STOP & GO"', " B"):
        assert kept in found
    assert "span" not in found


def test_line_ends_survive_html(google: GoogleServer) -> None:
    google.translate = lambda text: text.upper()
    assert translator(google).translate(["one dog\ntwo cats"], EN, HR) == ["ONE DOG\nTWO CATS"]


def test_chinese_is_asked_for_by_googles_name(google: GoogleServer) -> None:
    translator(google).translate(["a dog"], EN, ZH)
    assert google.requests[0]["targetLanguageCode"] == "zh-CN"


def test_long_texts_are_spread_over_requests(google: GoogleServer) -> None:
    texts = [f"{number} " + "word " * 600 for number in range(4)]
    assert len(translator(google).translate(texts, EN, HR)) == 4
    assert [len(body["contents"]) for body in google.requests] == [1, 1, 1, 1]


def test_too_many_requests_waits_as_long_as_it_is_asked_to(google: GoogleServer) -> None:
    google.first.append((429, {"Retry-After": "0.3"}, '{"error": {"code": 429, "message": "Quota exceeded"}}'))
    begin = time.monotonic()
    assert len(translator(google).translate(TEXTS, EN, HR)) == 2
    assert time.monotonic() - begin >= 0.3
    assert len(google.requests) == 2


@pytest.mark.parametrize(
    "reply",
    [
        (500, {}, "oops"),
        (503, {}, '{"error": {"code": 503, "message": "try later"}}'),
        (200, {"Content-Type": "application/json"}, '{"translations": [{"transl'),
    ],
)
def test_a_server_that_stumbles_is_asked_again(google: GoogleServer, reply: tuple[int, dict[str, str], str]) -> None:
    google.first.append(reply)
    assert len(translator(google).translate(TEXTS, EN, HR)) == 2


def test_half_an_answer_costs_these_texts_only(google: GoogleServer) -> None:
    google.first.append(google.says(["only one"]))
    with pytest.raises(TranslationError, match="1 translations for 2 texts"):
        translator(google).translate(TEXTS, EN, HR)


@pytest.mark.parametrize(
    ("status", "message", "error", "told"),
    [
        (403, "Cloud Translation API has not been used", UsageError, "gcloud auth application-default login"),
        (404, "project not found", UsageError, r"is projects/my-project/locations/global right\?"),
        (400, "Target language is invalid.", UsageError, "does not translate into 'hr'"),
        (400, "Text is too long.", TranslationError, "Text is too long"),
    ],
)
def test_what_no_retry_can_mend_is_told_at_once(
    google: GoogleServer, status: int, message: str, error: type[Exception], told: str
) -> None:
    google.first.append((status, {}, f'{{"error": {{"code": {status}, "message": "{message}"}}}}'))
    with pytest.raises(error, match=told):
        translator(google).translate(TEXTS, EN, HR)
    assert len(google.requests) == 1


def test_a_quota_of_hours_is_told_not_waited_for(google: GoogleServer) -> None:
    google.first.append((429, {"Retry-After": "7200"}, "{}"))
    with pytest.raises(RunError, match="asks to wait 7200 s"):
        translator(google).translate(TEXTS, EN, HR)


def test_a_server_that_is_gone_is_one_line() -> None:
    made = make_translator("google:my-project", Options(base_url="http://127.0.0.1:9"))
    assert isinstance(made, GoogleTranslator)
    made.first_wait = 0.001
    with pytest.raises(RunError, match=r"cannot be reached .*6 times; what is translated is kept"):
        made.translate(TEXTS, EN, HR)


@pytest.mark.parametrize("spec", ["google:", "google:No Project", "google:x"])
def test_a_project_that_is_none_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="project"):
        make_translator(spec, Options(base_url="http://127.0.0.1:9"))


def test_the_list_price_is_known_and_can_be_replaced() -> None:
    assert make_translator("google:my-project", Options()).price.sent == 20
    assert make_translator("google:my-project", Options(price="10")).price.sent == 10


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("L&#39;image &quot;STOP&quot;", 'L\'image "STOP"'),
        ('Je <span translate="no">&lt;image&gt;</span> la?', "Je <image> la?"),
        ("Un<br>deux <br/> trois", "Un\ndeux\ntrois"),
        ("5 &lt; 6 &amp;&amp; 7", "5 < 6 && 7"),
    ],
)
def test_answers_are_plain_text_again(answer: str, text: str) -> None:
    assert unmarked(answer) == text
