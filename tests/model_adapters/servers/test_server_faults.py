"""Each fault that a server can have, on a real connection: what comes of the question, and of the others."""

from __future__ import annotations

import base64
import io
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from server_scripts import KEY, MODEL, FaultServer, Reply, completion, error, question_of
from tiny_checkpoint import image_ref, make_request, picture_bytes

from lrm_eval.errors import RunError, UsageError
from lrm_eval.types import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrm_eval.types import Request
    from model_adapters.servers.adapter import ServerAdapter

    Connect = Callable[..., ServerAdapter]

pytest.importorskip("openai", reason='`pip install "lrm-eval[servers]"` is not there')


def requests(count: int, per_image: int = 2) -> list[Request]:
    """Questions, some on each image, each with a text of its own."""
    images = [image_ref(picture_bytes((number % 250, 60, 9)), f"{number}.png") for number in range(count)]
    return [make_request(f"q/{n}@en", f"question {n}?", images[n // per_image]) for n in range(count)]


def ask(adapter: ServerAdapter, count: int = 6) -> dict[str, Response]:
    """Key -> response; every question exactly once."""
    asked = requests(count)
    found = list(adapter.generate(asked))
    assert sorted(one.key for one in found) == sorted(one.key for one in asked)
    return {one.key: one for one in found}


def answers(found: dict[str, Response]) -> set[tuple[str, str | None]]:
    return {(one.text, one.error) for one in found.values()}


def test_a_question_goes_out_as_image_and_text_and_comes_back_with_its_tokens(server: FaultServer, connect: Connect):
    found = next(connect(server).generate(requests(1)))
    assert found == Response("q/0@en", "yes", "stop", 100, 2, prompt="<image 20x14>\nquestion 0?")
    (body,) = server.asked
    url = "data:image/png;base64," + base64.b64encode(picture_bytes((0, 60, 9))).decode()
    assert body == {
        "model": MODEL,
        "max_tokens": 8,
        "temperature": 0,
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": url}},
                    {"type": "text", "text": "question 0?"},
                ],
            }
        ],
    }
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_answers_in_another_order_belong_to_their_questions(server: FaultServer, connect: Connect):
    def later(body: dict[str, Any]) -> Reply:
        text = question_of(body)
        number = int(text.split()[1].strip("?"))
        return Reply(body=completion(f"answer to {text}"), delay=0.05 if number % 2 else 0.0)

    server.rule = later
    found = ask(connect(server), 12)
    assert {key: one.text for key, one in found.items()} == {f"q/{n}@en": f"answer to question {n}?" for n in range(12)}
    assert list(found) != [f"q/{n}@en" for n in range(12)]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, b"oops"),
        Reply(502, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"}),
        Reply(body=b"<!DOCTYPE html><html><body>Please sign in</body></html>"),
        Reply(body=b'{"choices": [{"mess'),
        Reply(body=b""),
        Reply(body=[]),
        Reply(body={"choices": []}),
        Reply(body={"choices": [{"index": 0, "finish_reason": "stop"}]}),
        Reply(body={"id": "x", "error": {"code": 502, "message": "upstream"}}),
        Reply(cut=20),
        Reply(drop=True),
        Reply(raw=b"SSH-2.0-OpenSSH_9.6\r\n"),
        Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n"),
        Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        Reply(headers={"Content-Encoding": "gzip"}),
        error(429, "slow down"),
        error(503, "loading"),
        error(529, "overloaded"),
    ],
    ids=lambda reply: f"{reply.status}-{str(reply.body)[:12]}-{reply.cut}-{reply.drop}-{str(reply.raw)[-9:]}",
)
def test_a_server_that_stumbles_is_asked_again(server: FaultServer, connect: Connect, reply: Reply):
    server.script.extend([Reply(), reply, reply])
    adapter = connect(server)
    assert answers(ask(adapter)) == {("yes", None)}
    assert sum(adapter.performance()["retries"].values()) == 2


