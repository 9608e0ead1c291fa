"""One run on many GPUs or machines: Ray places workers and tells of their death, everything else is ours.

    options.py    what is typed, checked; how many workers fit
    parcels.py    the plan cut into units of whole images; requests with their images packed for another machine
    schedule.py   which unit is asked next, what a death costs, when a unit is given up; pure
    worker.py     what runs beside the model, in a process of Ray's
    connection.py to a cluster that runs, or one of our own
    machines.py   which machines live, and what they hold
    pool.py       the workers: placed, loaded, asked, replaced
    adapter.py    all of it as one adapter, so that the run folder and its files know nothing of it

Ray is an extra (`lrm-eval[ray]`) and imported when a run begins that asks for it.
"""

from __future__ import annotations

from lrm_eval.cluster.options import ClusterOptions

__all__ = ["ClusterOptions"]
