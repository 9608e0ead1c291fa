"""Make the picture of the README: a screenshot of a leaderboard of some runs.

    python docs/picture.py results/lrm-llava results/llava-tiny results/random

Needs chromium (Debian: apt-get install chromium fonts-noto-core fonts-noto-cjk).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURE = Path(__file__).resolve().parent / "images" / "leaderboard.png"
WIDTH, HEIGHT = 1280, 900
_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--virtual-time-budget=3000",
)  # fmt: skip


def take(runs: list[str], picture: Path = PICTURE) -> None:
    """Render the runs as one page and photograph its top.

    Raises:
        SystemExit: there is no chromium.
    """
    import lrm_eval

    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next((path for name in names if (path := shutil.which(name))), None)
    if chromium is None:
        sys.exit("no chromium (Debian: apt-get install chromium fonts-noto-core fonts-noto-cjk)")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(lrm_eval.report(runs, "html", Path(folder) / "leaderboard.html"))
        picture.parent.mkdir(exist_ok=True)
        options = (f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={picture}", f"--user-data-dir={folder}/profile")
        subprocess.run([chromium, *_QUIET, *options, page.as_uri()], check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    take(sys.argv[1:])
