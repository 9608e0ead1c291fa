"""WebDataset shards: the same samples as JSON lines, to the byte the same from the same data, read at random."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lrm_llava_small_parts import llama_like_tokenizer, record, save_language, save_vision
from PIL import Image

from lrm_eval.errors import UsageError
from lrm_llava.assembly import assemble
from lrm_llava.backbones import load_backbone
from lrm_llava.data import build as building
from lrm_llava.data.build import build_stage
from lrm_llava.data.check import check_shards
from lrm_llava.data.shards import TarShard, open_shard, shard_files
from lrm_llava.encoding import ConversationEncoder
from lrm_llava.recipes import Instructions, Source, load_recipe
from lrm_llava.training.collate import Collator
from lrm_llava.training.dataset import ConversationData

TAGS = ("en", "sw", "de")


def recipe():
    stage = replace(
        load_recipe("tiny").stage2,
        instructions=Instructions(0.5, 0.2, 0.3),
        sources=(Source("v.q-a", "vqa.json", "."),),
    )
    return replace(load_recipe("tiny"), languages=TAGS, stage2=stage)


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("sources")
    (root / "translations" / "v.q-a").mkdir(parents=True)
    (root / "images").mkdir()
    # The fifth has no image at all, the ninth one that is not there.
    english = [record(n, f"Q{n}?", "Yes" if n % 2 else "No", n != 4) for n in range(20)]
    for n in range(20):
        if n != 8:
            Image.new("RGB", (40, 24), (n * 37 % 256, n * 91 % 256, 128)).save(root / "images" / f"{n}.png")
    (root / "vqa.json").write_text(json.dumps(english))
    for tag in TAGS[1:]:
        said = [
            [{"from": "human", "value": f"{tag} Q{n}?"}, {"from": "gpt", "value": f"{tag} A{n}"}] for n in range(20)
        ]
        lines = [json.dumps({"id": str(n), "conversations": turns}) for n, turns in enumerate(said)]
        (root / "translations" / "v.q-a" / f"{tag}.jsonl").write_text("\n".join(lines))
    return root


def built(sources: Path, out: Path, form: str, block: int = 7) -> Path:
    build_stage(recipe(), 2, sources, out, lambda _: None, block=block, form=form)
    return out / "stage2"


@pytest.fixture(scope="module")
def both(sources, tmp_path_factory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("both")
    return built(sources, root / "lines", "jsonl"), built(sources, root / "tars", "webdataset")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    root = tmp_path_factory.mktemp("parts")
    tokenizer = llama_like_tokenizer()
    folders = str(save_vision(root / "vision")), str(save_language(root / "language", tokenizer))
    return assemble(*folders, load_backbone("vicuna-7b"), torch.float32, 1)


def data(folder: Path, images: Path, parts) -> ConversationData:
    model, processor = parts
    found = ConversationData(
        shard_files(folder), images, ConversationEncoder(processor, model.config.image_seq_length, 256)
    )
    found.measure(None, lambda _: None)
    return found


def test_the_training_reads_the_same_samples_from_both(sources, both, parts) -> None:
    lines, tars = data(both[0], sources, parts), data(both[1], sources, parts)
    # JSON lines name the image that is missing, and the reader leaves those samples out; tars never got them.
    assert len(lines) == len(tars) > 30 and (lines.lengths == tars.lengths).all()
    collate = Collator(parts[1].image_processor, parts[1].tokenizer.pad_token_id)
    for index in range(len(lines)):
        assert lines.conversation(index) == tars.conversation(index)
        one, other = lines[index], tars[index]
        assert (one["ids"], one["labels"]) == (other["ids"], other["labels"])
        left, right = collate([one]), collate([other])
        assert left.keys() == right.keys()
        for name in left:
            assert torch.equal(left[name], right[name]), name


def test_the_same_data_gives_the_same_bytes(sources, both, tmp_path) -> None:
    again = built(sources, tmp_path / "again", "webdataset")
    for path in sorted(both[1].iterdir()):
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_a_stopped_build_of_tars_goes_on_and_gives_the_same(sources, both, tmp_path, monkeypatch) -> None:
    close, calls = building._close, []

    def killed(*args):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return close(*args)

    with monkeypatch.context() as patch:
        patch.setattr(building, "_close", killed)
        with pytest.raises(KeyboardInterrupt):
            built(sources, tmp_path / "out", "webdataset")
    assert len(list((tmp_path / "out" / "stage2").glob("*.tar"))) == 1
    again = built(sources, tmp_path / "out", "webdataset")
    assert sorted(path.name for path in again.iterdir()) == sorted(path.name for path in both[1].iterdir())
    for path in sorted(both[1].iterdir()):
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_a_tar_is_in_webdatasets_layout(both) -> None:
    with tarfile.open(shard_files(both[1])[0]) as tar:
        names = tar.getnames()
        assert {(one.mtime, one.uid, one.uname) for one in tar.getmembers()} == {(0, 0, "")}
    # A key ends at the first dot; the dots of the source's name are not in it.
    assert names[:3] == ["v_q-a-00000-000000.json", "v_q-a-00000-000000.png", "v_q-a-00000-000001.json"]


@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")  # it closes no file
def test_the_library_webdataset_reads_the_same(both) -> None:
    webdataset = pytest.importorskip("webdataset", reason="pip install webdataset")
    for path in shard_files(both[1]):
        shard = TarShard(path)
        found = list(webdataset.WebDataset(str(path), shardshuffle=False))
        assert len(found) == len(shard)
        for number, sample in enumerate(found):
            own = shard.record(number)
            assert json.loads(sample["json"]) == own
            if "image" in own:
                assert sample["png"] == shard.picture(number, own["image"]).read()


def test_an_image_that_is_missing_leaves_its_samples_out_of_tars(both) -> None:
    card = json.loads((both[1] / "card.json").read_text())
    assert card["dropped"] == {"its image is missing": 1}
    assert card["first_dropped"]["its image is missing"].endswith("vqa.json: record 9")


def test_the_check_reads_tars_too(sources, both) -> None:
    found = check_shards(shard_files(both[1]), sources)
    assert found.samples > 30 and found.images == 18
    assert not {"missing image", "broken image", "record"} & set(found.faults)


def test_another_format_in_the_same_folder_is_refused(sources, tmp_path) -> None:
    folder = built(sources, tmp_path / "out", "jsonl")
    with pytest.raises(UsageError, match="was built with other format"):
        built(sources, tmp_path / "out", "webdataset")
    (folder / "x.tar").write_bytes(b"")
    with pytest.raises(UsageError, match="shards of two formats"):
        shard_files(folder)


def tar_of(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("members", "message"),
    [({"a.json": b"{}", "b.png": b"x"}, "b has no .json beside it"), ({}, "empty shard")],
)
def test_a_tar_that_holds_no_samples_is_refused(tmp_path, members: dict[str, bytes], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_shard(tar_of(tmp_path / "x.tar", members), tmp_path)


def test_a_file_that_is_no_tar_is_refused(tmp_path) -> None:
    (tmp_path / "x.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(UsageError, match="no readable tar"):
        open_shard(tmp_path / "x.tar", tmp_path)


def test_tars_of_others_are_read_whatever_the_order_in_a_sample(tmp_path) -> None:
    path = tar_of(tmp_path / "x.tar", {"d/a.JPG": b"xyz", "d/a.json": b'{"id": 1}', "d/b.c.txt": b"", "d/b.json": b"2"})
    shard = open_shard(path, tmp_path)
    assert len(shard) == 2 and shard.record(0) == {"id": 1} and shard.picture(0, "q").read() == b"xyz"
