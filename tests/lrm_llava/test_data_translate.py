"""`lrm-llava data translate`: what it writes, what it marks, and that nothing is asked twice."""

import csv
import http.server
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from lrm_llava_small_parts import record
from typer.testing import CliRunner

from lrm_eval.errors import RunError, UsageError
from lrm_eval.languages import Language, get
from lrm_eval.remote.price import Price
from lrm_eval.translation.translators import TranslationError
from lrm_llava.cli import app
from lrm_llava.data.build import build_stage
from lrm_llava.data.translate import Orders, Outcome, Todo, translate_file
from lrm_llava.recipes import Source, load_recipe

CZECH = get("cs")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("LRM_EVAL_CACHE", str(tmp_path / "cache"))


def czech(text: str) -> str:
    number = "".join(char for char in text if char.isdigit())
    return f"Je číslo {number} na obrázku červené?" if number else {"yes": "Ano", "no": "Ne"}[text]


class Fixed:
    """A translator that keeps what must stay: `spoil` says what it makes of a text instead."""

    together, batch, concurrency, overhead, assumed_seconds = False, 4, 1, 10, 1.0
    price = Price("characters", 20.0, source="a list price")

    def __init__(self, spoil: dict[str, str] | None = None, stop_after: int = 10**9) -> None:
        self.name, self.asked, self._spoil, self._left = "fixed", [], spoil or {}, stop_after

    def translate(self, texts: Sequence[str], source: Language, target: Language) -> list[str]:
        self._left -= 1
        if self._left < 0:
            raise RunError("the server is gone")
        self.asked += texts
        if any(self._spoil.get(text) == "!" for text in texts):
            raise TranslationError("cannot")
        return [self._spoil.get(text, czech(text)) for text in texts]


class Quiet:
    def __init__(self) -> None:
        self.todo, self.cost, self.done, self.over = Todo(), None, 0, 0

    def planned(self, language, todo, cost) -> None:
        self.todo, self.cost = todo, cost

    def advance(self, texts: int) -> None:
        self.done += texts

    def ended(self) -> None:
        self.over += 1


@pytest.fixture
def file(tmp_path) -> Path:
    records = [record(n, f"Is the number {n} red?", "yes" if n % 2 else "no", image=n < 6) for n in range(8)]
    records[3]["conversations"] = []
    path = tmp_path / "world" / "vqa.json"
    path.parent.mkdir()
    path.write_text(json.dumps(records))
    return path


def run(file: Path, translator: Fixed, watch: Quiet | None = None, **orders: object) -> Outcome:
    return translate_file(file, file.parent / "translations/vqa", CZECH, translator, watch or Quiet(), Orders(**orders))


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_records_come_in_order_with_their_ids_and_without_the_image_placeholder(file) -> None:
    watch = Quiet()
    outcome = run(file, Fixed(), watch)
    found = lines(outcome.path)
    assert [one["id"] for one in found] == ["0", "1", "2", "4", "5", "6", "7"] and outcome.written == 7
    assert found[1]["conversations"] == [
        {"from": "human", "value": "Je číslo 1 na obrázku červené?"}, {"from": "gpt", "value": "Ano"},
    ]  # fmt: skip
    assert (watch.todo.records, watch.todo.unusable, watch.todo.left, watch.done) == (7, 1, 9, 9)
    assert watch.cost.high == pytest.approx((watch.todo.characters + 10 * watch.todo.calls) * 20 / 1e6)
    card = json.loads((outcome.path.parent / "cs.card.json").read_text())
    assert (card["translator"], card["records"], card["unusable"]) == ("fixed", 7, 1)


def test_equal_texts_are_asked_once(file) -> None:
    translator = Fixed()
    run(file, translator)
    assert len(translator.asked) == len(set(translator.asked)) == 9  # seven questions, yes, no


def test_what_it_writes_is_what_build_reads(file, tmp_path) -> None:
    run(file, Fixed())
    base = load_recipe("tiny")
    stage = base.stage1.__class__(**{**base.stage1.__dict__, "sources": (Source("vqa", "vqa.json", "."),)})
    recipe = base.__class__(**{**base.__dict__, "languages": ("en", "cs"), "stage1": stage})
    total = build_stage(recipe, 1, file.parent, tmp_path / "out", lambda _: None)
    assert total.samples["vqa", "cs", "mvqa"] == 7 and total.dropped == {"no conversations": 1}


def test_a_run_that_stopped_goes_on_and_gives_the_same(file) -> None:
    whole = run(file, Fixed()).path.read_bytes()
    for path in file.parent.glob("translations/vqa/*"):
        path.unlink()
    (file.parent.parent / "cache" / "translations.sqlite").unlink()
    with pytest.raises(RunError, match="the server is gone"):
        run(file, Fixed(stop_after=1))
    assert not (file.parent / "translations/vqa/cs.jsonl").exists()
    rest, watch = Fixed(), Quiet()
    outcome = run(file, rest, watch)
    assert outcome.path.read_bytes() == whole
    assert watch.todo.cached == 4 and len(rest.asked) == 5


def test_a_text_that_is_lost_costs_its_record_and_goes_to_a_table_for_people(file) -> None:
    spoiled = {"Is the number 2 red?": "!", "Is the number 4 red?": ""}
    outcome = run(file, Fixed(spoiled))
    assert [one["id"] for one in lines(outcome.path)] == ["0", "1", "5", "6", "7"]
    assert (outcome.left_out, outcome.failed) == (2, 2) and "Is the number" in outcome.first
    with outcome.failures.open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    assert {row["source"] for row in rows} == set(spoiled) and all(row["problem"] for row in rows)
    people = dict.fromkeys(spoiled, "Je to červené?")
    again = run(file, Fixed(spoiled), given=people)
    assert again.written == 7 and again.failures is None and not outcome.failures.exists()


