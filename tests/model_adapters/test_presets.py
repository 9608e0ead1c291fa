from __future__ import annotations

import pytest

from lrm_eval.errors import UsageError
from model_adapters.presets import load_presets, read_presets

GOOD = "name: mine\ntitle: Mine\nadapter: llava\ncheckpoint:\n  id: me/mine\n  revision: null\n"


@pytest.fixture
def refused(tmp_path):
    def check(text, message):
        path = tmp_path / "mine.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(UsageError, match=message) as caught:
            read_presets(path)
        assert "\n" not in str(caught.value)

    return check


def test_a_preset_is_read(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    (preset,) = read_presets(path)
    assert preset.checkpoint is not None
    assert (preset.name, preset.checkpoint.id, preset.default_suite) == ("mine", "me/mine", "full")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "promt: vicuna_v1\n", r"mine\.yaml:7: unknown key 'promt'; did you mean 'prompt'"),
        (
            GOOD.replace("revision", "revison"),
            r"mine\.yaml:6: unknown key 'checkpoint.revison'; did you mean 'revision'",
        ),
        (GOOD + "dtype: fp32\n", r"mine\.yaml:7: dtype: Input should be 'auto'"),
        (GOOD + "languages: [en, no]\n", r"mine\.yaml:7: languages\.1: .*string"),
        (GOOD + "  bundled: x\n", r"mine\.yaml:4: checkpoint: give exactly one of 'id' and 'bundled'"),
        (GOOD + "floor: random\n", r"mine\.yaml:1: 'floor' belongs to adapter: floor"),
        (GOOD + "sizes: x\n", r"mine\.yaml:7: sizes: a list of presets"),
        (GOOD + "sizes:\n  - name: a\n  - nme: b\n", r"mine\.yaml:9: unknown key 'nme'; did you mean 'name'"),
        (GOOD + "prompts:\n  mme: {text: '{q}', source: x}\n", r"mine\.yaml:8: prompts\.mme: text: no such place {q}"),
        (GOOD + "prompts:\n  mme: {text: 'Yes?', source: x}\n", r"mine\.yaml:8: prompts\.mme: text: has no {question}"),
        (GOOD + "server: vllm serve x\n", r"mine\.yaml:1: 'server' belongs to needs: server"),
        ("title: x\n", r"mine\.yaml:1: name: Field required"),
        ("name: [\n", r"mine\.yaml:2: not valid YAML"),
        ("", r"mine\.yaml: a preset is a mapping"),
        ("- a\n", r"mine\.yaml: a preset is a mapping"),
        (b"\xff\xfe\x00", r"mine\.yaml:1: not UTF-8 text"),
    ],
)
def test_a_bad_preset_is_one_line_with_file_and_line(refused, text, message):
    refused(text, message)


def test_a_name_used_twice_is_refused(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "x.yaml").write_text(GOOD.replace("mine", "random"))
    with pytest.raises(UsageError, match="'random' is already taken"):
        load_presets([tmp_path])


def test_llava_15_is_asked_as_its_authors_ask_it():
    for name in ("llava-1.5-7b", "llava-1.5-13b"):
        preset = load_presets()[name]
        assert (preset.prompt, preset.image_processing) == ("vicuna_v1", "pad")


def test_no_preset_invents_a_revision():
    revisions = {p.checkpoint.revision for p in load_presets().values() if p.checkpoint is not None}
    # Phi-4's weights for the native classes lie in a pull request, which transformers' own tests name.
    assert revisions == {None, "refs/pr/70"}


def test_the_sizes_of_a_family_share_what_stands_before_them(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace("name: mine\n", "") + "licence: MIT\nsizes:\n- name: a\n- {name: b, licence: X}\n")
    assert [(one.name, one.title, one.licence) for one in read_presets(path)] == [
        ("a", "Mine", "MIT"),
        ("b", "Mine", "X"),
    ]


def test_every_built_in_preset_of_weights_says_whose_they_are():
    for preset in load_presets().values():
        if preset.adapter in ("hf", "llava"):
            assert preset.citation, preset.name
            assert preset.checkpoint is not None or preset.note, preset.name


def test_the_languages_of_presets_are_bcp_47_tags():
    import langcodes

    for preset in load_presets().values():
        assert len(set(preset.languages)) == len(preset.languages), preset.name
        for tag in preset.languages:
            assert (langcodes.tag_is_valid(tag), langcodes.standardize_tag(tag)) == (True, tag), preset.name
