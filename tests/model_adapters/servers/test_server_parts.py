"""The parts of the server adapter that ask nobody."""

from __future__ import annotations

import base64
import io
import json

import pytest
from PIL import Image
from server_scripts import MODEL, completion
from tiny_checkpoint import image_ref, make_request, picture_bytes

from lrm_eval.errors import UsageError
from lrm_eval.remote.address import Key
from lrm_eval.remote.price import Price
from model_adapters import ServerOptions, load_model, resolve_model
from model_adapters.decoding import parse_decoding
from model_adapters.servers import faults, prompts
from model_adapters.servers.answers import Answer, AnswerError, ReportedError, model_names, read_answer
from model_adapters.servers.limiter import Limiter
from model_adapters.servers.pictures import Pictures, encode, next_side
from model_adapters.servers.usage import Usage

NO_KEY = Key("OPENAI_API_KEY", "")


def read(value: object, budget: int = 16) -> Answer:
    return read_answer(json.dumps(value).encode(), budget)


# Answers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", "stop"),
        ("eos_token", "stop"),
        ("end_turn", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("content_filter", "content_filter"),
        (None, "stop"),
        ("something new", "stop"),
    ],
)
def test_finish_reasons_of_many_servers_mean_the_same(reason, finish):
    assert read(completion("yes", reason)).finish == finish


def test_an_answer_of_the_whole_budget_was_cut_where_the_server_does_not_say():
    assert read(completion("yes", None), budget=2).finish == "length"


def test_content_in_parts_is_one_text():
    parts = [{"type": "text", "text": "ye"}, {"type": "text", "text": "s"}]
    assert read(completion(parts)).text == "yes"


def test_a_part_without_a_text_adds_none():
    assert read(completion([{"type": "text", "text": None}, {"type": "text", "text": "yes"}])).text == "yes"


def test_the_choice_of_the_lowest_number_is_the_answer():
    body = completion("first")
    body["choices"].insert(0, {"index": 1, "message": {"content": "second"}, "finish_reason": "stop"})
    assert read(body).text == "first"


def test_tokens_that_are_not_counted_are_unknown():
    body = completion("yes")
    body["usage"] = {"prompt_tokens": "many", "completion_tokens": -1}
    assert read(body) == Answer("yes", "stop", None, None, MODEL)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is empty"),
        (b"  ", "is empty"),
        (b"<html>", "web page"),
        (b"\n<!DOCTYPE html>", "web page"),
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "another kind"),
        (b"{}", "holds no choice"),
        (b'{"choices": null}', "holds no choice"),
        (b'{"choices": [3]}', "holds no choice"),
        (b'{"choices": [{}]}', "no message"),
        (b'{"choices": [{"message": {}}]}', "no content"),
    ],
)
def test_what_is_no_answer_is_told(body, message):
    with pytest.raises(AnswerError, match=message):
        read_answer(body, 16)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": 429, "message": "slow"}, 429),
        ("broken", 500),
        ({"code": "nonsense"}, 500),
        ({"code": "4" * 5000}, 500),
    ],
)
def test_an_error_under_a_good_status_is_an_error(error, status):
    with pytest.raises(ReportedError) as caught:
        read({"error": error})
    assert caught.value.status == status


def test_the_list_of_models_leaves_out_what_is_none():
    body = json.dumps({"data": [{"id": "a", "owned_by": "vllm"}, {"id": 3}, "b", {"id": "c"}]}).encode()
    assert model_names(body) == (["a", "c"], ["vllm", ""])


# Faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b"bad image", faults.Refused),
        (400, b'{"error": {"message": "image size 9000 exceeds the maximum"}}', faults.TooLarge),
        (400, b'{"error": {"code": "content_policy_violation", "message": "no"}}', faults.Filtered),
        (401, b"", faults.Stop),
        (403, b'{"error": {"message": "your input was flagged"}}', faults.Filtered),
        (404, b"", faults.Missing),
        (413, b"", faults.TooLarge),
        (422, b"", faults.Refused),
        (429, b"", faults.Again),
        (429, b"insufficient_quota", faults.Stop),
        # OpenAI's limit a minute names the payment page, too.
        (429, b'{"error": {"message": "Rate limit reached. Add a payment method at /billing."}}', faults.Again),
        (429, b'{"error": {"message": "See /account/billing", "code": "rate_limit_exceeded"}}', faults.Again),
        (500, b"", faults.Again),
        (507, b"", faults.Again),
        (302, b"", faults.Stop),
    ],
)
def test_a_status_means(status, body, kind):
    assert type(faults.fault_of(status, {}, body, "http://h/v1", NO_KEY)) is kind


