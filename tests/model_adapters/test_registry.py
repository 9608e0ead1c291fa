from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.types import Adapter
from model_adapters import list_models, load_model, registry, resolve_model

PRESETS = {info.name for info in list_models()}
# The models of the paper's tables, and the families of today that people compare with them.
PAPER = {
    *("lrm-llava", "llava-tiny", "random", "majority", "blind", "qwen-vl-chat"),
    *(f"{name}-{size}b" for name in ("llava-1.5", "instructblip", "lvis-instruct4v", "sharegpt4v") for size in (7, 13)),
}
FAMILIES = (
    *("qwen2-vl-", "qwen2.5-vl-", "qwen3-vl-", "internvl3-", "gemma-3-", "aya-vision-", "pangea-7b", "palo-7b"),
    *("palo-13b", "paligemma-2-", "smolvlm-", "llava-onevision-", "mblip-", "maya-8b", "phi-4-", "llama-3.2-vision-"),
)


def test_the_models_of_the_paper_and_of_todays_field_have_presets():
    assert PAPER <= PRESETS
    assert [family for family in FAMILIES if not any(name.startswith(family) for name in PRESETS)] == []


def test_only_bundled_checkpoints_run_the_tiny_suite_by_default():
    here = {info.name for info in list_models() if info.state != "needs-server"}
    assert {name for name in here if resolve_model(name).default_suite == "tiny"} == {
        "lrm-llava",
        "llava-tiny",
        "blind",
    }


def test_other_weights_under_a_bundled_name_run_the_full_suite(llava_folder):
    spec = resolve_model("lrm-llava", str(llava_folder))
    assert (spec.name, spec.default_suite) == ("lrm-llava", "full")
    assert spec.checkpoint is not None
    assert spec.checkpoint.path == llava_folder


def test_blind_is_lrm_llava_with_the_image_hidden():
    blind, seeing = resolve_model("blind"), resolve_model("lrm-llava")
    assert blind.blind
    assert (blind.name, blind.checkpoint, blind.preset) == ("blind", seeing.checkpoint, seeing.preset)
    assert resolve_model("blind:llava-tiny").name == "blind:llava-tiny"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lrm-lava", "did you mean 'lrm-llava'"),
        ("LLaVA-1.5-7B", "did you mean 'llava-1.5-7b'"),
        ("blind:lrm-lava", "did you mean 'lrm-llava'"),
        ("blind:random", "only be hidden from a model that is loaded here"),
        ("blind:blind", "blind already"),
        ("blind:", "after the colon"),
        ("hf:", "after the colon"),
        ("llava-hf/llava-1.5-7b-hf", "--model hf:llava-hf/llava-1.5-7b-hf"),
        ("", "--model names no model"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_what_to_type(name, message):
    with pytest.raises(UsageError, match=message) as caught:
        resolve_model(name)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_for_a_model_without_weights_is_refused(llava_folder):
    with pytest.raises(UsageError, match="takes no --checkpoint"):
        resolve_model("random", str(llava_folder))


def test_a_checkpoint_is_named_only_once(llava_folder):
    with pytest.raises(UsageError, match="leave out --checkpoint"):
        resolve_model(f"hf:{llava_folder}", str(llava_folder))


def test_a_local_checkpoint_is_called_by_its_folder_and_not_by_its_path(llava_folder):
    spec = resolve_model(f"hf:{llava_folder}")
    assert (spec.name, spec.folder) == ("hf:tiny-random-llava", "hf-tiny-random-llava")


def test_every_adapter_keeps_the_protocol(llava_folder):
    for spec in (resolve_model("random"), resolve_model(f"hf:{llava_folder}")):
        adapter = load_model(spec, device="cpu")
        assert isinstance(adapter, Adapter)
        adapter.close()


def test_presets_of_an_include_path_are_models_too(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.yaml").write_text(
        "name: mine\ntitle: Mine\nadapter: llava\ncheckpoint: {id: me/mine, revision: null}\n"
    )
    assert str(resolve_model("mine", include_paths=[tmp_path]).checkpoint) == "me/mine"
    assert [i.state for i in list_models([tmp_path]) if i.name == "mine"] == ["needs-download"]


def test_an_adapter_of_another_package_is_found_by_its_entry_point(monkeypatch):
    point = EntryPoint("echo", "echo_adapter_for_tests:Echo", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    adapter = load_model(resolve_model("echo:hello"))
    from tiny_checkpoint import make_request

    assert next(adapter.generate([make_request("k@en", "?")])).text == "hello"


def test_an_adapter_that_cannot_be_imported_is_one_line(monkeypatch):
    point = EntryPoint("gone", "no_such_module_anywhere:X", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    with pytest.raises(UsageError, match="cannot be imported"):
        load_model(resolve_model("gone"))


def test_resolving_and_listing_import_neither_torch_nor_transformers():
    code = (
        "import sys, model_adapters as m; m.list_models(); m.resolve_model('lrm-llava');"
        "m.load_model(m.resolve_model('random'));"
        "print([name for name in ('torch', 'transformers', 'evaluate', 'datasets', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_bundled_checkpoint_that_is_not_installed_says_how_to_build_it(monkeypatch, tmp_path):
    from model_adapters.spec import CheckpointRef

    monkeypatch.setattr(registry, "bundled_checkpoint", lambda relative: CheckpointRef(path=tmp_path / relative))
    with pytest.raises(UsageError, match=r"model lrm-llava: .*build it with `lrm-llava tiny build`"):
        load_model(resolve_model("lrm-llava"))
    assert {info.state for info in list_models() if info.checkpoint == "bundled"} == {"missing"}


def test_a_bundled_checkpoint_tells_its_size(monkeypatch, llava_folder):
    from model_adapters.spec import CheckpointRef

    monkeypatch.setattr(registry, "bundled_checkpoint", lambda relative: CheckpointRef(path=llava_folder))
    infos = {info.name: info for info in list_models()}
    assert infos["lrm-llava"].state == "ready"
    assert infos["lrm-llava"].parameters.endswith("k")


def test_a_model_that_needs_a_server_says_which_command_starts_it():
    with pytest.raises(UsageError) as caught:
        resolve_model("qwen-vl-chat")
    assert "`vllm serve Qwen/Qwen-VL-Chat --trust-remote-code" in str(caught.value)
    assert "--model openai:Qwen/Qwen-VL-Chat --base-url" in str(caught.value)


def test_a_model_whose_repository_is_not_known_asks_for_its_weights(llava_folder):
    with pytest.raises(UsageError, match="lvis-instruct4v-13b: needs a checkpoint; give --checkpoint FOLDER"):
        load_model(resolve_model("lvis-instruct4v-13b"), device="cpu")
    adapter = load_model(resolve_model("lvis-instruct4v-13b", str(llava_folder)), device="cpu")
    assert adapter.fingerprint()["adapter"] == "llava"


def test_what_each_preset_needs_is_told_without_a_download():
    states = {info.name: info.state for info in list_models()}
    assert states["qwen-vl-chat"] == "needs-server"
    assert {states["palo-7b"], states["sharegpt4v-13b"]} <= {"needs-conversion", "ready"}
    assert {states["qwen3-vl-8b"], states["gemma-3-4b"]} <= {"needs-download", "ready"}
