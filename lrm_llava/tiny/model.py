"""The tiny LRM-LLaVA's parts: tokenizer, processor, and the four components in one LlavaForConditionalGeneration."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lrm_llava.tiny.config import TinyRecipe

IMAGE_TOKEN = "<image>"  # noqa: S105
EMBEDDING_STD = 0.5
BOS, EOS, PAD, UNK = "<s>", "</s>", "<pad>", "<unk>"

# LLaVA's turn without the system sentence, as in the llava-hf checkpoints; one exchange a conversation.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}USER: "
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>\n{% endif %}{% endfor %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{% else %} ASSISTANT: "
    "{% for part in message['content'] %}{% generation %}{{ part['text'] }}</s>{% endgeneration %}{% endfor %}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)


def train_tokenizer(lines: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE over all languages: no text is out of vocabulary, frequent words are one token."""
    backend = Tokenizer(models.BPE())
    # GPT-2's words, with combining marks kept inside a word, so that no script is cut at its vowel signs.
    # Scripts that write no spaces are cut letter by letter: as runs, whole questions became single tokens.
    unspaced = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    words = Regex(
        rf"[{unspaced}]\p{{M}}*| ?(?:(?![{unspaced}])[\p{{L}}\p{{M}}])+| ?\p{{N}}+"
        r"| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s+"
    )
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(words, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[
            AddedToken(token, special=True, normalized=False) for token in (PAD, BOS, EOS, UNK, IMAGE_TOKEN)
        ],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(lines, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token=BOS, eos_token=EOS, pad_token=PAD, unk_token=UNK,
        extra_special_tokens={"image_token": IMAGE_TOKEN}, padding_side="left", clean_up_tokenization_spaces=False,
    )  # fmt: skip


def build_processor(tokenizer: PreTrainedTokenizerFast, recipe: TinyRecipe) -> LlavaProcessor:
    """Image processor (PIL, no torchvision) and tokenizer with the chat template."""
    size = recipe.vision.image_size
    image_processor = CLIPImageProcessorPil(
        size={"height": size, "width": size},
        do_center_crop=False,
        resample=3,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    return LlavaProcessor(
        image_processor=image_processor,
        tokenizer=tokenizer,
        patch_size=recipe.vision.patch_size,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,  # CLS, which "default" drops again
        image_token=IMAGE_TOKEN,
        chat_template=CHAT_TEMPLATE,
    )


def build_model(recipe: TinyRecipe, tokenizer: PreTrainedTokenizerFast) -> LlavaForConditionalGeneration:
    """Vision tower, two-layer MLP projector and language model, freshly initialised from the recipe's seed."""
    torch.manual_seed(recipe.seed)
    vision, language = recipe.vision, recipe.language
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=vision.width, intermediate_size=2 * vision.width, num_hidden_layers=vision.layers,
            num_attention_heads=vision.heads, image_size=vision.image_size, patch_size=vision.patch_size,
            projection_dim=vision.width,
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=language.width, intermediate_size=language.mlp,
            num_hidden_layers=language.layers, num_attention_heads=language.heads, num_key_value_heads=language.heads,
            max_position_embeddings=language.max_positions, tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        ),
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE_TOKEN),
        projector_hidden_act="gelu",
        vision_feature_select_strategy="default",
        # Deviation: LLaVA reads the last layer but one (-2) of 24; of two layers that would throw half away.
        vision_feature_layer=-1,
        image_seq_length=(vision.image_size // vision.patch_size) ** 2,
        tie_word_embeddings=True,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(config)
    _initialise(model)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.bos_token_id = tokenizer.bos_token_id
    return model


def _initialise(model: LlavaForConditionalGeneration) -> None:
    """1/sqrt(fan-in) for every matrix: transformers' 0.02 is made for widths in the thousands.

    In the residual stream a token must not drown in what the first layers add to it, or it is
    hard to look up by token: embeddings start at 0.5, branches at 1/sqrt(2 layers), and
    the last norm small, so that the tied head's logits still start at about 1.
    """
    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, std=1 / math.sqrt(module.in_features))
    language = model.model.language_model
    width, layers = language.config.hidden_size, language.config.num_hidden_layers
    torch.nn.init.normal_(language.embed_tokens.weight, std=EMBEDDING_STD)
    torch.nn.init.constant_(language.norm.weight, 1 / (EMBEDDING_STD * math.sqrt(width)))
    for layer in language.layers:
        for branch in (layer.self_attn.o_proj, layer.mlp.down_proj):
            torch.nn.init.normal_(branch.weight, std=1 / math.sqrt(2 * layers * branch.in_features))


def scale_projector(model: LlavaForConditionalGeneration, features: torch.Tensor) -> None:
    """Fit the projector's first layer to the tower's features [N, 9, D_v]: images start as loud as words."""
    first = model.model.multi_modal_projector.linear_1
    with torch.no_grad():
        mean, scale = features.mean((0, 1)), features.std()
        first.weight /= scale
        first.bias.copy_(-first.weight @ mean)


def parts(model: LlavaForConditionalGeneration) -> dict[str, Any]:
    """The components by the paper's names."""
    return {
        "vision": model.model.vision_tower,
        "projector": model.model.multi_modal_projector,
        "language": model.model.language_model,
        "head": model.lm_head,
    }
