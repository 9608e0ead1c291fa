"""Building packs: plan, cache, resume, failures, consistency."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lrm_eval
from lrm_eval.data import load_samples, read_pack
from lrm_eval.errors import RunError, UsageError
from lrm_eval.languages import Language, get
from lrm_eval.remote.price import Price
from lrm_eval.tasks import load_task
from lrm_eval.translation import build as building
from lrm_eval.translation import read_card, storing, workflow
from lrm_eval.translation.cache import Cache, cache_path
from lrm_eval.translation.english import Unit, english_samples, units
from lrm_eval.translation.glossary import Entry, Glossary
from lrm_eval.translation.packfile import hash_text
from lrm_eval.translation.texts import read_given
from lrm_eval.translation.translators import Options, TranslationError, make_translator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.translation.estimate import Estimate
    from tests.translation.conftest import ChatServer

EN, HR = get("en"), get("hr")


class Quiet:
    """An observer that counts."""

    def __init__(self) -> None:
        self.plans: list[building.Plan] = []
        self.costs: list[Estimate] = []
        self.done = 0

    def planned(self, task: str, language: Language, todo: building.Plan, cost: Estimate) -> None:
        self.plans.append(todo)
        self.costs.append(cost)

    def advance(self, texts: int) -> None:
        self.done += texts

    def ended(self) -> None:
        pass


class Words:
    """A translator in this process that reverses words and remembers what it was asked."""

    name = "words"
    batch = 2
    concurrency = 1
    price = Price("free")
    overhead = 0
    assumed_seconds = 1.0

    def __init__(self, together: bool = True, bad: str = "") -> None:
        self.together = together
        self.bad = bad
        self.asked: list[list[str]] = []

    def translate(self, texts: Sequence[str], source: Language, target: Language) -> list[str]:
        self.asked.append(list(texts))
        if self.bad and self.bad in texts:
            raise TranslationError(f"cannot do {self.bad}")
        # The place in the call makes translations of one text differ: what is kept is the first.
        return [f"{text[::-1]} {len(self.asked)}" for text in texts]


REPLACE = workflow.Orders(replace_pack=True)
UNITS = [
    Unit("t/1", "What color is it?", "", ("red", "5", "dark blue")),
    Unit("t/2", "What shape is it?", "Look well.", ("red", "round")),
    Unit("t/3", "What color is it?", "", ("red",)),
]


def make(translator: Words, given: dict[str, str] | None = None, glossary: Glossary | None = None) -> building.Built:
    with Cache(translator.name, "hr") as cache:
        todo = building.plan(UNITS, cache, given or {}, translator, glossary or Glossary())
        return building.build(todo, translator, EN, HR, cache)


def test_equal_texts_get_one_translation_and_are_kept_from_the_first_call() -> None:
    translator = Words()
    rows = make(translator).rows
    assert translator.asked == [
        ["What color is it?", "red", "5", "dark blue"],
        ["What shape is it?", "Look well.", "red", "round"],
    ]
    assert {row.options[0] for row in rows} == {"der 1"}
    assert rows[0].question == rows[2].question == "?ti si roloc tahW 1"
    assert rows[0].options[1] == "5"
    assert rows[1].hint == ".llew kooL 2"


def test_a_translator_of_single_texts_gets_each_text_once_by_length() -> None:
    translator = Words(together=False)
    make(translator)
    flat = [text for call in translator.asked for text in call]
    assert flat == sorted(flat, key=len)
    assert sorted(flat) == sorted({"What color is it?", "red", "dark blue", "What shape is it?", "Look well.", "round"})


def test_nothing_is_asked_twice_and_each_translator_and_language_has_its_own_cache() -> None:
    first = Words()
    before = make(first).rows
    second = Words()
    assert make(second).rows == before
    assert second.asked == []
    with Cache("words", "sw") as other, Cache("words2", "hr") as another:
        assert other.get("red") is None
        assert another.get("red") is None
        assert (other.count(), another.count()) == (0, 0)


def test_the_cache_is_one_sqlite_file_that_others_can_read() -> None:
    make(Words())
    database = sqlite3.connect(cache_path())
    rows = database.execute("SELECT source, translation FROM translations WHERE language = 'hr'").fetchall()
    database.close()
    assert ("red", "der 1") in rows
    assert len(rows) == 6


def test_a_damaged_cache_says_what_to_do() -> None:
    cache_path().parent.mkdir(parents=True)
    cache_path().write_bytes(b"no database" * 100)
    with pytest.raises(UsageError, match=r"translations\.sqlite: the cache of translations is damaged .*move it away"):
        make(Words())


def test_a_glossary_in_a_text_makes_it_another_text() -> None:
    with Cache("words", "hr") as cache:
        cache.add([("a red dog", "", "crveni pas"), ("a red dog", "x", "rumeni pas")])
        assert (cache.get("a red dog"), cache.get("a red dog", "x")) == ("crveni pas", "rumeni pas")
        assert cache.get("a red dog", "y") is None


def test_a_text_that_fails_costs_its_own_lines_only() -> None:
    built = make(Words(bad="round", together=True))
    assert list(built.failed) == ["Look well.", "What shape is it?", "round"]
    assert [row.id for row in built.rows] == ["t/1", "t/3"]
    single = make(Words(bad="round", together=False))
    assert list(single.failed) == ["round"]


def test_a_text_that_is_a_term_of_the_glossary_needs_no_translator() -> None:
    translator = Words()
    built = make(translator, glossary=Glossary((Entry("red", "crvena"), Entry("round", "round"))))
    assert {row.options[0] for row in built.rows} == {"crvena"}
    assert built.rows[1].options == ("crvena", "round")
    assert all("red" not in texts for texts in translator.asked[2:])


def test_what_people_gave_is_told_from_what_a_machine_did() -> None:
    given = {"What shape is it?": "Kojeg je oblika?", "Look well.": "Gledaj!", "red": "crvena", "round": "okruglo"}
    rows = make(Words(), given).rows
    assert [row.provenance for row in rows] == ["machine-translated", "human-translated", "machine-translated"]


class Spoils(Words):
    """Spoils each text once."""

    def translate(self, texts: Sequence[str], source: Language, target: Language) -> list[str]:
        before = {text for call in self.asked for text in call}
        self.asked.append(list(texts))
        return [f"prijevod {text[::-1]}" if text in before else "" for text in texts]


def test_a_translator_of_single_texts_is_asked_again_for_each_that_it_spoiled() -> None:
    translator = Spoils(together=False)
    built = make(translator)
    assert not built.failed
    assert built.rows[0].options[0] == "prijevod der"


def test_translations_by_people_win_and_end_a_failure() -> None:
    built = make(
        Words(bad="round"), {"round": "okruglo", "What shape is it?": "Kojeg je oblika?", "Look well.": "Gledaj!"}
    )
    assert not built.failed
    assert built.rows[1].options == ("der 1", "okruglo")


def test_a_table_of_failures_goes_back_in(tmp_path: Path) -> None:
    path = tmp_path / "left.tsv"
    building.write_failures(path, {"round": "refused", 'a "quoted"\ttab': "empty"})
    assert read_given(path) == {}
    path.write_text(path.read_text(encoding="utf-8").replace("round\t\t", "round\tokruglo\t"), encoding="utf-8")
    assert read_given(path) == {"round": "okruglo"}


def test_a_table_without_its_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "left.tsv"
    path.write_text("english\ttranslation\na\tb\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"left\.tsv:2: no column 'source'"):
        read_given(path)


def test_the_english_units_of_a_circular_task_are_first_passes() -> None:
    english = english_samples(load_task("tiny-mmbench"))
    found = units(english)
    assert {unit.id for unit in found} == {sample.group for sample in english}
    assert len(found) == len({unit.id for unit in found}) < len(english)


def test_a_pack_is_built_audited_carded_and_loads(server: ChatServer) -> None:
    task = load_task("tiny-mmbench")
    translator = make_translator("openai:m", Options(base_url=server.url))
    observer = Quiet()
    made = workflow.build_pack(task, HR, translator, observer, orders=REPLACE)
    assert made.pack is not None
    assert made.audit is not None
    assert made.audit.ok, made.audit.findings[:5]
    assert made.audit.rows == len(observer.plans[0].units) == 160  # 90 questions of four options, 70 of three
    assert observer.done == observer.plans[0].left == len({t for u in observer.plans[0].units for t, _ in u.texts()})
    samples = load_samples(task, HR, images=False)
    english = {sample.id: sample for sample in english_samples(task)}
    for sample in samples:
        assert sample.options == tuple(server.translate(option) for option in english[sample.id].options)
        assert sample.gold == english[sample.id].gold
    gold = {(s.group, s.options[s.labels.index(s.gold)]) for s in samples}
    assert len(gold) == 160
    card = read_card(made.pack)
    assert card is not None
    assert (card.provenance, card.method, card.origin) == ("machine-translated", "built", translator.name)
    assert card.pack_sha256 == hash_text(made.pack.read_text(encoding="utf-8"))
    assert "sk-very" not in made.pack.with_name("hr.card.json").read_text(encoding="utf-8")


def test_a_failed_build_writes_no_pack_but_a_table_and_goes_on(server: ChatServer) -> None:
    task = load_task("tiny-seedbench")
    translator = make_translator("openai:m", Options(base_url=server.url, concurrency=1))
    usual = server.translate
    server.translate = lambda text: "" if text == "blue" else usual(text)
    made = workflow.build_pack(task, HR, translator, Quiet(), orders=REPLACE)
    assert made.pack is None
    assert made.failures is not None
    assert made.built is not None
    assert list(made.built.failed) == ["blue"]
    assert made.failures.read_text(encoding="utf-8").splitlines()[1].startswith("blue\t\tthe text is empty")
    server.translate = usual
    requests = len(server.requests)
    made = workflow.build_pack(task, HR, translator, Quiet(), orders=REPLACE)
    assert made.pack is not None
    assert len(server.requests) == requests + 1
    assert "plav" not in {option for row in read_pack(made.pack).values() for option in row.options}


def test_packs_that_are_there_are_not_replaced_unasked(server: ChatServer) -> None:
    task = load_task("tiny-mme")
    translator = make_translator("openai:m", Options(base_url=server.url))
    with pytest.raises(UsageError, match=r"has a pack in Croatian already: .*--replace puts yours"):
        workflow.build_pack(task, HR, translator, Quiet())
    with pytest.raises(UsageError, match="English is what packs are made from"):
        storing.check_target(task, EN, True)
    with pytest.raises(UsageError, match="has data of its own in Chinese"):
        storing.check_target(load_task("mmbench"), get("zh"), False)
    assert server.requests == []


def test_two_builds_of_one_cache_do_not_meet() -> None:
    with (
        Cache("words", "hr"),
        pytest.raises(RunError, match="another process translates into 'hr'"),
        Cache("words", "hr"),
    ):
        pass


def test_a_server_that_goes_away_keeps_what_was_translated(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    task = load_task("tiny-mmbench")
    translator = make_translator("openai:m", Options(base_url=server.url, concurrency=2))
    usual = server.answer
    server.answer = lambda body: usual(body) if len(server.requests) <= 10 else (403, {}, "gone")  # type: ignore[method-assign]
    with pytest.raises(UsageError, match="status 403: gone"):
        workflow.build_pack(task, HR, translator, Quiet(), orders=REPLACE)
    with Cache(translator.name, "hr") as cache:
        kept = cache.count()
    assert kept > 4
    server.answer = usual  # type: ignore[method-assign]
    observer = Quiet()
    assert workflow.build_pack(task, HR, translator, observer, orders=REPLACE).pack is not None
    assert observer.plans[0].cached == kept


def test_a_build_that_was_killed_goes_on_where_it_was(server: ChatServer, tmp_path: Path) -> None:
    usual = server.answer

    def slow(body: dict[str, object]) -> tuple[int, dict[str, str], str]:
        time.sleep(0.05)
        return usual(body)

    server.answer = slow  # type: ignore[method-assign,assignment]
    code = (
        "import sys; from lrm_eval.commands.data import app; from lrm_eval.commands.entry import call; "
        "sys.exit(call(app, sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "build", "tiny-mme", "--lang", "hr", "--translator", "openai:m"]
    command += ["--base-url", server.url, "--replace", "--concurrency", "1"]
    environment = {**os.environ, "PYTHONPATH": str(Path(lrm_eval.__file__).parents[1])}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(server.requests) < 8 and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = len(server.requests)
    assert before >= 8
    assert not (tmp_path / "user-packs/tiny-mme/hr.jsonl").exists()
    server.answer = usual  # type: ignore[method-assign]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # One request of the killed build may have been answered to nobody: it is the only one asked again.
    texts = [json.loads(body["messages"][1]["content"])[0] for body in server.requests]
    assert len(texts) - len(set(texts)) <= 1
    assert "from the cache" in done.stdout
    assert (tmp_path / "user-packs/tiny-mme/hr.jsonl").is_file()
