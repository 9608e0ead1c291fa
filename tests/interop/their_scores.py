"""Run by the Python of lmms-eval's environment: its own scorers over answers on standard input, as JSON."""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    answers = json.load(sys.stdin)
    out = os.dup(1)
    os.dup2(2, 1)
    from lmms_eval.tasks.mme import utils as mme
    from lmms_eval.tasks.pope import utils as pope
    from lmms_eval.tasks.seedbench import utils as seedbench

    found = {}
    items = [
        pope.pope_process_results({"answer": a["gold"], "question_id": n}, [a["text"]])
        for n, a in enumerate(answers["pope"])
    ]
    for name, aggregate in (
        ("f1", pope.pope_aggregate_f1_score),
        ("accuracy", pope.pope_aggregate_accuracy),
        ("precision", pope.pope_aggregate_precision),
        ("recall", pope.pope_aggregate_recall),
        ("yes_ratio", pope.pope_aggregate_yes_ratio),
    ):
        key = "pope_f1_score" if name == "f1" else f"pope_{name}"
        found[f"pope/{name}"] = aggregate([item[key] for item in items])
    points = []
    for a in answers["mme"]:
        subtask, _, image = a["part"].partition("/")
        doc = {"answer": a["gold"], "category": subtask, "question_id": image}
        points += mme.mme_process_results(doc, [a["text"]]).values()
    found["mme"] = mme.mme_aggregate_results(points)
    items = [
        seedbench.seed_process_result({"answer": a["gold"], "data_type": "image", "question_id": n}, [a["text"]])
        for n, a in enumerate(answers["seedbench"])
    ]
    found["seedbench"] = seedbench.seed_aggregation_result([item["seed_image"] for item in items])
    os.write(out, json.dumps(found).encode())


main()
