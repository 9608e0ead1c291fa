from __future__ import annotations

import pytest
import torch
from tiny_checkpoint import COLOURS, build_checkpoint, picture_bytes

from lrm_eval.errors import UsageError
from model_adapters import load_model, resolve_model


def load(folder):
    return load_model(resolve_model(f"hf:{folder}"), device="cpu")._loaded


@pytest.mark.parametrize("layers", [2, 3, 5])
def test_features_without_the_unread_layers_are_the_same_to_the_last_bit(tmp_path, layers):
    import io

    from PIL import Image
    from transformers import LlavaForConditionalGeneration

    folder = build_checkpoint(tmp_path / "tiny", vision_layers=layers)
    loaded = load(folder)
    whole = LlavaForConditionalGeneration.from_pretrained(folder).eval()
    assert len(loaded.model.model.vision_tower.encoder.layers) == (2 if layers == 2 else layers - 1)
    assert loaded.image_tokens == 4
    pixels = loaded.pixels(Image.open(io.BytesIO(picture_bytes(COLOURS[0]))))
    with torch.inference_mode():
        right = whole.get_image_features(pixel_values=pixels, return_dict=True).pooler_output[0]
        assert torch.equal(loaded.features(pixels)[0], right)


def test_an_image_processor_of_another_size_is_told_while_loading(tmp_path):
    import json

    folder = build_checkpoint(tmp_path / "tiny")
    for name in ("preprocessor_config.json", "processor_config.json"):
        path = folder / name
        if path.exists():
            path.write_text(path.read_text().replace("16", "24"))
            json.loads(path.read_text())
    with pytest.raises(UsageError, match="image processor and vision tower do not fit"):
        load(folder)
