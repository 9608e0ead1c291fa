"""Questions on two images, through a whole run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import lrm_eval


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "pairs"
    folder.mkdir()
    rows = []
    for number in range(8):
        names = []
        for side in range(2):
            name = f"{number}-{side}.png"
            Image.new("RGB", (8, 8), (number * 20, side * 90, 0)).save(folder / name)
            names.append(name)
        row = {"id": f"sw-{number}", "concept": "1-Mbwa", "language": "sw", "caption": f"Kuna mbwa {number // 4}"}
        rows.append(row | {"left_img": names[0], "right_img": names[1], "chapter": "Animal", "label": number % 2 == 0})
    path = folder / "marvl-sw.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_both_images_reach_the_model_and_the_scores(evaluate: Callable[..., lrm_eval.RunResult], pairs: Path) -> None:
    result = evaluate("scripted:images=1", "sw", tasks=["marvl"], data={"marvl": pairs})
    lines = (result.folder.path / "responses/marvl/sw.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["response"]["text"] for line in lines} == {"2"}
    assert all(len(json.loads(line)["sample"]["images"]) == 2 for line in lines)
    scores = {score.metric: score for score in result.scores if score.rules == "multilingual"}
    assert (scores["accuracy"].n, scores["accuracy"].clusters) == (8, 2)
    assert scores["consistency"].n == 2


def test_a_model_of_one_image_is_refused_before_anything_runs(
    evaluate: Callable[..., lrm_eval.RunResult], pairs: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="marvl shows 2 images with a question, and model scripted:limit=1 takes 1"):
        evaluate("scripted:limit=1", "sw", tasks=["marvl"], data={"marvl": pairs})
    assert not (tmp_path / "run").exists()


def test_a_floor_answers_pairs_and_the_page_is_made(
    evaluate: Callable[..., lrm_eval.RunResult], pairs: Path, tmp_path: Path
) -> None:
    result = evaluate("random", "sw", tasks=["marvl"], data={"marvl": pairs}, report=True)
    page = (result.folder.path / "report.html").read_text(encoding="utf-8")
    assert "MaRVL (human-made)" in page


def test_a_language_nobody_wrote_it_in_says_which_there_are(
    evaluate: Callable[..., lrm_eval.RunResult], pairs: Path
) -> None:
    with pytest.raises(UsageError, match=r"marvl has no questions in French \(fr\): .* has rows in sw only"):
        evaluate("random", "fr", tasks=["marvl"], data={"marvl": pairs})