def test_a_server_that_hangs_is_asked_again(server: FaultServer, connect: Connect):
    server.script.extend([Reply(), Reply(hang=True)])
    adapter = connect(server, timeout=0.6)
    assert answers(ask(adapter)) == {("yes", None)}
    assert list(adapter.performance()["retries"]) == ["no answer within 0.6 s"]


def test_one_question_that_never_works_costs_only_itself(server: FaultServer, connect: Connect):
    server.rule = lambda body: Reply(500, b"crash") if question_of(body) == "question 3?" else None
    found = ask(connect(server), 8)
    assert found.pop("q/3@en").error == "status 500: crash, again and again"
    assert answers(found) == {("yes", None)}


def test_an_empty_choice_that_stays_empty_is_an_error_of_its_question(server: FaultServer, connect: Connect):
    server.rule = lambda body: Reply(body={"choices": []}) if question_of(body) == "question 3?" else None
    assert ask(connect(server), 8)["q/3@en"].error == "the answer holds no choice, again and again"


def test_too_many_requests_waits_as_long_as_it_is_asked_to(server: FaultServer, connect: Connect):
    server.script.extend([Reply(), error(429, "slow down", headers={"Retry-After": "0.4"})])
    begin = time.monotonic()
    assert len(ask(connect(server), 3)) == 3
    assert time.monotonic() - begin >= 0.4


def test_a_quota_of_hours_is_told_not_waited_for(server: FaultServer, connect: Connect):
    server.script.append(error(429, "daily quota", headers={"Retry-After": "7200"}))
    with pytest.raises(RunError, match="asks to wait 7200 s"):
        ask(connect(server))


def test_an_empty_account_stops_at_once(server: FaultServer, connect: Connect):
    server.rule = lambda body: error(429, "You exceeded your current quota", code="insufficient_quota")
    with pytest.raises(RunError, match="nothing left to spend"):
        ask(connect(server))


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_stops_at_once_and_is_shown_nowhere(server: FaultServer, connect: Connect, status: int):
    server.rule = lambda body: error(status, f"Incorrect API key provided: {KEY[:12]}…{KEY[-6:]}, {KEY}")
    adapter = connect(server)
    with pytest.raises(UsageError, match=r"the key in \$OPENAI_API_KEY") as caught:
        ask(adapter)
    assert not any(piece in str(caught.value) for piece in (KEY, KEY[:12], KEY[-6:]))
    assert KEY not in repr(vars(adapter))


def test_a_key_that_the_server_repeats_is_in_no_answer_and_no_record(server: FaultServer, connect: Connect):
    server.models = Reply(body={"data": [{"id": MODEL, "owned_by": f"Bearer {KEY}"}]})
    server.rule = lambda body: Reply(body=completion(f"yes, {KEY}") | {"model": f"m {KEY} \ud800"})
    adapter = connect(server)
    assert answers(ask(adapter)) == {("yes, ***", None)}
    record = json.dumps([adapter.settings(), adapter.performance()], ensure_ascii=False)
    assert KEY not in record
    assert record.encode()  # a name that is no UTF-8 would keep run.json from being written


def test_a_wrong_key_is_found_before_anything_is_asked(server: FaultServer, connect: Connect):
    server.models = error(401, "bad key")
    with pytest.raises(UsageError, match="status 401: bad key"):
        connect(server)
    assert server.asked == []


@pytest.mark.parametrize(
    "refusal",
    [
        error(404, "The model `tinny-model` does not exist", code="model_not_found"),
        error(404, "no model tinny-model here"),
        error(400, "tinny-model is not a valid model ID"),
        Reply(400, {"detail": "Server is pinned to 'tiny-model'; requested 'tinny-model'."}),
    ],
    ids=range(4),
)
def test_an_unknown_model_names_the_nearest(server: FaultServer, connect: Connect, refusal: Reply):
    server.rule = lambda body: refusal
    with pytest.raises(UsageError, match=r"has no model 'tinny-model' .*did you mean 'tiny-model'\?"):
        ask(connect(server, model="tinny-model"))


