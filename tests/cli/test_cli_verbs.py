"""The verbs as typed, in this process: output, exit status, one line for every mistake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import lrm_eval
from lrm_eval.cli import app
from lrm_eval.commands import entry

Type = Callable[..., tuple[int, str, str]]


@pytest.fixture
def type_(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Type a command line in an empty folder: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LRM_EVAL_PACKS", str(tmp_path / "packs"))

    def call(*args: str) -> tuple[int, str, str]:
        status = entry.call(app, args)
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture
def local(tmp_path: Path) -> str:
    """`--data` for a small POPE in English and Swahili."""
    folder = tmp_path / "local"
    folder.mkdir()
    rows = []
    for number in range(4):
        Image.new("RGB", (8, 8), (60 * number, 0, 0)).save(folder / f"{number}.png")
        for language, question in (("en", "Is there a dog?"), ("sw", "Je, kuna mbwa?")):
            rows.append(
                {
                    "id": f"pope/random/{number}",
                    "image": f"{number}.png",
                    "question": question,
                    "answer": "yes" if number % 2 else "no",
                    "category": "random",
                    "language": language,
                }
            )
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return f"pope={folder}"


def one_line(text: str) -> str:
    lines = text.splitlines()
    assert len(lines) == 1, text
    return lines[0]


def test_a_run_prints_suite_scores_and_where_everything_lies(type_: Type, local: str) -> None:
    status, out, err = type_("run", "--model", "random", "--langs", "sw,en", "--data", local)
    assert status == 0
    first = out.splitlines()[0]
    assert first.startswith("random · full suite (the default of random) · pope from ")
    assert first.endswith("languages: sw, en")
    assert "f1" in out
    assert "95 % interval" in out
    assert out.splitlines()[-2:] == ["scores: results/random/scores.json", "report: results/random/report.html"]
    assert Path("results/random/report.html").stat().st_size > 1000
    assert "pope sw: 4 answers" in err


def test_json_is_all_there_is_on_standard_output(type_: Type, local: str) -> None:
    status, out, _ = type_("run", "--model", "random", "--langs", "sw", "--data", local, "--json")
    assert status == 0
    rows = json.loads(out)["scores"]
    assert {(row["task"], row["language"], row["rules"]) for row in rows} == {
        ("pope", "sw", "official"),
        ("pope", "sw", "multilingual"),
    }
    assert rows == json.loads(Path("results/random/scores.json").read_text())["scores"]


def test_errors_of_single_questions_are_counted_and_the_status_is_1(type_: Type, local: str) -> None:
    Path("local/2.png").unlink()
    status, out, err = type_("run", "--model", "random", "--langs", "sw,en", "--data", local)
    assert status == 1
    assert "errors: 2 questions have no answer but an error" in out
    assert "note: pope/random/2@sw: cannot read image" in err


def test_a_run_is_rescored_verified_and_reported(type_: Type, local: str) -> None:
    type_("run", "--model", "random", "--langs", "sw,en", "--data", local)
    before = Path("results/random/scores.json").read_bytes()
    assert type_("rescore", "results/random")[0] == 0
    assert Path("results/random/scores.json").read_bytes() == before
    status, out, _ = type_("verify", "results/random")
    assert (status, out.splitlines()[-1].endswith(" checks hold, 0 do not")) == (0, True)
    status, out, _ = type_("report", "results/random", "--format", "md")
    assert status == 0
    assert "| random |" in out
    status, out, _ = type_("report", "results/random", "--out", "page.html")
    assert (status, out) == (0, "page.html\n")
    assert Path("page.html").stat().st_size > 1000


def test_a_damaged_run_does_not_verify(type_: Type, local: str) -> None:
    type_("run", "--model", "random", "--langs", "sw", "--data", local)
    Path("results/random/scores.json").write_text('{"schema": 1, "scores": []}\n')
    status, out, _ = type_("verify", "results/random", "--json")
    assert status == 1
    assert [check["what"] for check in json.loads(out)["checks"] if check["ok"] is False] == ["scores.json"]


def test_answers_that_exist_already_are_scored(type_: Type, tmp_path: Path) -> None:
    # One image, one of two questions right: accuracy 50, accuracy+ 0, so 50 points (MME, calculation.py).
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "existence.txt").write_text("a.jpg\tIs it?\tYes\tyes\na.jpg\tIs it not?\tNo\tyes\n")
    status, out, _ = type_("score", "mme", "answers", "--rules", "official", "--json")
    assert status == 0
    values = {row["metric"]: row["value"] for row in json.loads(out)["scores"]}
    assert values["existence"] == 50.0
    assert values["perception"] is None
    status, out, _ = type_("score", "mme", "answers", "--rules", "official")
    assert (status, "50.0000" in out) == (0, True)


def test_the_published_numbers_are_printed_as_a_table(type_: Type) -> None:
    status, out, _ = type_("table", "main", "--published", "--format", "csv")
    assert status == 0
    assert "LRM-LLaVA" in out


def test_tasks_tell_the_truth_about_every_task_and_language(type_: Type) -> None:
    status, out, _ = type_("tasks", "--json")
    states = {(row["task"], row["language"]): row for row in json.loads(out)["tasks"]}
    assert status == 0
    translated = [row for row in states.values() if not row["native"]]
    assert len(translated) == 8 * 12
    assert states["marvl", "sw"]["provenance"] == "created"
    assert all((row["state"] == "ready") == (row["command"] == "") for row in states.values())
    status, out, _ = type_("tasks")
    assert (status, "tiny-mmbench" in out) == (0, True)


def test_languages_and_models_are_listed(type_: Type) -> None:
    assert {"sw", "am", "zh"} <= {row["tag"] for row in json.loads(type_("langs", "--json")[1])["languages"]}
    assert "Kiswahili" in type_("langs")[1]


def test_the_cost_of_languages_is_listed_from_english_to_the_dearest(type_: Type) -> None:
    costs = json.loads(type_("langs", "--tokenizer", "lrm-llava", "--json")[1])["costs"]
    assert costs[0]["language"] == "en"
    parities = [row["parity"] for row in costs]
    assert parities[0] == 1
    assert parities[1:] == sorted(parities[1:])
    assert "Kiswahili" not in type_("langs", "--tokenizer", "lrm-llava")[1]
    assert "Swahili" in type_("langs", "--tokenizer", "lrm-llava")[1]


def test_the_cost_of_languages_needs_a_tokenizer(type_: Type) -> None:
    status, _, err = type_("langs", "--tokenizer", "random")
    assert status == 2
    assert "has no checkpoint and so no tokenizer" in err
    assert "llava-1.5-7b" in type_("models")[1]


def test_the_version_is_printed(type_: Type) -> None:
    assert type_("--version") == (0, f"lrm-eval {lrm_eval.__version__}\n", "")


def test_without_a_verb_the_help_is_printed(type_: Type) -> None:
    status, out, _ = type_()
    assert (status, "Usage: lrm-eval" in out) == (0, True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rnu", "unknown verb 'rnu': did you mean 'run'?"),
        ("run --model random --lnags sw", "unknown option '--lnags': did you mean '--langs'?"),
        ("run --model random", "Missing option '--langs'"),
        ("run --model rondom --langs sw", "unknown model 'rondom': did you mean 'random'?"),
        ("run --model random --langs swa,klingon", "'klingon'"),
        ("run --model random --langs swahilli", "did you mean Swahili (sw)"),
        ("run --model random --langs sw --tasks mmee", "unknown task 'mmee': did you mean 'mme'"),
        ("run --model random --langs sw --suite big", "unknown suite 'big'"),
        ("run --model random --langs sw --data mme", "--data mme: type --data TASK=PATH"),
        ("run --model random --langs sw --data mme=gone", "--data mme=gone: no such file or folder"),
        ("run --model random --langs sw --batch-size x", "--batch-size x: type a number"),
        ("run --model random --langs sw --limit 0", "--limit 0: ask for at least one question"),
        ("run --model random --langs sw --limit x", "Invalid value for '--limit'"),
        ("run --model random --langs sw --include-path gone", "--include-path gone: no such folder"),
        ("run --model random --langs sw --tasks mme --suite full", "mme has no questions in Swahili"),
        ("run --model hf:gone --langs sw", "gone"),
        ("score", "Missing argument 'TASK'"),
        ("score mmee x", "unknown task 'mmee'"),
        ("score mme gone", "gone: no such file or folder"),
        ("score mme . --rules offical", "unknown rules 'offical': did you mean 'official'"),
        ("rescore gone", "no run folder gone"),
        ("verify .", "is not a run folder"),
        ("report gone", "no run folder gone"),
        ("report gone --format pdf", "unknown format 'pdf'"),
        ("report a b", "type for example `--out leaderboard.html`"),
        ("table mian", "unknown table 'mian': did you mean 'main'"),
    ],
)
def test_a_mistake_is_one_clear_line_and_status_2(type_: Type, line: str, message: str) -> None:
    status, out, err = type_(*line.split())
    assert (status, out) == (2, "")
    assert one_line(err).startswith("error: ")
    assert message in err
    assert not Path("results").exists()


def test_empty_languages_are_a_usage_error(type_: Type) -> None:
    status, _, err = type_("run", "--model", "random", "--langs", " , ")
    assert status == 2
    assert one_line(err).startswith("error: ")


def test_a_bug_is_one_line_too_and_a_variable_shows_where(type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **options: object) -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr("lrm_eval.commands.listing.print_languages", broken)
    status, _, err = type_("langs")
    assert status == 1
    assert one_line(err).startswith("error: this is a bug: ZeroDivisionError: division by zero (set LRM_EVAL_DEBUG=1")
    monkeypatch.setenv(entry.DEBUG, "1")
    with pytest.raises(ZeroDivisionError):
        type_("langs")


def test_ctrl_c_outside_a_run_is_one_word(type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lrm_eval.commands.listing.print_languages", stop)
    assert type_("langs") == (130, "", "stopped\n")
