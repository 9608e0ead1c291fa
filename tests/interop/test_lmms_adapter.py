"""`--model lmms:NAME`: the real child program and its pipes, with a scripted package where lmms-eval would be."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

import lrm_eval
from lrm_eval.errors import RunError, UsageError
from lrm_eval.types import ImagePart, ImageRef, Request, Sample, Shot, TextPart
from model_adapters import load_model, resolve_model
from model_adapters.lmms_name import PYTHON, parse_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_adapters import AdapterBase

SCRIPTED = Path(__file__).parent / "scripted"


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PYTHON, sys.executable)
    monkeypatch.setenv("PYTHONPATH", str(SCRIPTED))


@pytest.fixture
def loaded(request: pytest.FixtureRequest) -> Iterator[AdapterBase]:
    adapter = load_model(resolve_model(request.param))
    yield adapter
    adapter.close()


def picture(width: int, sha256: str | None) -> ImageRef:
    out = io.BytesIO()
    Image.new("RGB", (width, 4), (200, 0, 0)).save(out, "PNG")
    return ImageRef("picture.png", sha256, out.getvalue)


def ask(word: str, image: ImageRef | None = None, **more: Any) -> Request:
    sample = Sample(f"q/{word}", "tiny-pope", "en", "yes_no", word, "yes")
    parts = (*([ImagePart(image)] if image else []), TextPart(f"{word}\nAnswer."))
    return Request(f"q/{word}@en", parts, sample, 16, **more)


def test_a_class_is_asked_in_its_own_process_and_sees_the_images() -> None:
    adapter = load_model(resolve_model("lmms:scripted"))
    try:
        first, second = picture(5, "a"), picture(6, None)
        answers = list(adapter.generate([ask("one", first), ask("two", first), ask("three", second), ask("four")]))
    finally:
        adapter.close()
    assert [answer.text for answer in answers] == [
        "Answer.|5x4|user", "Answer.|5x4|user", "Answer.|6x4|user", "Answer.||user",
    ]  # fmt: skip
    assert {(a.prompt_tokens, a.completion_tokens, a.finish_reason) for a in answers} == {(11, 3, "stop")}


def test_a_system_text_and_examples_become_turns() -> None:
    adapter = load_model(resolve_model("lmms:scripted"))
    try:
        assert (adapter.capabilities.system, adapter.capabilities.shots) == (True, True)
        shot = Shot((TextPart("Is it red?"),), "yes")
        (answer,) = adapter.generate([ask("one", system="Be brief.", shots=(shot,))])
    finally:
        adapter.close()
    assert answer.text.endswith("|system/user/assistant/user")


def test_a_simple_class_gets_text_and_images_and_no_turns() -> None:
    adapter = load_model(resolve_model("lmms:scripted_simple"))
    try:
        assert not adapter.capabilities.shots
        (answer,) = adapter.generate([ask("one", picture(7, "b"))])
    finally:
        adapter.close()
    assert answer.text == "Answer.|7x4|user"


def test_an_answer_as_long_as_the_budget_was_cut_off() -> None:
    adapter = load_model(resolve_model("lmms:scripted"), gen_kwargs={"max_new_tokens": 3})
    try:
        (answer,) = adapter.generate([ask("one")])
    finally:
        adapter.close()
    assert answer.finish_reason == "length"


def test_what_goes_wrong_with_one_question_costs_the_others_nothing() -> None:
    name = "lmms:scripted:faults=raise:second+number:third"
    adapter = load_model(resolve_model(name), batch_size=4)
    try:
        broken = ImageRef("gone.png", "c", lambda: Path("/nowhere/gone.png").read_bytes())
        requests = [ask("first"), ask("second"), ask("third"), ask("fourth", broken)]
        errors = {answer.key: answer.error for answer in adapter.generate(requests)}
    finally:
        adapter.close()
    assert errors["q/first@en"] is None
    assert errors["q/second@en"] == "ValueError: scripted failure"
    assert "answered with int, not with a text" in str(errors["q/third@en"])
    assert "image cannot be read" in str(errors["q/fourth@en"])


def test_noise_between_the_answers_is_no_answer() -> None:
    adapter = load_model(resolve_model("lmms:scripted:faults=garbage:second"))
    try:
        texts = [answer.text for answer in adapter.generate([ask("first"), ask("second"), ask("third")])]
    finally:
        adapter.close()
    assert texts == ["Answer.||user", "after the noise", "Answer.||user"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("die:second", r"its process ended by SIGKILL before the answers; it said last: scripted: about to die"),
        (
            "exit:second",
            r"its process ended with status 7 before the answers; it said last: RuntimeError: scripted end",
        ),
    ],
)
def test_a_process_that_ends_is_one_clear_line_after_the_answers_before_it(fault: str, message: str) -> None:
    adapter = load_model(resolve_model(f"lmms:scripted:faults={fault}"))
    found = []
    try:
        with pytest.raises(RunError, match=message):
            for answer in adapter.generate([ask("first"), ask("second")]):
                found.append(answer.text)
    finally:
        adapter.close()
    assert found == ["Answer.||user"]


def test_a_process_that_hangs_is_ended() -> None:
    adapter = load_model(resolve_model("lmms:scripted:faults=hang:second,timeout=2"))
    try:
        with pytest.raises(RunError, match=r"no answers after 2 s; its process was ended"):
            list(adapter.generate([ask("first"), ask("second")]))
        assert adapter._child._process.returncode is not None  # type: ignore[attr-defined]
    finally:
        adapter.close()


def test_a_model_that_never_gets_ready_is_ended() -> None:
    with pytest.raises(RunError, match=r"no loaded model after 2 s"):
        load_model(resolve_model("lmms:scripted:faults=hang:start,startup=2"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lmms:scriptet", r"unknown model of lmms-eval 'scriptet': did you mean 'scripted'"),
        ("lmms:scripted:faults=raise:start", r"cannot be loaded in lmms-eval: ValueError: scripted failure"),
        ("lmms:scripted:colour=red", r"cannot be loaded in lmms-eval: TypeError: .*'colour'"),
        ("lmms:short", r"the model gave 0 answers to 1 questions"),
    ],
)
def test_what_cannot_be_loaded_or_asked_is_told(name: str, message: str) -> None:
    try:
        adapter = load_model(resolve_model(name))
    except UsageError as error:
        text = str(error)
    else:
        (answer,) = adapter.generate([ask("one")])
        adapter.close()
        text = str(answer.error)
    import re

    assert re.search(message, text), text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lmms:", "name a model class"),
        ("lmms:x:pretrained", "'pretrained' is no argument"),
        ("lmms:x:api_key=abc", "api_key would be written to run.json"),
        ("lmms:x:timeout=soon", "timeout=soon: give a number of seconds"),
        ("lmms:x:timeout=inf", "timeout=inf: give a number of seconds"),
        ("lmms:x:pretrained=/nowhere/weights", "/nowhere/weights: no such folder"),
    ],
)
def test_names_that_mean_nothing_are_refused_before_anything_starts(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolve_model(name)


def test_without_lmms_eval_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(PYTHON)
    monkeypatch.setenv("LRM_EVAL_CACHE", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"python -m lrm_eval\.interop\.environment"):
        load_model(resolve_model("lmms:llava_hf"))


def test_the_interpreter_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PYTHON, "/nowhere/python")
    with pytest.raises(UsageError, match=r"\$LRM_EVAL_LMMS_PYTHON=/nowhere/python: no such file"):
        load_model(resolve_model("lmms:scripted"))


def test_arguments_keep_commas_inside_brackets_and_quotes() -> None:
    model = parse_model('x:a={"b":1,"c":2},d="e,f",python=/p,simple=true')
    assert model.arguments == ('a={"b":1,"c":2}', 'd="e,f"')
    assert (model.python, model.simple) == ("/p", True)


def test_weights_in_a_folder_are_known_by_their_content_and_not_by_their_place(tmp_path: Path) -> None:
    def load(folder: Path) -> tuple[str, Any]:
        spec = resolve_model(f"lmms:scripted:pretrained={folder}")
        adapter = load_model(spec)
        adapter.close()
        return spec.name, adapter.fingerprint()

    one, other = tmp_path / "a" / "weights", tmp_path / "b" / "weights"
    for folder in (one, other):
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"weights")
    assert load(one) == load(other)
    name, before = load(one)
    assert name == "lmms:scripted:weights"
    assert str(tmp_path) not in str(before)
    (one / "model.safetensors").write_bytes(b"other weights")
    assert load(one)[1]["checkpoint"] != before["checkpoint"]


def test_a_run_whose_process_died_keeps_its_answers_and_goes_on(tmp_path: Path) -> None:
    marker = tmp_path / "died"
    # Not among the first questions: answers before it are kept.
    name = f"lmms:scripted:faults=die:blue,once={marker}"

    def run() -> Any:
        return lrm_eval.run(name, "en", ["tiny-pope"], limit=24, out=tmp_path / "run", report=False, batch_size=1)

    with pytest.raises(RunError, match=r"SIGKILL.*of \d+ answers asked for are kept|SIGKILL"):
        run()
    lines = (tmp_path / "run/responses/tiny-pope/en.jsonl").read_text(encoding="utf-8").splitlines()
    assert marker.exists()
    result = run()
    assert result.errors == 0
    assert result.asked == sum(row.n for row in result.scores if row.metric == "f1" and row.rules == "official") - len(
        lines
    )