def test_a_path_that_is_not_there_says_what_to_type(server: FaultServer, connect: Connect):
    server.rule = lambda body: Reply(404, {"detail": "Not Found"})
    with pytest.raises(UsageError, match="up to and including /v1 with --base-url"):
        ask(connect(server))


@pytest.mark.parametrize("first", [True, False], ids=["at the first look", "amid the questions"])
def test_a_redirect_to_another_host_is_refused(server: FaultServer, other: FaultServer, connect: Connect, first: bool):
    away = Reply(307, b"", {"Location": f"http://{other.host}/v1/chat/completions?key={KEY}"})
    if first:
        server.models = away
    else:
        server.script.extend([Reply(), away])
    with pytest.raises(
        UsageError, match=f"redirect to another host, http://{other.host}/v1, which is refused"
    ) as caught:
        ask(connect(server))
    assert KEY not in str(caught.value)
    assert other.asked == []


def test_a_redirect_on_the_same_host_says_what_to_type(server: FaultServer, connect: Connect):
    server.models = Reply(301, b"", {"Location": "/api/v1/models"})
    with pytest.raises(UsageError, match="type that address after --base-url") as caught:
        connect(server)
    assert f"http://{server.host}/api/v1" in str(caught.value)


def test_a_web_page_in_place_of_an_api_is_told_before_anything_is_asked(server: FaultServer, connect: Connect):
    server.models = Reply(body=b"<!doctype html><title>Welcome</title>")
    with pytest.raises(RunError, match="is a web page, not JSON; is it running, and is the address right"):
        connect(server)


def test_a_server_that_is_not_there_is_one_line(connect: Connect):
    gone = FaultServer()
    gone.close()
    with pytest.raises(RunError, match=r"the connection failed \(.*is it running") as caught:
        connect(gone)
    assert "\n" not in str(caught.value)


def test_a_server_that_dies_stops_the_run_with_the_answers_so_far(server: FaultServer, connect: Connect):
    def dying(body: dict[str, Any]) -> Reply | None:
        if len(server.asked) <= 20:
            return None
        server.models = Reply(drop=True)
        return Reply(drop=True)

    server.rule = dying
    found: list[Response] = []
    with pytest.raises(RunError, match=r"the connection failed .*; answers so far are kept"):
        found.extend([])
        for one in connect(server).generate(requests(200)):
            found.append(one)
    assert len(found) == 20
    assert {one.text for one in found} == {"yes"}


def test_a_server_that_fails_everything_is_not_asked_everything(server: FaultServer, connect: Connect):
    server.rule = lambda body: error(400, "unsupported content")
    with pytest.raises(RunError, match="questions in a row failed, the last with: status 400: unsupported content"):
        ask(connect(server), 500)
    assert len(server.asked) < 100


def test_a_question_that_is_refused_is_an_error_of_its_own(server: FaultServer, connect: Connect):
    server.rule = lambda body: error(400, "image cannot be read") if question_of(body) == "question 2?" else None
    found = ask(connect(server))
    assert found.pop("q/2@en").error == "status 400: image cannot be read"
    assert answers(found) == {("yes", None)}


@pytest.mark.parametrize(
    "reply",
    [
        error(400, "The response was filtered", code="content_filter"),
        Reply(body=completion("", "content_filter")),
        Reply(body=completion(None, "stop", refusal="I can't help with that.")),
    ],
    ids=["refused", "finish reason", "refusal"],
)
def test_a_content_filter_is_an_outcome_not_an_error(server: FaultServer, connect: Connect, reply: Reply):
    from lrm_eval.answers import read

    server.rule = lambda body: reply
    request = requests(1)[0]
    response = next(connect(server).generate([request]))
    assert (response.finish_reason, response.error) == ("content_filter", None)
    for rules in ("official", "multilingual"):
        assert read("pope", request.sample, response, rules).outcome == "refusal"  # type: ignore[arg-type]


