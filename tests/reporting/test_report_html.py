from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from report_run_folders import image_bytes, make_run

from lrm_eval.reporting import render
from lrm_eval.reporting.embed import THUMBNAIL_BYTES, embed, pack, thumbnail
from lrm_eval.reporting.html import address
from lrm_eval.resources import templates_dir

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from lrm_eval.runs import RunFolder


@pytest.fixture(scope="module")
def page(good: RunFolder, hostile: RunFolder) -> str:
    made = render([good, hostile], "html")
    assert isinstance(made, str)
    return made


class Structure(HTMLParser):
    """Tags with attributes, and the text of each script and style, as a parser sees them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open = False
        self.blocks: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open = tag in {"script", "style"}
        if self.open:
            self.blocks.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self.open = False

    def handle_data(self, data: str) -> None:
        if self.open:
            tag, attributes, text = self.blocks[-1]
            self.blocks[-1] = (tag, attributes, text + data)


def test_policy_allows_this_script_and_style_by_hash_and_nothing_else(page: str) -> None:
    found = Structure(page)
    policy = next(attrs["content"] for tag, attrs in found.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert (parts["default-src"], parts["img-src"]) == ("'none'", "data:")
    assert (parts["require-trusted-types-for"], parts["trusted-types"]) == ("'script'", "'none'")
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        texts = [text for name, attrs, text in found.blocks if name == tag and "type" not in attrs]
        assert len(texts) == 1
        digest = base64.b64encode(hashlib.sha256(texts[0].encode()).digest()).decode()
        assert parts[directive] == f"'sha256-{digest}'"


def test_the_page_has_no_inline_handlers_styles_or_addresses(page: str) -> None:
    for tag, attributes in Structure(page).tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href", "action", "srcset"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    assert not re.search(r"@import|url\(", page)


def test_hostile_text_opens_no_tag(page: str) -> None:
    found = Structure(page)
    scripts = [attrs for tag, attrs, _ in found.blocks if tag == "script"]
    assert len(scripts) == 2 + 2 + 1  # board, images; one per table; the script itself
    assert not [tag for tag, _ in found.tags if tag in {"b", "img", "iframe", "object"}] or "<b>" not in page
    assert "<img" not in page.split("<script", 1)[0]
    assert "evil&lt;b&gt;" in page


def unpacked(page: str, name: str) -> Any:
    """A deflated block of the page, as its script sees it."""
    block = next(text for _, attrs, text in Structure(page).blocks if attrs.get("id") == name)
    return json.loads(zlib.decompress(base64.b64decode(block), -15))


def test_embedded_data_give_the_answers_back(page: str) -> None:
    samples = unpacked(page, "samples-0")
    model = next(name for name in unpacked(page, "board")["models"] if name.startswith("evil"))
    texts = [samples["texts"][place] for place in samples["answers"][model]["am"]["t"]]
    assert "</script><script>document.title='owned'</script>" in texts
    assert "null\x00byte and \N{REPLACEMENT CHARACTER} half a pair" in texts


def test_packed_data_hold_no_sign_that_html_minds() -> None:
    made = pack({"a": "</script><!--&\u2028\ud800", "b": list(range(500))})
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", made)


def test_embed_leaves_nothing_that_ends_a_script_block() -> None:
    made = embed({"a": "</script><!--&\u2028"})
    assert not set("<>&\u2028") & set(made)
    assert json.loads(made) == {"a": "</script><!--&\u2028"}


def test_not_a_number_never_reaches_the_page() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        embed({"a": float("nan")})


def test_samples_stay_within_the_size_that_was_asked_for(good: RunFolder, hostile: RunFolder) -> None:
    whole, small = (render([good, hostile], "html", max_bytes=size) for size in (20_000_000, 130_000))
    assert isinstance(whole, str) and isinstance(small, str)
    assert len(small.encode()) < 130_000 < len(whole.encode())
    assert "All 1,440 answers are on this page." in whole
    assert re.search(r"[\d,]+ of 1,440 answers are on this page \(it is kept under about 0\.13 MB\)", small)


def test_thumbnails_are_images_and_not_too_large(tmp_path: Path) -> None:
    (tmp_path / "aa.webp").write_bytes(image_bytes(1))
    (tmp_path / "bb.webp").write_bytes(b"<svg onload='x'/>")
    (tmp_path / "cc.webp").write_bytes(image_bytes(1) + b"\0" * THUMBNAIL_BYTES)
    uri = thumbnail("aa", [tmp_path])
    assert uri is not None and uri.startswith("data:image/webp;base64,")
    assert thumbnail("bb", [tmp_path]) is thumbnail("cc", [tmp_path]) is thumbnail("dd", [tmp_path]) is None
    assert thumbnail("../aa", [tmp_path / "sub"]) is None


def test_addresses_are_encoded_as_the_script_encodes_them() -> None:
    # encodeURIComponent leaves A-Z a-z 0-9 - _ . ! ~ * ' ( ); the page's script also keeps / and :.
    assert address("t", "sw", "a/b:c d&<é") == "t/sw/a/b:c%20d%26%3C%C3%A9"


def test_the_page_tells_how_to_repeat_the_run(page: str) -> None:
    assert "lrm-eval run --model lrm-llava --langs en,sw,am,zh,he" in page
    assert "0" * 64 in page


def test_the_page_tells_where_questions_come_from_and_where_to_report_a_mistake(tmp_path: Path) -> None:
    cell = {
        "task": "tiny-mme",
        "condition": "default",
        "planned": 20,
        "images": 10,
        "provenance": "machine-translated",
    }
    cells = [
        {
            **cell,
            "language": tag,
            "pack": {f"packs/{tag}.jsonl": "ab" * 32},
            "report_to": f"https://example.org/<issues>/{tag}.jsonl",
        }
        for tag in ("sw", "am")
    ]
    made = render(
        [make_run(tmp_path / "r", "m", {"sw": 9, "am": 9}, ("tiny-mme",), 20, manifest={"cells": cells})], "html"
    )
    assert "<td>MME, tiny</td><td>Amharic, Swahili</td><td>machine-translated</td><td>20 on 10 images</td>" in str(made)
    assert "<summary>2 files</summary>" in str(made)
    assert "packs/sw.jsonl (abababababab)" in str(made)
    assert "https://example.org/&lt;issues&gt;/&lt;language&gt;.jsonl" in str(made)


def test_a_run_without_the_multilingual_rules_still_makes_a_page(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 9}, ("tiny-mmbench",))
    scores = json.loads(run.scores_path.read_text(encoding="utf-8"))
    scores["scores"] = [row for row in scores["scores"] if row["rules"] == "official"]
    run.scores_path.write_text(json.dumps(scores), encoding="utf-8")
    made = render([run], "html")
    assert isinstance(made, str)
    assert '<section class="task"' in made


def test_templates_hold_no_address_of_anything_outside() -> None:
    for path in templates_dir().rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert "http://www.w3.org/2000/svg" in text or "http" not in text.replace("http-equiv", ""), path
