from __future__ import annotations

import os
import threading

import pytest
import torch
from tiny_checkpoint import COLOURS, build_checkpoint, image_ref, make_request, picture_bytes, ragged_requests

from lrm_eval.errors import UsageError
from model_adapters import load_model, resolve_model
from model_adapters.feature_cache import FeatureCache, vision_key

FEATURES = torch.arange(12.0).view(4, 3)


def load(folder, cache, **options):
    return load_model(resolve_model(f"hf:{folder}"), device="cpu", feature_cache=cache, **options)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_put_in_comes_out_again(tmp_path):
    cache = FeatureCache(tmp_path / "new" / "cache", "key")
    assert cache.get("image") is None
    cache.put("image", FEATURES)
    assert torch.equal(FeatureCache(tmp_path / "new" / "cache", "key").get("image"), FEATURES)
    assert cache.has("image")
    assert not cache.has("other")


def test_bfloat16_comes_back_to_the_last_bit(tmp_path):
    cache = FeatureCache(tmp_path, "key")
    cache.put("image", FEATURES.bfloat16() / 3)
    found = cache.get("image")
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, FEATURES.bfloat16() / 3)


def test_another_model_never_sees_it(tmp_path):
    FeatureCache(tmp_path, "key").put("image", FEATURES)
    assert FeatureCache(tmp_path, "other key").get("image") is None


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_file_counts_as_absent_and_goes(tmp_path, damage):
    cache = FeatureCache(tmp_path, "key")
    cache.put("image", FEATURES)
    path = next(tmp_path.iterdir())
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data) if damage is None else damage)
    assert cache.get("image") is None
    assert files(tmp_path) == []


def test_it_stays_within_its_bound_and_what_was_used_last_stays(tmp_path):
    size = len(_bytes(tmp_path / "probe"))
    cache = FeatureCache(tmp_path / "cache", "key", most=5 * size)
    for number in range(4):
        cache.put(f"{number}", FEATURES)
        os.utime(cache._path(f"{number}"), (number, number))
    assert cache.get("0") is not None
    for number in range(4, 12):
        cache.put(f"{number}", FEATURES)
        assert sum(path.stat().st_size for path in (tmp_path / "cache").iterdir()) <= 5 * size
    assert cache.has("11")
    assert not cache.has("1")


def _bytes(folder):
    FeatureCache(folder, "key").put("image", FEATURES)
    return next(folder.iterdir()).read_bytes()


def test_features_larger_than_the_bound_are_not_kept(tmp_path):
    cache = FeatureCache(tmp_path, "key", most=10)
    cache.put("image", FEATURES)
    assert files(tmp_path) == []


def test_two_runs_at_once_never_read_half_a_file(tmp_path):
    large = torch.arange(40_000.0).view(200, 200)
    size = large.numel() * 4 + 500
    problems = []

    def work(seed):
        cache = FeatureCache(tmp_path, "key", most=6 * size)
        for turn in range(60):
            name = str((turn * 7 + seed) % 10)
            found = cache.get(name)
            if found is not None and not torch.equal(found, large + int(name)):
                problems.append(name)
            cache.put(name, large + int(name))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert not [name for name in files(tmp_path) if name.endswith(".part")]


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"feature cache .*file.*: cannot be written to"):
        FeatureCache(tmp_path / "file" / "cache", "key")


def test_a_second_run_looks_at_no_image_and_answers_the_same(llava_folder, tmp_path, monkeypatch):
    from model_adapters.llava_loading import LoadedLlava

    first = {r.key: r for r in load(llava_folder, tmp_path).generate(ragged_requests())}
    second = load(llava_folder, tmp_path)
    monkeypatch.setattr(LoadedLlava, "features", lambda *_: pytest.fail("computed again"))
    assert {r.key: r for r in second.generate(ragged_requests())} == first
    assert second.performance()["counts"]["images"] == 0
    assert len(files(tmp_path)) == 4


def test_changed_weights_are_never_answered_from_what_the_old_ones_saw(llava_folder, tmp_path):
    list(load(llava_folder, tmp_path / "cache").generate(ragged_requests()))
    model = load(llava_folder, tmp_path / "cache")
    with torch.no_grad():
        next(model._loaded.model.model.multi_modal_projector.parameters())[0, 0] += 1
    changed = model._loaded.model
    changed.save_pretrained(tmp_path / "changed")
    for path in llava_folder.iterdir():
        if not (tmp_path / "changed" / path.name).exists():
            (tmp_path / "changed" / path.name).write_bytes(path.read_bytes())
    cached = {r.key: r for r in load(tmp_path / "changed", tmp_path / "cache").generate(ragged_requests())}
    fresh = {r.key: r for r in load(tmp_path / "changed", None).generate(ragged_requests())}
    assert cached == fresh


def test_each_thing_that_decides_features_is_part_of_the_key(llava_folder, tmp_path):
    def key(folder=llava_folder, change=None, **options):
        loaded = load(folder, None, **options)._loaded
        if change is not None:
            change(loaded)
        return vision_key(loaded)

    def processor(loaded):
        loaded.processor.image_processor.image_mean = [0.1, 0.2, 0.3]

    def layer(loaded):
        loaded.vision_feature_layer = -7

    def weight(loaded):
        with torch.no_grad():
            loaded.model.model.vision_tower.embeddings.class_embedding[0] += 1e-6

    same = key()
    assert key() == same
    other = build_checkpoint(tmp_path / "other", seed=1)
    found = [key(change=change) for change in (processor, layer, weight)]
    found += [key(other), key(dtype="bfloat16")]
    assert len({same, *found}) == 6


def test_text_weights_are_not_part_of_the_key(llava_folder):
    loaded = load(llava_folder, None)._loaded
    before = vision_key(loaded)
    with torch.no_grad():
        loaded.model.lm_head.weight[0, 0] += 1
    assert vision_key(loaded) == before


def test_two_images_of_one_name_are_two_files(llava_folder, tmp_path):
    pictures = [image_ref(picture_bytes(colour), "same.png") for colour in COLOURS[:2]]
    list(load(llava_folder, tmp_path).generate([make_request(f"{n}@en", "?", p) for n, p in enumerate(pictures)]))
    assert len(files(tmp_path)) == 2