def test_an_answer_that_used_its_budget_is_cut(server: FaultServer, connect: Connect):
    server.rule = lambda body: Reply(body=completion("well, I think that", "length"))
    assert next(connect(server).generate(requests(1))).finish_reason == "length"


def test_an_image_that_is_too_large_is_sent_smaller_and_that_is_recorded(server: FaultServer, connect: Connect):
    def limited(body: dict[str, Any]) -> Reply | None:
        url = body["messages"][0]["content"][0]["image_url"]["url"]
        with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
            return None if max(image.size) <= 1024 else Reply(413, b"Payload Too Large")

    server.rule = limited
    adapter = connect(server)
    large = make_request("q@en", "large?", image_ref(picture_bytes((9, 9, 9), (2400, 600)), "large.png"))
    (found,) = adapter.generate([large])
    assert (found.text, found.prompt) == ("yes", "<image 1024x256 of 2400x600>\nlarge?")
    told = adapter.performance()
    assert told["images_sent_smaller"] == {"large.png": {"stored": (2400, 600), "sent": (1024, 256)}}
    assert "1 images were sent smaller" in told["told"]


def test_an_image_that_no_size_of_is_taken_is_an_error_of_its_question(server: FaultServer, connect: Connect):
    server.rule = lambda body: Reply(413, b"no")
    large = make_request("q@en", "large?", image_ref(picture_bytes((9, 9, 9), (1100, 50))))
    (found,) = connect(server).generate([large])
    assert found.error == "the server takes no image of this size: status 413: no"


def test_an_image_that_cannot_be_decoded_never_reaches_the_server(server: FaultServer, connect: Connect):
    found = next(connect(server).generate([make_request("q@en", "broken?", image_ref(b"no image", "broken.png"))]))
    assert found.error == "image broken.png: not an image file"
    assert server.asked == []


@pytest.mark.parametrize(
    ("complaint", "name", "kept"),
    [
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_tokens", "temperature"),
        ("Unsupported value: 'temperature' does not support 0.", "temperature", "max_tokens"),
    ],
)
def test_a_server_of_another_dialect_is_spoken_to_in_it(
    server: FaultServer, connect: Connect, complaint: str, name: str, kept: str
):
    server.rule = lambda body: error(400, complaint) if name in body else None
    adapter = connect(server)
    assert answers(ask(adapter, 30)) == {("yes", None)}
    assert name not in server.asked[-1]
    assert kept in server.asked[-1]


def test_the_servers_of_several_addresses_share_the_questions(
    server: FaultServer, other: FaultServer, connect: Connect
):
    slow = lambda body: Reply(delay=0.01)  # noqa: E731
    server.rule = other.rule = slow
    assert answers(ask(connect(server, other), 80)) == {("yes", None)}
    assert min(len(server.asked), len(other.asked)) > 10


def test_questions_on_one_image_go_to_one_server_while_it_has_room(
    server: FaultServer, other: FaultServer, connect: Connect
):
    ask(connect(server, other), 8)
    seen = [{body["messages"][0]["content"][0]["image_url"]["url"] for body in one.asked} for one in (server, other)]
    assert not seen[0] & seen[1]


def test_one_of_several_servers_that_dies_is_done_without(server: FaultServer, other: FaultServer, connect: Connect):
    server.rule = lambda body: Reply(delay=0.01)
    adapter = connect(server, other, concurrency=4)
    other.close()
    assert answers(ask(adapter, 200)) == {("yes", None)}
    # It is tried now and then, with the first questions of a round only.
    assert 6 <= sum(adapter.performance()["retries"].values()) <= 24
    assert adapter.performance()["given_up"] == [other.url]