def test_a_message_of_the_server_is_one_short_line_without_the_key():
    key = Key("K", "abcdefghijklmnopqrstuvwxyz")
    assert key.said('{"error": {"message": "bad key\n abcdefghijkl… (…uvwxyz)"}}') == "bad key ***… (…***)"
    assert len(key.said("x" * 5000)) == 200
    assert key.said('{"error": "a \\u001b[31m b \\ud800"}') == "a \ufffd[31m b \ufffd"
    assert key.said(b"[" * 100_000) == "[" * 200


def test_many_models_are_counted_and_few_are_listed():
    assert "it has alpha, beta" in str(faults.unknown_model("zzz", ["alpha", "beta"], "u", "404"))
    many = [f"model-{n}" for n in range(50)]
    assert "it lists 50 models" in str(faults.unknown_model("zzz", many, "u", "404"))
    assert "it lists no models" in str(faults.unknown_model("zzz", [], "u", "404"))


# Limiter ------------------------------------------------------------------------------------------------------


def answered(limiter: Limiter, count: int) -> None:
    for _ in range(count):
        limiter.begin()
        limiter.end()
        limiter.under_way = int(limiter.limit) - 1
        limiter.went_well()
        limiter.under_way = 0


def test_the_limit_grows_by_one_an_answer_until_the_first_sign_of_too_much_then_by_one_a_round():
    limiter = Limiter(64)
    answered(limiter, 20)
    assert limiter.limit == 28
    limiter.too_much(limiter.begin())
    assert limiter.limit == 14
    answered(limiter, 14)
    assert 14.9 < limiter.limit < 15.1


def test_the_limit_stays_within_its_bounds():
    limiter = Limiter(10)
    answered(limiter, 50)
    assert limiter.limit == 10
    for _ in range(20):
        limiter.too_much(limiter.begin())
    assert limiter.limit == 1
    assert Limiter(3).limit == 3


def test_signs_of_one_round_count_once():
    limiter = Limiter(64)
    numbers = [limiter.begin() for _ in range(8)]
    for number in numbers:
        limiter.too_much(number)
    assert (limiter.limit, limiter.halved) == (4, 1)


def test_a_limit_that_is_not_in_the_way_does_not_grow():
    limiter = Limiter(64)
    limiter.begin()
    limiter.end()
    limiter.went_well()
    assert limiter.limit == 8


# Pictures -----------------------------------------------------------------------------------------------------


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def pixels(url: bytes) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(b",")[2]))).convert("RGB")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_plain_image_is_sent_as_it_is_stored(kind):
    data = save(Image.new("RGB", (30, 20), (9, 8, 7)), kind)
    picture = encode(image_ref(data))
    assert picture.url == f"data:image/{kind.lower()};base64,".encode() + base64.b64encode(data)
    assert (picture.size, picture.smaller) == ((30, 20), False)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (30, 20), (200, 0, 0))
    image.paste((0, 200, 0), (0, 0, 10, 10))
    return save(image, "JPEG", exif=exif, quality=95)


@pytest.mark.parametrize(
    "data",
    [
        turned(),
        save(Image.new("RGBA", (30, 20), (10, 20, 30, 40)), "PNG"),
        save(Image.new("P", (30, 20)), "PNG"),
        save(Image.new("CMYK", (30, 20), (1, 2, 3, 4)), "JPEG"),
        save(Image.new("RGB", (30, 20)), "BMP"),
        save(Image.new("RGB", (30, 20)), "GIF"),
    ],
    ids=["turned by EXIF", "transparent", "palette", "CMYK", "BMP", "GIF"],
)
def test_an_image_that_servers_read_otherwise_is_sent_as_its_rgb_pixels(data):
    url = encode(image_ref(data)).url
    assert url.startswith(b"data:image/png;")
    sent = Image.open(io.BytesIO(base64.b64decode(url.partition(b",")[2])))
    assert (sent.mode, sent.getexif().get(0x0112)) == ("RGB", None)
    assert sent.tobytes() == Image.open(io.BytesIO(data)).convert("RGB").tobytes()


