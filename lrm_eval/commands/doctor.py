"""`lrm-eval doctor`: what this machine has for the harness."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# One language per script that a page may show and that a bare system lacks fonts for.
_FONT_LANGUAGES = {"Latin": "en", "Cyrillic": "ru", "Han": "zh-cn", "Ethiopic": "am"}
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Attributes:
        what: the thing.
        value: what was found.
        ok: true if it is as it should be; None if it is optional and missing; false if it must be mended.
        mend: what to type.
    """

    what: str
    value: str
    ok: bool | None = True
    mend: str = ""


def examine() -> list[Finding]:
    """Look at everything. Imports torch, if it is there, to ask for devices."""
    return [*_versions(), *_device(), *_bundled(), *_fonts(), *_programs(), *_folders()]


def _versions() -> list[Finding]:
    from lrm_eval.runs.environment import environment, versions

    mend = 'pip install --upgrade "lrm-eval"'
    machine = environment()
    return [
        *(
            Finding(name, found or "missing", found is not None, "" if found else mend)
            for name, found in versions().items()
        ),
        Finding("machine", f"{machine['platform']}; {machine['cpu']}; {machine['cores']} cores"),
    ]


def _device() -> list[Finding]:
    try:
        import torch
    except ImportError:
        return []
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        return [Finding("device", f"cuda: {', '.join(names)}; bfloat16")]
    return [Finding("device", f"cpu, {torch.get_num_threads()} threads; float32")]


def _bundled() -> list[Finding]:
    from model_adapters import list_models

    return [
        Finding(f"model {info.name}", info.state, info.state == "ready", info.detail)
        for info in list_models()
        if info.checkpoint == "bundled"
    ]


def _fonts() -> list[Finding]:
    program = shutil.which("fc-list")
    if program is None:
        return [Finding("fonts", "unknown: fontconfig is not installed", None)]
    found = []
    for script, language in _FONT_LANGUAGES.items():
        listing = subprocess.run([program, f":lang={language}", "family"], capture_output=True, text=True, check=False)
        families = {line.split(",")[0] for line in listing.stdout.splitlines() if line}
        mend = "" if families else "apt-get install fonts-noto-core fonts-noto-cjk (only for screenshots and printing)"
        found.append(Finding(f"fonts, {script}", f"{len(families)} families", True if families else None, mend))
    return found


def _programs() -> list[Finding]:
    chromium = next((path for name in _CHROMIUM if (path := shutil.which(name))), None)
    latex = shutil.which("pdflatex")
    return [
        Finding(
            "chromium", chromium or "none", True if chromium else None, "" if chromium else "apt-get install chromium"
        ),
        Finding(
            "pdflatex",
            latex or "none",
            True if latex else None,
            "" if latex else "apt-get install texlive-latex-extra (only to typeset the tables)",
        ),
    ]


def _folders() -> list[Finding]:
    hub = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    offline = os.environ.get("HF_HUB_OFFLINE", "0")
    return [
        Finding(
            "cache of the model hub", f"{hub}{'' if hub.is_dir() else ' (not there yet)'}; HF_HUB_OFFLINE={offline}"
        ),
        Finding("free disk space here", f"{free:.1f} GiB", free > 1, "" if free > 1 else "make room"),
    ]
