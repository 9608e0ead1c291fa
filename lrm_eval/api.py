"""The verbs of the command line as typed functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lrm_eval.conditions import HideImage, Prompting
from lrm_eval.runs.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from lrm_eval.cluster import ClusterOptions
    from lrm_eval.runs.folder import Cell
    from lrm_eval.runs.observer import Observer
    from lrm_eval.types import Rules, ScoreRow
    from model_adapters.servers.options import ServerOptions


@dataclass(frozen=True)
class ScoreResult:
    """Rows of scores.

    Attributes:
        scores: the rows, numbers unrounded.
    """

    scores: list[ScoreRow]

    def frame(self) -> pd.DataFrame:
        """One line a row; the rate of each outcome is a column `outcome_<name>`, undefined numbers are missing."""
        import pandas as pd

        from lrm_eval.runs.codec import score_to_dict

        lines = []
        for row in self.scores:
            line = score_to_dict(row)
            outcomes = line.pop("outcomes")
            lines.append(line | {f"outcome_{name}": rate for name, rate in outcomes.items()})
        frame = pd.DataFrame(lines)
        numbers = ["value", "ci_low", "ci_high", "unparsed_rate"]
        return frame.astype(dict.fromkeys(numbers, "float64")) if lines else frame


@dataclass(frozen=True)
class RunResult(ScoreResult):
    """A finished run.

    Attributes:
        scores: all rows of the folder, both rule sets.
        folder: the run folder.
        cells: what was asked for (the folder may hold more).
        asked: requests asked anew.
        errors: requests of the asked cells whose answer is an error.
        unfinished: cells of the folder that lack answers and so have no scores: (answered, planned).
        report: the page, or None if none was made.
    """

    folder: RunFolder
    cells: list[Cell] = field(default_factory=list)
    asked: int = 0
    errors: int = 0
    unfinished: Mapping[Cell, tuple[int, int]] = field(default_factory=dict)
    report: Path | None = None


def run(
    model: str,
    langs: str | Sequence[str],
    tasks: str | Sequence[str] | None = None,
    *,
    suite: Literal["tiny", "full"] | None = None,
    data: Mapping[str, str | PathLike[str]] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    limit: int | None = None,
    out: str | PathLike[str] | None = None,
    seed: int = 0,
    device: str | None = None,
    dtype: str | None = None,
    batch_size: int | Literal["auto"] = "auto",
    include_paths: Sequence[str | PathLike[str]] = (),
    gen_kwargs: Mapping[str, Any] | None = None,
    prompt_lang: Literal["native", "en", "both"] = "native",
    answer_lang: Literal["native", "en", "both"] | None = None,
    hide_image: HideImage = False,
    prompting: Prompting | None = None,
    engine: Literal["auto", "shared", "plain"] = "auto",
    feature_cache: str | PathLike[str] | None = None,
    device_map: Literal["one", "auto"] = "one",
    cluster: ClusterOptions | None = None,
    server: ServerOptions | None = None,
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
    report: bool = True,
    observer: Observer | None = None,
) -> RunResult:
    """Evaluate a model, or go on where an unfinished run stopped.

    Args:
        model: a preset (`lrm-eval models`), or `hf:PATH-or-ID`.
        langs: language tags or names, or a group: all, paper, low-resource; a list or separated by commas.
        tasks: task names; by default those with local data, or all four benchmarks.
        suite: "tiny" (bundled data) or "full"; by default tiny for the bundled checkpoints, full otherwise.
        data: local data of the full task, per task.
        checkpoint: weights other than the preset's.
        limit: questions per task and language, whole groups.
        out: the run folder; by default results/<model>.
        seed: seed of the model's random draws and of the intervals.
        device: "cpu", "cuda", …; by default CUDA if there is one.
        dtype: "float32", "bfloat16", "float16".
        batch_size: requests at once.
        include_paths: folders with more tasks, language packs, models and adapters.
        gen_kwargs: decoding settings.
        prompt_lang: language of the format instruction: that of the question, English, or one after the other.
        answer_lang: adds a sentence that asks for an answer in the question's language, in English, or one after the
            other; None adds nothing.
        hide_image: asks without the image; "both": with it, and without it.
        prompting: whose prompt, a system text, examples before the question, how often each is asked:
            `lrm_eval.conditions.Prompting`.
        engine: "shared" reads what the prompts of one image have in common once, "plain" each prompt whole; "auto"
            shares where the model and the decoding settings allow it. See docs/performance.md.
        feature_cache: folder that keeps image features for later runs.
        device_map: "auto" spreads the layers over all GPUs of the machine. See docs/scale.md.
        cluster: workers on a Ray cluster, `lrm_eval.cluster.ClusterOptions`; None asks in this process.
        server: address, key variable, limits of a server, `model_adapters.ServerOptions`; for `openai:`, `serve:` and
            `vllm:` models.
        trust_remote_code: code that comes with the model's checkpoint may run.
        allow_pickle: the model's pickled weights may be read: tensors and nothing that could run.
        report: whether report.html is made.
        observer: told of each step.

    Raises:
        UsageError: something cannot be done as asked.
        RunError: it failed on the way; what was answered is kept.
    """
    from lrm_eval.runs.observer import Silent
    from lrm_eval.runs.runner import Ask
    from lrm_eval.runs.runner import run as run_all

    ask = Ask(
        model=model,
        langs=langs if isinstance(langs, str) else ",".join(langs),
        tasks=tasks.split(",") if isinstance(tasks, str) else tasks,
        suite=suite,
        data={name: Path(path) for name, path in (data or {}).items()},
        checkpoint=None if checkpoint is None else str(checkpoint),
        limit=limit,
        out=None if out is None else Path(out),
        seed=seed,
        device=device,
        dtype=dtype,
        batch_size=batch_size,
        include_paths=tuple(Path(path) for path in include_paths),
        gen_kwargs=gen_kwargs or {},
        prompt_lang=prompt_lang,
        answer_lang=answer_lang,
        hide_image=hide_image,
        engine=engine,
        feature_cache=None if feature_cache is None else Path(feature_cache),
        device_map=device_map,
        cluster=cluster,
        server=server,
        prompting=prompting or Prompting(),
        trust_remote_code=trust_remote_code,
        allow_pickle=allow_pickle,
    )
    finished = run_all(ask, observer or Silent())
    page = None
    if report and finished.derived.scores:
        page = finished.folder.report_path
        _render([finished.folder], "html", page)
    return RunResult(
        scores=finished.derived.scores,
        folder=finished.folder,
        cells=finished.cells,
        asked=finished.counts.answered,
        errors=finished.errors,
        unfinished=finished.derived.unfinished,
        report=page,
    )


def score(
    task: str,
    predictions: str | PathLike[str],
    labels: str | PathLike[str] | None = None,
    *,
    language: str | None = None,
    rules: Rules = "multilingual",
    data: str | PathLike[str] | None = None,
) -> ScoreResult:
    """Score answers that exist already; the formats are those of `lrm-eval score`.

    Args:
        task: mme, pope, seedbench or mmbench.
        predictions: file or folder.
        labels: where the gold answers are, for POPE.
        language: language of the questions and answers; None: English, for a run folder all its languages.
        rules: "official" copies the benchmark's own program, "multilingual" reads answers in their language.
        data: local data of the task, for predictions that do not hold the questions.

    Raises:
        UsageError: a file that is not there or not in one of the formats (with file and line).
    """
    from lrm_eval.errors import unknown
    from lrm_eval.predictions import score_predictions
    from lrm_eval.types import RULES

    if rules not in RULES:
        raise unknown("rules", rules, RULES)
    rows = score_predictions(
        task,
        Path(predictions),
        None if labels is None else Path(labels),
        language,
        rules,
        data=None if data is None else Path(data),
    )
    return ScoreResult(rows)


def rescore(run: str | PathLike[str], *, report: bool = True) -> RunResult:
    """Make readings, scores and page of a run again from its responses, without the model.

    Args:
        run: the folder.
        report: whether report.html is made again; without, one of the old scores is removed.

    Raises:
        UsageError: no run there.
        RunError: a damaged file, or the folder is being written.
    """
    from lrm_eval.runs.runner import rescore as rescore_folder

    folder = RunFolder.open(Path(run))
    derived = rescore_folder(folder)
    page = folder.report_path if report and derived.scores else None
    if page is not None:
        _render([folder], "html", page)
    else:
        # A page of the old scores beside new ones would be taken for theirs.
        folder.report_path.unlink(missing_ok=True)
    return RunResult(
        scores=derived.scores,
        folder=folder,
        cells=folder.cells(),
        errors=sum(derived.errors.values()),
        unfinished=derived.unfinished,
        report=page,
    )


def report(
    runs: str | PathLike[str] | Sequence[str | PathLike[str]],
    format: Literal["html", "latex", "md", "csv", "json"] = "html",
    out: str | PathLike[str] | None = None,
    *,
    rules: Rules = "multilingual",
    condition: str | None = None,
) -> str | Path:
    """A leaderboard over one or more runs.

    Args:
        runs: run folders.
        format: html, latex, md, csv or json.
        out: file or folder; None returns the text.
        rules: the readings that a table shows (a page shows the other ones at a click, csv and json hold both).
        condition: the condition that a latex or md table shows, or "all"; None: the default one.

    Returns:
        The text, or the path of the file if `out` is given.

    Raises:
        UsageError: no run there.
    """
    paths = [runs] if isinstance(runs, (str, PathLike)) else runs
    folders = [RunFolder.open(Path(path)) for path in paths]
    return _render(folders, format, None if out is None else Path(out), rules, condition)


def _render(
    folders: Sequence[RunFolder],
    fmt: str,
    out: Path | None,
    rules: Rules = "multilingual",
    condition: str | None = None,
) -> str | Path:
    from lrm_eval.errors import unknown
    from lrm_eval.reporting import render
    from lrm_eval.types import RULES

    if rules not in RULES:
        raise unknown("rules", rules, RULES)
    return render(folders, fmt, out, rules=rules, condition=condition)
