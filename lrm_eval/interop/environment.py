"""An environment of its own for lmms-eval, beside the one that this runs in.

    python -m lrm_eval.interop.environment [FOLDER]

lmms-eval asks for 137 packages, some of which cannot be loaded beside a CPU build of torch. Here it gets a virtual
environment that looks up what it has not in this environment (so torch, transformers and datasets are the very same,
and nothing of gigabytes is installed twice), lmms-eval without its dependencies, and the few that its core imports.
A model class that needs more says so when it is asked for: `FOLDER/bin/python -m pip install …`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from lrm_eval.errors import RunError

LMMS_EVAL = "lmms-eval==0.7.3"
# What importing lmms_eval and its LLaVA models needs and we have not. decord is not among its own dependencies.
BESIDE = (
    "loguru==0.7.3",
    "tenacity==9.2.1",
    "numexpr==2.14.2",
    "pytz==2026.6",
    "python-dotenv==1.2.4",
    "decord==0.6.0",
    "pytablewriter==1.2.1",
    "sqlitedict==2.1.0",
)
_DONE = "made-by-lrm-eval.json"
_ENTRY_POINTS = "[lmms_eval.models]\nlrm-eval = lrm_eval.interop.lmms_manifest:manifests\n"


def default_folder() -> Path:
    """`lmms-eval` in the cache folder of lrm-eval."""
    from lrm_eval.data.places import cache_dir

    return cache_dir() / "lmms-eval"


def interpreter(folder: Path) -> Path | None:
    """The Python of an environment that `build` finished, or None."""
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    return python if (folder / _DONE).is_file() and python.exists() else None


def build(folder: Path | None = None) -> Path:
    """Make the environment, unless it is there and made of the same.

    Args:
        folder: where; None: `default_folder`.

    Returns:
        Its Python.

    Raises:
        RunError: something cannot be installed; nothing is left behind.
    """
    folder = default_folder() if folder is None else folder
    wanted = _wanted()
    python = interpreter(folder)
    if python is not None and _read(folder / _DONE) == wanted:
        return python
    if folder.exists() and not (folder / "pyvenv.cfg").is_file() and any(folder.iterdir()):
        raise RunError(f"{folder}: is not empty and no virtual environment; name another folder")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _make(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    (folder / _DONE).write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
    made = interpreter(folder)
    if made is None:
        raise RunError(f"{folder}: has no Python in it after it was made")
    return made


def _wanted() -> dict[str, Any]:
    return {"python": sys.version, "base": _base(), "packages": [LMMS_EVAL, *BESIDE]}


def _base() -> list[str]:
    """Where this environment's packages lie, and where lrm-eval itself does."""
    import lrm_eval

    found = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    return list(dict.fromkeys([*found, str(Path(lrm_eval.__file__).resolve().parent.parent)]))


def _make(folder: Path) -> None:
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    site = Path(_run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    # Looked up after the environment's own packages.
    (site / "zz-lrm-eval-base.pth").write_text("".join(f"{path}\n" for path in _base()), encoding="utf-8")
    if not list(entry_points(group="lmms_eval.models", name="lrm-eval")):
        # lrm-eval runs from a checkout and is not installed: nothing else would tell lmms-eval of our models.
        told = site / "lrm_eval_models-1.0.dist-info"
        told.mkdir()
        (told / "METADATA").write_text("Metadata-Version: 2.1\nName: lrm-eval-models\nVersion: 1.0\n", encoding="utf-8")
        (told / "entry_points.txt").write_text(_ENTRY_POINTS, encoding="utf-8")
    _run(python, "-m", "pip", "install", "--quiet", "--no-deps", LMMS_EVAL)
    _run(python, "-m", "pip", "install", "--quiet", *BESIDE)
    _run(python, "-c", "import lmms_eval.api.model, lmms_eval.models, lrm_eval")


def _run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise RunError(f"`{' '.join(str(part) for part in command[1:])}` failed: {last}")
    return done.stdout


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def main() -> None:
    """Build the environment and print its Python."""
    try:
        print(build(Path(sys.argv[1]) if len(sys.argv) > 1 else None))  # noqa: T201  # a program of its own
    except RunError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