def test_a_large_image_is_sent_smaller_only_where_that_was_asked():
    data = picture_bytes((1, 2, 3), (400, 100))
    assert encode(image_ref(data)).size == (400, 100)
    small = encode(image_ref(data), 200)
    assert (small.size, small.stored, pixels(small.url).size) == ((200, 50), (400, 100), (200, 50))


def test_images_of_more_bytes_than_any_server_takes_are_sent_smaller(monkeypatch):
    monkeypatch.setattr("model_adapters.servers.pictures.MOST_BYTES", 2_000_000)
    noise = Image.effect_noise((1500, 1500), 90).convert("RGB")
    picture = encode(image_ref(save(noise, "PNG")))
    assert picture.size[0] in (1024, 768, 512)
    assert len(picture.url) <= 2_000_000


def test_the_next_smaller_size_ends_somewhere():
    side, tried = next_side(encode(image_ref(picture_bytes((1, 2, 3), (3000, 10))))), []
    while side is not None:
        tried.append(side)
        side = next_side(encode(image_ref(picture_bytes((1, 2, 3), (3000, 10))), side))
    assert tried == [2048, 1536, 1024, 768, 512]


def test_pictures_are_kept_up_to_a_bound(monkeypatch):
    monkeypatch.setattr("model_adapters.servers.pictures._KEPT_BYTES", 500)
    pictures = Pictures()
    images = [image_ref(picture_bytes((number, 2, 3)), f"{number}.png") for number in range(10)]
    for image in images:
        pictures.get(image)
        pictures.get(image)
    assert pictures.made == 10
    assert len(pictures._kept) < 5


# Prompts ------------------------------------------------------------------------------------------------------


def test_a_dialect_is_learned_from_a_complaint_once():
    plain = prompts.Dialect()
    learned = plain.without("Unsupported parameter: 'max_tokens' … Use 'max_completion_tokens' instead.")
    assert learned == prompts.Dialect("max_completion_tokens")
    assert learned.without("use max_completion_tokens") is None
    assert plain.without("image cannot be read") is None
    assert plain.without("'temperature' does not support 0").fixed == {"temperature"}


def test_a_model_that_is_named_strangely_is_still_json():
    opening = prompts.head('a"b', 3, {"temperature": 0}, prompts.Dialect())
    assert json.loads(opening + b"[]}") == {"model": 'a"b', "max_tokens": 3, "temperature": 0, "messages": []}


@pytest.mark.parametrize("setting", ["num_beams=2", "no_repeat_ngram_size=3"])
def test_settings_that_no_server_follows_are_refused(setting):
    name, _, value = setting.partition("=")
    with pytest.raises(UsageError, match=f"{name} cannot be had from this server"):
        prompts.check_decoding(parse_decoding({name: int(value)}), True, "openai:m")


def test_settings_that_vllm_adds_are_sent_only_to_those_who_know_them():
    decoding = parse_decoding({"repetition_penalty": 1.1})
    prompts.check_decoding(decoding, True, "openai:m")
    with pytest.raises(UsageError, match="repetition_penalty"):
        prompts.check_decoding(decoding, False, "serve:m")
    assert prompts.decoding_fields(decoding, 0, "k", prompts.Dialect())["repetition_penalty"] == 1.1


def test_the_text_of_a_request_is_shown_with_the_sizes_of_its_images():
    request = make_request("q@en", "what?", image_ref(picture_bytes((1, 2, 3), (40, 30))))
    picture = encode(request.sample.images[0] if request.sample.images else prompts.images(request)[0])
    assert prompts.shown(request, [picture]) == "<image 40x30>\nwhat?"


