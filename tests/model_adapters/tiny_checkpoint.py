"""A tiny random LLaVA checkpoint, built in the test: real classes, nothing downloaded."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

from lrm_eval.types import ImagePart, ImageRef, Request, Sample, TextPart

if TYPE_CHECKING:
    from pathlib import Path

# The shape of llava-hf's template: the image first, "ASSISTANT:" as generation prompt, a blank before the answer.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ message['role'].upper() + ': ' }}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] + ' ' }}{% endfor %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
_CORPUS = [
    "Is there a red circle in the image? Answer the question using a single word or phrase. yes no",
    "Je, kuna duara jekundu kwenye picha? Jibu swali kwa neno moja. ndiyo hapana",
    "በምስሉ ላይ ቀይ ክብ አለ? አዎ አይ",
    "A. red B. green C. blue D. yellow Answer with the option's letter from the given choices directly.",
    "USER: ASSISTANT: <image>",
]
WIDTH = 32


def build_checkpoint(
    folder: Path, seed: int = 0, context: int = 256, family: str = "llama", vision_layers: int = 2, **text: object
) -> Path:
    """Save a random LlavaForConditionalGeneration (CLIP, and 2 layers of a text model) with its processor."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import (
        AutoConfig,
        CLIPVisionConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>", "<pad>", "<image>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(_CORPUS, trainer)
    raw.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="</s>", pad_token="<pad>", padding_side="left"
    )
    image_processor = CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    processor = LlavaProcessor(
        image_processor=image_processor,
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
    )
    vocabulary = len(tokenizer)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=WIDTH,
            intermediate_size=64,
            num_hidden_layers=vision_layers,
            num_attention_heads=2,
            image_size=16,
            patch_size=8,
        ),
        text_config=AutoConfig.for_model(
            family,
            **{
                "vocab_size": vocabulary,
                "hidden_size": WIDTH,
                "intermediate_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "num_key_value_heads": 2,
                "max_position_embeddings": context,
                "bos_token_id": 0,
                "eos_token_id": 1,
                "pad_token_id": 2,
                **text,
            },
        ),
        image_token_id=3,
        # With two layers the last is read; with more the last but one, as in LLaVA-1.5.
        vision_feature_layer=-1 if vision_layers == 2 else -2,
    )
    torch.manual_seed(seed)
    model = LlavaForConditionalGeneration(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                # Wide enough that logits differ clearly, so that answers vary and no two tokens tie.
                weight.normal_(0, 1.0 if "embed_tokens" in name else 1.5 / weight.shape[-1] ** 0.5)
    # A few images in: end early on some prompts and never on others, so that batches are ragged at both ends.
    model.generation_config.eos_token_id = [1, *range(40, 40 + vocabulary // 8)]
    model.generation_config.pad_token_id = 2
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def picture_bytes(colour: tuple[int, int, int], size: tuple[int, int] = (20, 14)) -> bytes:
    """A PNG of one colour with a black corner."""
    from PIL import Image

    image = Image.new("RGB", size, colour)
    image.paste((0, 0, 0), (0, 0, size[0] // 3, size[1] // 3))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def image_ref(data: bytes, uri: str = "image.png") -> ImageRef:
    """A reference to bytes in memory."""
    return ImageRef(uri, hashlib.sha256(data).hexdigest(), lambda: data)


def make_request(
    key: str,
    question: str,
    image: ImageRef | None = None,
    *,
    choices: tuple[str, ...] = (),
    max_new_tokens: int = 8,
    language: str = "en",
    task: str = "tiny-mme",
    **sample: object,
) -> Request:
    """A request as the prompts module makes it: the image first, then one text."""
    fields: dict[str, object] = {"kind": "yes_no", "gold": "yes", **sample}
    made = Sample(id=key.partition("@")[0], task=task, language=language, question=question, **fields)  # type: ignore[arg-type]
    parts = (TextPart(question),) if image is None else (ImagePart(image), TextPart(question))
    return Request(key, parts, made, max_new_tokens, choices)


COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (220, 220, 40), (120, 0, 120)]
QUESTIONS = [
    "Is there a red circle?",
    "Je, kuna duara jekundu kwenye picha? Jibu swali kwa neno moja.",
    "በምስሉ ላይ ቀይ ክብ አለ?",
    "How many shapes are there, and of which colour are they? Answer the question using a single word or phrase.",
    "No?",
]


def ragged_requests(**options: object) -> list[Request]:
    """Twenty-one requests, grouped by image, of very different lengths; the last has no image."""
    images = [image_ref(picture_bytes(colour), f"{place}.png") for place, colour in enumerate(COLOURS[:4])]
    asked = [
        make_request(f"q/{place}/{number}@en", question, image, **options)  # type: ignore[arg-type]
        for place, image in enumerate(images)
        for number, question in enumerate(QUESTIONS)
    ]
    return [*asked, make_request("q/text@en", "Is there text only?", **options)]  # type: ignore[arg-type]