def test_fewer_are_under_way_while_the_server_has_too_much_to_do(server: FaultServer, connect: Connect):
    def narrow(body: dict[str, Any]) -> Reply:
        return error(429, "too many") if server._open > 3 else Reply(delay=0.01)

    server.rule = narrow
    adapter = connect(server)
    adapter._referee.patience = type(adapter.patience)(first_wait=0.01, crowded=1000)
    assert answers(ask(adapter, 80)) == {("yes", None)}
    assert adapter.performance()["limit_halved"][0] >= 1
    assert adapter._pool.endpoints[0].limiter.limit < 8


def test_no_more_are_under_way_than_was_asked(server: FaultServer, connect: Connect):
    server.rule = lambda body: Reply(delay=0.01)
    ask(connect(server, concurrency=3), 30)
    assert server.at_once <= 3


def test_an_image_is_encoded_once_for_all_its_questions(server: FaultServer, connect: Connect):
    adapter = connect(server)
    image = image_ref(picture_bytes((1, 2, 3)))
    list(adapter.generate([make_request(f"q/{n}@en", f"question {n}?", image) for n in range(50)]))
    assert adapter.performance()["images_encoded"] == 1


def test_an_adapter_goes_on_after_a_run_was_broken_off(server: FaultServer, connect: Connect):
    server.rule = lambda body: Reply(delay=0.005)
    adapter = connect(server)
    stream = adapter.generate(requests(100))
    for _ in range(5):
        next(stream)
    stream.close()
    assert answers(ask(adapter)) == {("yes", None)}


def test_tokens_and_money_are_counted(server: FaultServer, connect: Connect):
    adapter = connect(server, price="2.5,10")
    ask(adapter, 10)
    told = adapter.performance()
    assert (told["prompt_tokens"], told["completion_tokens"], told["served_models"]) == (1000, 20, {MODEL: 10})
    # 1000 tokens at $2.50 and 20 at $10 a million.
    assert told["us_dollars"] == pytest.approx(0.0027)
    assert told["told"].startswith("10 answers; 1,000 tokens sent, 20 received; less than one cent")


def test_money_is_not_guessed(server: FaultServer, connect: Connect):
    body = {name: value for name, value in completion("yes").items() if name != "usage"}
    server.script.append(Reply(body=body))
    adapter = connect(server, price="2.5,10")
    ask(adapter, 4)
    assert adapter.performance()["us_dollars"] is None
    assert "the cost is not known" in adapter.performance()["told"]


def test_system_text_and_examples_are_turns_of_their_own(server: FaultServer, connect: Connect):
    from dataclasses import replace

    from lrm_eval.types import Shot, TextPart

    request = replace(requests(1)[0], system="Be short.", shots=(Shot((TextPart("2+2?"),), "4"),))
    found = next(connect(server).generate([request]))
    turns = [(turn["role"], turn["content"]) for turn in server.asked[0]["messages"]]
    assert turns[:3] == [
        ("system", "Be short."),
        ("user", [{"type": "text", "text": "2+2?"}]),
        ("assistant", "4"),
    ]
    assert turns[3][0] == "user"
    assert found.prompt == "[system] Be short.\n2+2?\n[assistant] 4\n<image 20x14>\nquestion 0?"


def test_sampling_is_asked_for_with_a_seed_of_the_question(server: FaultServer, connect: Connect):
    ask(connect(server, gen_kwargs={"temperature": 0.7, "top_p": 0.9}), 2)
    one, two = server.asked
    assert (one["temperature"], one["top_p"]) == (0.7, 0.9)
    assert one["seed"] != two["seed"]


def test_broken_text_of_a_data_file_is_sent_all_the_same(server: FaultServer, connect: Connect):
    found = next(connect(server).generate([make_request("q@en", 'a "quoted"\n\ud800 text \u2028')]))
    assert found.text == "yes"
    assert question_of(server.asked[0]) == 'a "quoted"\n? text \u2028'
    json.dumps(server.asked[0]).encode("ascii")
