"""Language packs: building them with a translator, importing them, auditing and verifying them.

English samples (`english`) -> texts -> translations (`translators`, `cache`) -> pack and card (`build`, `packfile`)
-> findings (`problems`, `audit`). `workflow` puts them together for the command line and for Python.
"""

from lrm_eval.translation.audit import CHECKS, Audit, Finding, audit
from lrm_eval.translation.packfile import Card, read_card

__all__ = ["CHECKS", "Audit", "Card", "Finding", "audit", "read_card"]