def test_a_translation_of_nothing_is_no_file(file) -> None:
    outcome = run(file, Fixed(dict.fromkeys(["yes", "no"], "!")))
    assert (outcome.path, outcome.written, outcome.left_out) == (None, 0, 7)
    assert [path.name for path in (file.parent / "translations/vqa").iterdir()] == ["cs.untranslated.tsv"]


def test_what_is_doubtful_is_used_and_marked(file) -> None:
    spoiled = {"Is the number 2 red?": "Je červené?", "Is the number 4 red?": "Is the number 4 red?"}
    outcome = run(file, Fixed(spoiled))
    marks = {one["id"]: one.get("marks", []) for one in lines(outcome.path)}
    assert outcome.marked == 2 and {own for own, told in marks.items() if told} == {"2", "4"}
    assert any("2 became none" in mark for mark in marks["2"])
    assert any("is the English text" in mark for mark in marks["4"])


def test_what_people_gave_is_not_asked_for_and_not_doubted(file) -> None:
    given = {"Is the number 2 red?": "Je číslo červené?", "yes": "Ano", "no": "Ne"}
    translator = Fixed()
    outcome = run(file, translator, given=given)
    assert not set(given) & set(translator.asked) and outcome.marked == 0


def test_a_dry_run_sends_and_writes_nothing(file) -> None:
    translator, watch = Fixed(), Quiet()
    assert run(file, translator, watch, dry=True).path is None
    assert watch.todo.left == 9 and not translator.asked and not (file.parent / "translations").exists()


def test_more_than_it_may_cost_is_refused_before_anything_is_sent(file) -> None:
    translator = Fixed()
    with pytest.raises(UsageError, match=r"--max-cost 0.0001: .*nothing was sent"):
        run(file, translator, most=0.0001)
    assert not translator.asked


def test_another_translators_work_is_not_replaced_unless_asked(file) -> None:
    run(file, Fixed())
    other = Fixed()
    other.name = "other"
    with pytest.raises(UsageError, match=r"cs.jsonl: was made by fixed; --replace"):
        run(file, other)
    assert run(file, other, replace=True).written == 7


def cli(*words: object) -> tuple[int, str, Exception | None]:
    result = CliRunner().invoke(app, ["data", "translate", *map(str, words)])
    return result.exit_code, result.stdout, result.exception


def test_texts_for_people_go_out_and_come_back(file, tmp_path) -> None:
    table = tmp_path / "cs.csv"
    status, out, _ = cli(file, "--lang", "cs", "--texts", table)
    assert status == 0 and "9 texts" in out
    with table.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["kind"] for row in rows} == {"question", "answer"}
    assert [row["items"] for row in rows if row["source"] == "yes"] == ["1 5 7"]
    for row in rows:
        row["translation"] = czech(row["source"])
    with table.open("w", encoding="utf-8", newline="") as stream:
        out_rows = csv.DictWriter(stream, list(rows[0]))
        out_rows.writeheader()
        out_rows.writerows(rows[:-1])  # the last one they forgot
    status, out, error = cli(file, "--lang", "cs", "--given", table)
    assert isinstance(error, RunError) and "cs.untranslated.tsv" in str(error)
    assert "1 records left out" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--langs", "cs"], "who translates"),
        (["--langs", "cs,de", "--given", "x.csv"], "one language"),
        (["--langs", "xx", "--translator", "openai:m"], "xx"),
        (["--langs", "en", "--translator", "openai:m", "--base-url", "http://127.0.0.1:9/v1"], "English already"),
        (["--langs", "cs", "--translator", "gpt"], "type openai:gpt"),
    ],
)
def test_a_mistake_is_one_clear_line(file, words: list[str], message: str) -> None:
    status, _, error = cli(file, *words)
    assert status and isinstance(error, UsageError) and message in str(error) and "\n" not in str(error)


def test_a_place_that_cannot_be_written_is_one_line(file) -> None:
    with pytest.raises(RunError, match=r"cannot write .*vqa.json/cs"):
        translate_file(file, file / "cs", CZECH, Fixed(), Quiet(), Orders())


def test_a_file_that_is_no_json_is_told_with_its_place(file) -> None:
    file.write_text('{"id": 1}\n{"id": 2', encoding="utf-8")
    with pytest.raises(UsageError, match=r"vqa.json:2: not JSON"):
        run(file, Fixed())


def test_a_file_that_is_not_there(tmp_path) -> None:
    _, _, error = cli(tmp_path / "no.json", "--langs", "cs")
    assert isinstance(error, UsageError) and "no.json: no such file" in str(error)


def test_a_chat_server_is_told_that_these_are_conversations(file, monkeypatch) -> None:
    asked: list[dict] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            texts = json.loads(body["messages"][1]["content"])
            content = json.dumps([czech(text) for text in texts])
            data = json.dumps({"choices": [{"message": {"content": content}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_port}/v1"
            status, out, error = cli(file, "--langs", "cs", "--translator", "openai:m", "--base-url", address)
        finally:
            server.shutdown()
            thread.join()
    assert status == 0, error
    assert "cost not known" in out and "7 records" in out
    assert "training data" in asked[0]["messages"][0]["content"]
    sent = [text for body in asked for text in json.loads(body["messages"][1]["content"])]
    assert not any("<image>" in text for text in sent)
