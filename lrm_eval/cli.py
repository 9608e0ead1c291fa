"""`lrm-eval`: one thin function per verb. Everything heavy is imported inside them, so that `--help` is quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrm_eval.commands.data import app as data_app
from lrm_eval.commands.export import app as export_app
from lrm_eval.commands.importing_runs import app as import_app

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    name="lrm-eval",
    help="Multilingual evaluation of large vision-language models: MME, POPE, SEED-Bench and MMBench in any language.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(data_app, name="data")
app.add_typer(export_app, name="export")
app.add_typer(import_app, name="import")

IncludePaths = Annotated[
    list[Path] | None,
    typer.Option("--include-path", metavar="DIR", help="Folder with more languages, tasks, packs, models or adapters."),
]
DeviceMap = Annotated[
    str, typer.Option("--device-map", metavar="one|auto", help="auto spreads a large model over all GPUs.")
]
Ray = Annotated[
    str | None,
    typer.Option("--ray", metavar="[ADDRESS]", help="Workers on a Ray cluster: HOST:PORT, local, or what is there."),
]
Workers = Annotated[
    int | None, typer.Option("--workers", metavar="N", help="With --ray: how many. Default: all there is room for.")
]
GpusPerWorker = Annotated[
    float | None, typer.Option("--gpus-per-worker", metavar="K", help="With --ray: GPUs of each (0.5, 1, 2, …).")
]
CpusPerWorker = Annotated[
    float | None, typer.Option("--cpus-per-worker", metavar="C", help="With --ray: CPU slots of each. Default: 1.")
]
BaseUrl = Annotated[
    str | None,
    typer.Option("--base-url", metavar="URL,…", help="With openai:NAME: the server, up to and including /v1."),
]
ApiKeyEnv = Annotated[
    str | None, typer.Option("--api-key-env", metavar="NAME", help="Variable with its key. Default: OPENAI_API_KEY.")
]
Concurrency = Annotated[
    int | None, typer.Option("--concurrency", metavar="N", help="Most requests at once at a server. Default: adapts.")
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="S", help="Seconds for one answer of a server. Default: 300.")
]
TokenPrice = Annotated[
    str | None, typer.Option("--price", metavar="IN,OUT", help="US dollars per million tokens sent and received.")
]
MaxImageSide = Annotated[
    int | None, typer.Option("--max-image-side", metavar="PX", help="Send a server larger images smaller.")
]
PromptStyle = Annotated[
    str,
    typer.Option("--prompt-style", metavar="llava|authors|both", help="LLaVA's prompt, or the model's authors' own."),
]
System = Annotated[
    str | None, typer.Option("--system", metavar="TEXT|@FILE", help="Text of the system turn, for every question.")
]
FewShot = Annotated[
    int, typer.Option("--few-shot", metavar="N", help="Examples from the same task before each question.")
]
Repeats = Annotated[
    int, typer.Option("--repeats", metavar="N", help="Ask each question N times; needs sampling (--gen-kwargs).")
]
TrustRemoteCode = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run the code that comes with this model's checkpoint.")
]
AllowPickle = Annotated[
    bool, typer.Option("--allow-pickle", help="Read this model's pickled weights (*.bin) where it has no others.")
]
ServerArgs = Annotated[
    str | None, typer.Option("--server-args", metavar="ARGS", help="With serve: and vllm:, more of its arguments.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]


def _include_languages(include_path: list[Path] | None) -> None:
    if include_path:
        from lrm_eval import languages

        languages.include(include_path)


def _consoles(json: bool = False) -> tuple[Console, Console]:
    """Consoles of standard output and standard error; with `--json` both are standard error."""
    from rich.console import Console

    # A log or a pipe has no width of its own: wide enough for every table.
    err = Console(stderr=True, emoji=False, width=None if sys.stderr.isatty() else 120)
    return err if json else Console(emoji=False, width=None if sys.stdout.isatty() else 120), err


def _print_json(value: object) -> None:
    import json

    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from lrm_eval import __version__

        sys.stdout.write(f"lrm-eval {__version__}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


@app.command()
def run(
    model: Annotated[
        str, typer.Option("--model", metavar="M", help="A preset (`lrm-eval models`), hf:FOLDER or hf:ORG/NAME.")
    ],
    langs: Annotated[
        str,
        typer.Option("--langs", metavar="L,…", help="Tags or names (sw,am,en), or all, paper, low-resource."),
    ],
    tasks: Annotated[
        str | None,
        typer.Option(
            "--tasks", metavar="T,…", help="`lrm-eval tasks` lists them. Default: those of --data, or all four."
        ),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(
            "--suite", metavar="tiny|full", help="Default: tiny for the bundled checkpoints, full for all else."
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="TASK=PATH", help="Local data of the full task: folder, parquet, TSV, JSONL."),
    ] = None,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", metavar="PATH", help="Weights other than the preset's.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="Questions per task and language, whole groups.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The run folder. Default: results/<model>.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of draws and intervals.")] = 0,
    device: Annotated[str | None, typer.Option("--device", metavar="D", help="cpu, cuda, cuda:1, …")] = None,
    dtype: Annotated[str | None, typer.Option("--dtype", metavar="T", help="float32, bfloat16, float16.")] = None,
    batch_size: Annotated[str, typer.Option("--batch-size", metavar="N|auto", help="Questions at once.")] = "auto",
    include_path: IncludePaths = None,
    gen_kwargs: Annotated[
        str | None, typer.Option("--gen-kwargs", metavar="k=v,…", help="Decoding settings, e.g. num_beams=2.")
    ] = None,
    prompt_lang: Annotated[
        str, typer.Option("--prompt-lang", metavar="native|en|both", help="Language of the format instruction.")
    ] = "native",
    answer_lang: Annotated[
        str | None,
        typer.Option("--answer-lang", metavar="native|en|both", help="Ask for the answer in this language, too."),
    ] = None,
    hide_image: Annotated[bool, typer.Option("--hide-image", help="Ask without the image.")] = False,
    with_hidden: Annotated[
        bool, typer.Option("--with-hidden", help="Ask with the image and without it, and compare.")
    ] = False,
    engine: Annotated[
        str,
        typer.Option(
            "--engine", metavar="auto|shared|plain", help="Read what prompts share once, or each prompt whole."
        ),
    ] = "auto",
    feature_cache: Annotated[
        Path | None, typer.Option("--feature-cache", metavar="DIR", help="Keep image features there for later runs.")
    ] = None,
    device_map: DeviceMap = "one",
    ray: Ray = None,
    workers: Workers = None,
    gpus_per_worker: GpusPerWorker = None,
    cpus_per_worker: CpusPerWorker = None,
    base_url: BaseUrl = None,
    api_key_env: ApiKeyEnv = None,
    concurrency: Concurrency = None,
    timeout: Timeout = None,
    price: TokenPrice = None,
    max_image_side: MaxImageSide = None,
    server_args: ServerArgs = None,
    prompt_style: PromptStyle = "llava",
    system: System = None,
    few_shot: FewShot = 0,
    repeats: Repeats = 1,
    trust_remote_code: TrustRemoteCode = False,
    allow_pickle: AllowPickle = False,
    json: Json = False,
) -> None:
    """Evaluate a model, or go on where an unfinished run stopped."""
    from lrm_eval import api
    from lrm_eval.commands import options, progress, summary

    console, err = _consoles(json)
    result = api.run(
        model,
        langs,
        options.split(tasks),
        suite=suite,  # type: ignore[arg-type]  # checked by the runner, which names the valid ones
        data=dict(options.parse_data(data or [])),
        checkpoint=checkpoint,
        limit=limit,
        out=out,
        seed=seed,
        device=device,
        dtype=dtype,
        batch_size=options.parse_batch_size(batch_size),
        include_paths=include_path or (),
        gen_kwargs=options.parse_gen_kwargs(gen_kwargs),
        prompt_lang=prompt_lang,  # type: ignore[arg-type]  # checked with the other names
        answer_lang=answer_lang,  # type: ignore[arg-type]
        hide_image="both" if with_hidden else hide_image,
        engine=engine,  # type: ignore[arg-type]  # checked by the adapter
        feature_cache=feature_cache,
        device_map=device_map,  # type: ignore[arg-type]  # checked by load_model
        cluster=options.parse_cluster(ray, workers, gpus_per_worker, cpus_per_worker),
        server=options.parse_server(base_url, api_key_env, concurrency, timeout, price, max_image_side, server_args),
        prompting=options.parse_prompting(prompt_style, system, few_shot, repeats),
        trust_remote_code=trust_remote_code,
        allow_pickle=allow_pickle,
        observer=progress.watcher(console, err),
    )
    if json:
        _print_scores(result.scores)
    summary.print_run(result, console)
    if result.errors or any(cell in result.unfinished for cell in result.cells):
        raise typer.Exit(1)


def _print_scores(rows: list[ScoreRow]) -> None:
    from lrm_eval.runs.codec import score_to_dict

    _print_json({"scores": [score_to_dict(row) for row in rows]})


@app.command()
def score(
    task: Annotated[str, typer.Argument(metavar="TASK", help="mme, pope, seedbench or mmbench.")],
    predictions: Annotated[Path, typer.Argument(metavar="PREDICTIONS", help="File or folder of answers.")],
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="PATH", help="Gold answers (POPE): a file or a folder.")
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option("--lang", metavar="L", help="Language of the questions. Default: en; all those of a run folder."),
    ] = None,
    rules: Annotated[
        str, typer.Option("--rules", metavar="official|multilingual", help="How answers are read.")
    ] = "multilingual",
    data: Annotated[
        Path | None, typer.Option("--data", metavar="PATH", help="The task's data, for answers without questions.")
    ] = None,
    include_path: IncludePaths = None,
    json: Json = False,
) -> None:
    """Score answers that exist already, of this harness or another."""
    from lrm_eval import api
    from lrm_eval.commands import summary

    _include_languages(include_path)
    result = api.score(task, predictions, labels, language=lang, rules=rules, data=data)  # type: ignore[arg-type]
    if json:
        _print_scores(result.scores)
    else:
        _consoles()[0].print(summary.rows_table(result.scores))


@app.command()
def rescore(run: RunArgument, include_path: IncludePaths = None, json: Json = False) -> None:
    """Make readings, scores and page of a run again from its responses, without the model."""
    from lrm_eval import api
    from lrm_eval.commands import summary

    _include_languages(include_path)
    result = api.rescore(run)
    if json:
        _print_scores(result.scores)
    summary.print_run(result, _consoles(json)[0], "`lrm-eval run`, typed as it was, asks them again")
    if result.unfinished:
        raise typer.Exit(1)


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Run folders, or a folder of them.")],
    format: Annotated[str, typer.Option("--format", metavar="html|latex|md|csv|json")] = "html",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PATH", help="File. Default: report.html in the only run.")
    ] = None,
    site: Annotated[
        Path | None, typer.Option("--site", metavar="DIR", help="Write a static site: an index, every page and table.")
    ] = None,
    rules: Annotated[
        str, typer.Option("--rules", metavar="official|multilingual", help="Which readings the tables show.")
    ] = "multilingual",
    condition: Annotated[
        str | None,
        typer.Option("--condition", metavar="NAME|all", help="Which condition md and latex tables show."),
    ] = None,
) -> None:
    """Make a leaderboard of one or more runs, or a site of them."""
    from lrm_eval.commands import report as body

    body.report(runs, format, out, site, rules, condition)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN…", help="Run folders; the first is the baseline.")],
    common: Annotated[
        bool, typer.Option("--common", help="Compare what all were asked alike, where they were not asked the same.")
    ] = False,
    all_pairs: Annotated[bool, typer.Option("--all-pairs", help="Every run against every other.")] = False,
    rules: Annotated[
        str, typer.Option("--rules", metavar="official|multilingual", help="How answers are read.")
    ] = "multilingual",
    correction: Annotated[
        str, typer.Option("--correction", metavar="holm|bh", help="Of the p-values, over all that is shown.")
    ] = "holm",
    format: Annotated[
        str | None,
        typer.Option("--format", metavar="text|html|md|latex|csv|json", help="Default: by --out's ending, or text."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="PATH", help="File to write.")] = None,
) -> None:
    """Say which model is better where, and what the data cannot tell."""
    from lrm_eval.commands import compare as body

    body.compare(
        runs,
        _consoles()[0],
        common=common,
        all_pairs=all_pairs,
        rules=rules,
        correction=correction,
        fmt=format,
        out=out,
    )


@app.command()
def table(
    name: Annotated[str, typer.Argument(metavar="TABLE", help="main, bleu, instructions, backbones or ratio.")],
    runs: Annotated[list[Path] | None, typer.Argument(metavar="RUN…", help="Run folders.")] = None,
    published: Annotated[bool, typer.Option("--published", help="Print the paper's own numbers as well.")] = False,
    format: Annotated[
        str | None, typer.Option("--format", metavar="latex|md|csv|html", help="Default: by --out's ending, or md.")
    ] = None,
    intervals: Annotated[
        bool, typer.Option("--intervals/--no-intervals", help="With the 95 % intervals of our numbers.")
    ] = True,
    langs: Annotated[
        str | None, typer.Option("--langs", metavar="L,…", help="Columns. Default: the paper's ten languages.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="PATH", help="File to write.")] = None,
) -> None:
    """Print a table of the paper, with your runs in it."""
    from lrm_eval.commands import tables

    tables.table(name, runs or [], published=published, fmt=format, intervals=intervals, langs=langs, out=out)


@app.command()
def figure(
    name: Annotated[str, typer.Argument(metavar="FIGURE", help="radar (figure 1) or ratio (figure 6).")],
    runs: Annotated[list[Path] | None, typer.Argument(metavar="RUN…", help="Run folders.")] = None,
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="File: .png, .svg or .pdf.")] = Path("figure.pdf"),
    published: Annotated[bool, typer.Option("--published", help="Draw the paper's own numbers as well.")] = False,
    task: Annotated[
        str | None, typer.Option("--task", metavar="T", help="Whose scores. Default: mme, or tiny-mme.")
    ] = None,
    langs: Annotated[
        str | None, typer.Option("--langs", metavar="L,…", help="Default: the paper's ten languages.")
    ] = None,
) -> None:
    """Draw a figure of the paper, with your runs in it."""
    from lrm_eval.commands import tables

    tables.figure(name, runs or [], published=published, task=task, langs=langs, out=out)


@app.command()
def verify(run: RunArgument, include_path: IncludePaths = None, json: Json = False) -> None:
    """Derive everything of a run again and compare; check its hashes."""
    from lrm_eval.commands import checks
    from lrm_eval.runs import RunFolder
    from lrm_eval.runs.verify import verify as check

    _include_languages(include_path)
    found = check(RunFolder.open(run))
    if json:
        _print_json(checks.as_json(found))
    else:
        checks.print_checks(found, _consoles()[0])
    if any(item.ok is False for item in found):
        raise typer.Exit(1)


@app.command()
def tasks(include_path: IncludePaths = None, json: Json = False) -> None:
    """List tasks: what is ready in which language, and what the rest needs."""
    from lrm_eval.commands import listing

    states = listing.task_states(include_path or [])
    if json:
        _print_json({"tasks": [state.as_dict() for state in states]})
    else:
        listing.print_tasks(states, _consoles()[0])


@app.command()
def models(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show one preset whole.")] = None,
    include_path: IncludePaths = None,
    json: Json = False,
) -> None:
    """List the presets of models and what each needs, or show one of them."""
    from lrm_eval.commands import models as listing

    found = listing.chosen(name, include_path or [])
    if json:
        _print_json({"models": [listing.as_dict(info) for info in found]})
    elif name is not None:
        listing.print_model(found[0], _consoles()[0])
    else:
        listing.print_models(found, _consoles()[0])


@app.command()
def langs(
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", metavar="M", help="Show what each language costs with this model's tokenizer."),
    ] = None,
    include_path: IncludePaths = None,
    json: Json = False,
) -> None:
    """List the languages, or what they cost in tokens."""
    from lrm_eval.commands import costs, listing

    _include_languages(include_path)
    if tokenizer is not None:
        found = costs.costs(tokenizer, include_paths=include_path or ())
        if json:
            _print_json(costs.as_json(tokenizer, found))
        else:
            costs.print_costs(found, _consoles()[0])
    elif json:
        _print_json({"languages": listing.languages_as_dicts()})
    else:
        listing.print_languages(_consoles()[0])


doctor_app = typer.Typer(help="Say what this machine has: versions, device, fonts, programs, folders.")
app.add_typer(doctor_app, name="doctor")


@doctor_app.callback(invoke_without_command=True)
def doctor(context: typer.Context) -> None:
    """Say what this machine has: versions, device, fonts, programs, folders."""
    if context.invoked_subcommand is not None:
        return
    from lrm_eval.commands import checks
    from lrm_eval.commands.doctor import examine

    findings = examine()
    checks.print_findings(findings, _consoles()[0])
    if any(finding.ok is False for finding in findings):
        raise typer.Exit(1)


@doctor_app.command()
def parity(
    model: Annotated[str, typer.Option("--model", metavar="M", help="A model, in whatever way `run` reaches it.")],
    against: Annotated[str, typer.Option("--against", metavar="M", help="The same weights, reached in another way.")],
    questions: Annotated[int, typer.Option("--questions", metavar="N", help="Of the tiny tasks.")] = 24,
    langs: Annotated[str, typer.Option("--langs", metavar="L,…", help="Languages of the questions.")] = "en",
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", metavar="PATH", help="Weights other than the presets'.")
    ] = None,
    device: Annotated[str | None, typer.Option("--device", metavar="D", help="cpu, cuda, cuda:1, …")] = None,
    dtype: Annotated[str | None, typer.Option("--dtype", metavar="T", help="float32, bfloat16, float16.")] = None,
    gen_kwargs: Annotated[
        str | None, typer.Option("--gen-kwargs", metavar="k=v,…", help="Decoding settings of both.")
    ] = None,
    include_path: IncludePaths = None,
    base_url: BaseUrl = None,
    api_key_env: ApiKeyEnv = None,
    concurrency: Concurrency = None,
    timeout: Timeout = None,
    max_image_side: MaxImageSide = None,
    server_args: ServerArgs = None,
    json: Json = False,
) -> None:
    """Ask one model in two ways, in process and behind a server say, and show where the answers differ."""
    from lrm_eval.commands import options
    from lrm_eval.commands import parity as body

    _include_languages(include_path)
    found = body.parity(
        model,
        against,
        questions=questions,
        langs=langs,
        checkpoint=checkpoint,
        device=device,
        dtype=dtype,
        gen_kwargs=options.parse_gen_kwargs(gen_kwargs),
        include_paths=include_path or (),
        server=options.parse_server(base_url, api_key_env, concurrency, timeout, None, max_image_side, server_args),
    )
    if json:
        _print_json(body.as_json(found))
    else:
        body.print_parity(found, _consoles()[0])
    if not found.agree:
        raise typer.Exit(1)


def main() -> None:
    """The console script."""
    from lrm_eval.commands.entry import call
    from lrm_eval.commands.options import with_address

    sys.exit(call(app, with_address(sys.argv[1:])))


if TYPE_CHECKING:
    from lrm_eval.types import ScoreRow

if __name__ == "__main__":
    main()
