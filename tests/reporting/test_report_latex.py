from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from report_run_folders import make_run

from lrm_eval.reporting import TABLES, paper_table, render

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.runs import RunFolder

ENGINES = ("pdflatex", "xelatex")


def compile_latex(body: str, folder: Path, engine: str) -> None:
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed (Debian: apt-get install texlive-latex-extra texlive-xetex)")
    head = "\\documentclass{article}\n\\usepackage{booktabs,graphicx}\n\\begin{document}\n"
    document = f"{head}{body}\n\\end{{document}}\n"
    (folder / "table.tex").write_text(document, encoding="utf-8")
    command = [engine, "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "table.pdf").stat().st_size > 1000


@pytest.mark.latex
@pytest.mark.parametrize("engine", ENGINES)
def test_the_leaderboard_compiles(good: RunFolder, hostile: RunFolder, tmp_path: Path, engine: str) -> None:
    made = render([good, hostile], "latex")
    assert isinstance(made, str)
    compile_latex(made, tmp_path, engine)


@pytest.mark.latex
@pytest.mark.parametrize("engine", ENGINES)
def test_the_paper_tables_compile(good: RunFolder, hostile: RunFolder, tmp_path: Path, engine: str) -> None:
    told = {"variant": "w/o BVQA", "language_model": "V_7$", "instructions": "all", "non_english_percent": 40}
    trained = make_run(tmp_path / "r", "a_b", {"en": 9}, manifest={"model": {"name": "a_b", "training": told}})
    tables = [paper_table(name, [good, hostile, trained], published=True) for name in TABLES]
    compile_latex("\n\\clearpage\n".join(tables), tmp_path, engine)


@pytest.mark.latex
def test_a_comparison_compiles(good: RunFolder, weak: RunFolder, tmp_path: Path) -> None:
    from lrm_eval.commands.compare import rendered
    from lrm_eval.comparison import compare

    compile_latex(rendered(compare([good, weak]), [good, weak], "latex"), tmp_path, "pdflatex")
