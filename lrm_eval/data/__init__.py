"""Samples of a task in a language: from the hub, from local files, from the bundled data, with language packs.

Task + Language -> rows (`sources`, `rows`, `parquet`, `hub`) -> Samples (`samples`, `packs`) -> checked (`checks`)
"""

from lrm_eval.data.checks import check_samples
from lrm_eval.data.hub import Fetched, fetch, fetched
from lrm_eval.data.packs import find_pack, pack_command, pack_paths, read_pack
from lrm_eval.data.places import cache_dir, packs_dir
from lrm_eval.data.samples import load_samples
from lrm_eval.data.sources import Source, find_source
from lrm_eval.data.status import Availability, availability

__all__ = [
    "Availability",
    "Fetched",
    "Source",
    "availability",
    "cache_dir",
    "check_samples",
    "fetch",
    "fetched",
    "find_pack",
    "find_source",
    "load_samples",
    "pack_command",
    "pack_paths",
    "packs_dir",
    "read_pack",
]
