"""From an exception to one line and an exit status: 0 done, 1 failed, 2 typed wrongly, 130 stopped (143 by SIGTERM)."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Any

import typer

from lrm_eval.errors import LrmEvalError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

# typer carries its own copy of click in newer versions: the base of its errors is found through a public name.
_ClickError: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
DEBUG = "LRM_EVAL_DEBUG"
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


def call(app: typer.Typer, args: Sequence[str]) -> int:
    """Run a command line.

    Args:
        app: the verbs.
        args: without the program's name.

    Returns:
        The exit status. A user's mistake is told in one line on standard error, never as a traceback;
        set LRM_EVAL_DEBUG=1 to see where it came from.
    """
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show Amharic shows escapes; it must not end the run.
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _call(app, args)
        sys.stdout.flush()
    except BrokenPipeError:
        return _quiet()
    except OSError as error:
        status = _tell(f"error: cannot write to standard output: {error.strerror or error}", 1)
        _quiet()
    return status


def _call(app: typer.Typer, args: Sequence[str]) -> int:
    command = typer.main.get_command(app)
    name = app.info.name or "lrm-eval"
    try:
        # Not `command.main`, which answers Ctrl-C itself and leaves out what the run has to say about it.
        with command.make_context(name, list(args)) as context:
            command.invoke(context)
    except typer.Exit as done:
        return int(done.exit_code)
    except LrmEvalError as error:
        if os.environ.get(DEBUG):
            raise
        return _tell(f"error: {_one_line(error)}", error.exit_status)
    except (KeyboardInterrupt, typer.Abort) as stop:
        return _tell(_one_line(stop) or "stopped", int(getattr(stop, "status", 130)))
    except _ClickError as error:
        return _tell(f"error: {_usage(error)}", 2)
    except BrokenPipeError:
        raise
    except OSError as error:
        if os.environ.get(DEBUG):
            raise
        if not error.filename and error.errno in _UNWRITABLE:
            # Files are written by code that names them in its own errors: this one is of an output stream.
            raise
        where = f"{error.filename}: " if error.filename else ""
        return _tell(f"error: {where}{error.strerror or _one_line(error)}", 1)
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        what = f"{type(error).__name__}: {_one_line(error)}".rstrip(": ")
        return _tell(f"error: this is a bug: {what} (set {DEBUG}=1 to see where, and please report it)", 1)
    return 0


def _open_streams() -> None:
    """A program started without standard output or error (`>&-`, some daemons) writes to nowhere, not to None."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Open to the end of the process, as the stream that it stands for would be.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


def _one_line(error: object) -> str:
    return " ".join(str(error).split()) if error is not None else ""


def _usage(error: Any) -> str:
    """A usage error of typer in our words: what is wrong, the nearest valid name, where they are listed."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "lrm-eval"
    listing = f"`{path} --help` lists them all"
    option = getattr(error, "option_name", None)
    if type(error).__name__ == "NoSuchOption" and option:
        valid = [name for parameter in context.command.params for name in parameter.opts] if context else []
        close = nearest(option, valid, count=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"unknown option {option!r}: {hint}{listing}"
    text = _one_line(error.format_message())
    if type(error).__name__ == "UsageError" and context is not None and text.startswith("No such command"):
        typed = text.split("'")[1]
        verbs = list(getattr(context.command, "commands", {}))
        close = nearest(typed, verbs, count=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"unknown verb {typed!r}: {hint}{listing}"
    return f"{text.rstrip('.')}; `{path} --help` shows how"


def _tell(line: str, status: int) -> int:
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except OSError:
        _quiet()
    return status


def _quiet() -> int:
    # Python flushes both streams when it ends; into a closed pipe that would print one more error.
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(null, stream.fileno())
    return 1