# Cost ---------------------------------------------------------------------------------------------------------


def test_the_cost_is_tokens_times_price():
    usage = Usage(Price("tokens", 3.0, 15.0))
    for _ in range(1000):
        usage.add(Answer("yes", "stop", 700, 2, "m"))
    # 700,000 tokens at $3 and 2,000 at $15 a million.
    assert usage.money == pytest.approx(2.13)
    assert usage.line() == "1,000 answers; 700,000 tokens sent, 2,000 received; $2.13"


def test_a_name_behind_which_the_model_changes_is_told():
    usage = Usage()
    for model in ("gpt-x-2026-01", "gpt-x-2026-02"):
        usage.add(Answer("yes", "stop", None, None, model))
    assert "answered with 2 models: gpt-x-2026-01, gpt-x-2026-02" in usage.line()


# What is typed ------------------------------------------------------------------------------------------------


@pytest.fixture
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")


def load(name: str, **options: object) -> None:
    more = {key: options.pop(key) for key in ("device", "gen_kwargs") if key in options}
    load_model(resolve_model(name), server=ServerOptions(**options), **more)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("openai:", {}, "which model"),
        ("opnai:m", {}, r"did you mean 'openai:m'\?"),
        ("openai:m", {"concurrency": 0}, "--concurrency 0"),
        ("openai:m", {"timeout": 0.0}, "--timeout 0"),
        ("openai:m", {"image_side": 3}, "--max-image-side 3"),
        ("openai:m", {"price": "cheap"}, "--price cheap"),
        ("openai:m", {"base_urls": ("localhost:8000",)}, "type an address such as http"),
        ("openai:m", {"base_urls": ("http://[::1",)}, "type an address such as http"),
        ("openai:m", {"base_urls": ("https://user:secret@h/v1",)}, "key does not belong into the address"),
        ("openai:m", {"base_urls": ("https://h/v1?key=secret",)}, "key does not belong into the address"),
        ("openai:m", {"base_urls": ("user:secret@h/v1",)}, "key does not belong into the address"),
        ("openai:m", {"base_urls": ("http://user:se/cret@h/v1",)}, "key does not belong into the address"),
        ("openai:m", {"arguments": "--x"}, "takes no --server-args"),
        ("openai:m", {"device": "cuda"}, "takes no --device: the server decides"),
        ("openai:m", {"gen_kwargs": {"num_beams": 3}}, "num_beams cannot be had"),
        ("openai:m", {"key_variable": "sk-secret-secret"}, "type the name of an environment variable"),
        ("openai:m", {}, r"needs a key: set \$OPENAI_API_KEY"),
        ("random", {"base_urls": ("http://h/v1",)}, "takes no --base-url: it is no server"),
        ("serve:lrm-llava", {"base_urls": ("http://h/v1",)}, "takes no --base-url: it is started here"),
        ("serve:lrm-llava", {"arguments": "'"}, "--server-args '"),
    ],
)
def test_an_option_that_cannot_be_followed_is_named(no_key, name, options, message):
    with pytest.raises(UsageError, match=message) as caught:
        load(name, **options)
    assert "secret" not in str(caught.value)


def test_servers_of_our_own_take_a_preset_with_weights_a_folder_or_a_name_of_the_hub(llava_folder):
    spec = resolve_model("serve:lrm-llava")
    assert (spec.name, spec.default_suite, spec.checkpoint) == (
        "serve:lrm-llava",
        "tiny",
        resolve_model("lrm-llava").checkpoint,
    )
    assert resolve_model(f"vllm:{llava_folder}").name == "vllm:tiny-random-llava"
    assert str(resolve_model("vllm:org/name@main").checkpoint) == "org/name@main"
    with pytest.raises(UsageError, match="has no weights"):
        resolve_model("serve:random")
    with pytest.raises(UsageError, match="no such folder"):
        resolve_model("serve:./nowhere")


def test_a_program_that_is_not_installed_says_how_to_get_it(monkeypatch, llava_folder):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(UsageError, match=r"`pip install vllm` .*--model openai:NAME --base-url"):
        load(f"vllm:{llava_folder}")
