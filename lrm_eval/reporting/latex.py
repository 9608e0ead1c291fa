"""Text for LaTeX: specials escaped, nothing that pdflatex cannot set."""

from __future__ import annotations

import unicodedata

from lrm_eval.reporting.names import plain

_SPECIALS = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    "$": "\\$",
    "&": "\\&",
    "#": "\\#",
    "%": "\\%",
    "_": "\\_",
    "^": "\\textasciicircum{}",
    "~": "\\textasciitilde{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    '"': "''",  # \\textquotedbl needs the T1 encoding
    "\N{MINUS SIGN}": "$-$",
    "\N{EM DASH}": "---",
    "\N{EN DASH}": "--",
    "\N{MIDDLE DOT}": "$\\cdot$",
    "\N{MULTIPLICATION SIGN}": "$\\times$",
}


def latex_escape(text: str) -> str:
    """`text` as LaTeX that both pdflatex and xelatex set with their default fonts.

    Letters with accents lose them and other letters become their code point ("[U+4E2D]"): names in tables are
    English names and tags, and a model's name is better seen altered than missing.
    """
    result: list[str] = []
    for char in plain(text):
        if char == "-" and result[-1:] == ["-"]:
            result.append("{}-")  # two hyphens, as before an option, would become a dash
        elif char in _SPECIALS:
            result.append(_SPECIALS[char])
        elif char.isascii():
            result.append(char)
        else:
            bare = "".join(part for part in unicodedata.normalize("NFKD", char) if part.isascii())
            # Escaped again: a full-width brace comes apart into a brace.
            result.append(latex_escape(bare) if bare else f"[U+{ord(char):04X}]")
    return "".join(result)


def latex_first_cell(text: str) -> str:
    r"""`latex_escape` for the first cell of a row: after \\ a bracket or a star would be read as its argument."""
    escaped = latex_escape(text)
    return "{}" + escaped if escaped.startswith(("[", "*")) or not escaped else escaped
