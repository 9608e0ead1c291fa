"""How to cite what a page shows: the harness, the paper, the benchmarks and the models, as BibTeX."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import lrm_eval
from lrm_eval.errors import LrmEvalError
from lrm_eval.reporting.names import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

_HARNESS = """@software{lrmeval,
  title = {{lrm-eval}: multilingual evaluation of large vision-language models},
  author = {{The lrm-eval authors}},
  version = {%s},
  license = {MIT},
}"""
_PAPER = """@inproceedings{li2025lrmllava,
  title = {{LRM-LLaVA}: Overcoming the Modality Gap of Multilingual Large Language-Vision Model
           for Low-Resource Languages},
  author = {Li and Yang and Jiang and Zhu and Sun},
  booktitle = {Proceedings of the AAAI Conference on Artificial Intelligence},
  volume = {39},
  number = {23},
  pages = {24449--24457},
  year = {2025},
  doi = {10.1609/aaai.v39i23.34623},
}"""
_ENTRY = re.compile(r"@\w+\s*\{\s*([^,\s]+)")


def bibtex(tasks: Iterable[str], models: Iterable[str]) -> str:
    """The entries, each key once: the harness, the LRM-LLaVA paper, each benchmark, and what presets say of models.

    Args:
        tasks: names of tasks; one that is not installed here is left out.
        models: names as typed after `--model`; one without a preset, or whose preset names no citation, is left out.
            A preset's citation is a sentence, and stands as a comment.
    """
    found = {"lrmeval": _HARNESS % lrm_eval.__version__, "li2025lrmllava": _PAPER}
    for entry in _of_tasks(tasks):
        key = _ENTRY.search(entry)
        if key:
            found.setdefault(key[1], entry)
    return "\n\n".join([*found.values(), *_of_models(models)])


def _of_tasks(tasks: Iterable[str]) -> list[str]:
    from lrm_eval.tasks import load_task

    found = []
    for name in dict.fromkeys(tasks):
        try:
            told = load_task(name).citation
        except LrmEvalError:
            continue
        # Words before an entry are the YAML's, no BibTeX.
        found += [f"@{part.strip()}" for part in re.split(r"(?m)^@", told)[1:]]
    return found


def _of_models(models: Iterable[str]) -> list[str]:
    from model_adapters.presets import load_presets

    presets = load_presets()
    told = {name: presets[name].citation for name in dict.fromkeys(models) if name in presets}
    return [f"% {plain(name)}: {plain(citation)}" for name, citation in told.items() if citation]
