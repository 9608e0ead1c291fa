"""Does model A beat model B? Two runs over the same questions, and what the data can and cannot tell.

- `align`    which questions two runs have in common, and every reason why they have not
- `model`    what a comparison is made of
- `compare`  paired differences per task and language, corrected over all that is shown
- `words`    the comparison in sentences
- `text`     the table of a terminal, and the forms for papers
- `page`     one self-contained HTML page with forest plots
"""

from lrm_eval.comparison.compare import compare
from lrm_eval.comparison.model import Comparison, Line, Pair

__all__ = ["Comparison", "Line", "Pair", "compare"]
