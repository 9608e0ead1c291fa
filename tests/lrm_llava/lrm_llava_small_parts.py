"""Small random parts of real classes, saved as their own checkpoints: a CLIP tower, a Llama with a tokenizer."""

import json
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from lrm_llava.recipes import Recipe, load_recipe
from lrm_llava.training.setup import Where
from lrm_llava.training.train import train_stage

SIDE, PATCH = 32, 8  # 16 patches
LINES = [
    "A chat between a curious user and an artificial intelligence assistant. USER: ASSISTANT: [INST] [/INST] <<SYS>>",
    "You are a helpful language and vision assistant. user assistant Yes No red star Ndiyo አዎ 是 Да",
]


def llama_like_tokenizer(extra: tuple[str, ...] = ()) -> PreTrainedTokenizerFast:
    """SentencePiece's manners, as in Llama's tokenizer: a blank belongs to the word after it; bytes for the rest."""
    backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=True)
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    specials = [AddedToken(token, special=True, normalized=False) for token in ("<unk>", "<s>", "</s>", *extra)]
    raw = [AddedToken(f"<0x{number:02X}>", special=True, normalized=False) for number in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=[*specials, *raw], show_progress=False)
    backend.train_from_iterator(LINES, trainer)
    backend.post_processor = TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", backend.token_to_id("<s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
    )


def save_vision(folder: Path, layers: int = 2) -> Path:
    torch.manual_seed(1)
    config = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=layers, num_attention_heads=2, image_size=SIDE,
        patch_size=PATCH, projection_dim=16,
    )  # fmt: skip
    CLIPVisionModel(config).save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}).save_pretrained(
        folder
    )
    return folder


def save_language(folder: Path, tokenizer: PreTrainedTokenizerFast, tied: bool = False) -> Path:
    torch.manual_seed(2)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=tied, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_samples(root: Path, stage: int, records: list[dict]) -> Path:
    """Shards of one stage, with the images they name."""
    shard = root / f"stage{stage}" / "part-00000.jsonl"
    shard.parent.mkdir(parents=True, exist_ok=True)
    shard.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    for number, record in enumerate(records):
        if "image" in record:
            path = root / record["image"]
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 24), (number * 37 % 256, number * 91 % 256, 128)).save(path)
    return shard


def record(number: int, question: str, answer: str, image: bool = True, **more: object) -> dict:
    found: dict = {"id": str(number)}
    if image:
        found["image"] = f"images/{number}.png"
    said = [{"from": "human", "value": ("<image>\n" if image else "") + question}, {"from": "gpt", "value": answer}]
    return found | {"conversations": said} | more


def small_recipe(**changes: object) -> Recipe:
    """Recipe tiny on the small parts: four steps of four samples, saved after two."""
    found = load_recipe("tiny", ["stage1.batch=4", "stage1.micro_batch=2", "stage2.batch=4", "stage2.micro_batch=2"])
    stages = {
        name: replace(getattr(found, name), **{"max_steps": 4, "save_every": 2, "max_length": 256, **changes})
        for name in ("stage1", "stage2")
    }
    return replace(found, backbone="vicuna-7b", vision="vision", language="language", **stages)


def save_small_data(root: Path) -> Path:
    """Parts, and 24 samples a stage: 16 with an image, 8 of text alone; six steps an epoch in stage 2."""
    save_vision(root / "vision")
    save_language(root / "language", llama_like_tokenizer())
    for stage in (1, 2):
        records = [record(n, f"Is it {'red ' * (n % 5)}?", ("Yes", "No red star")[n % 2], n % 3 > 0) for n in range(24)]
        save_samples(root, stage, records)
    return root


def small_training(
    number: int, data: Path, out: Path, told: list[str] | None = None, *, found: Recipe | None = None,
    report_to: str = "none", evaluate: object = None, **changes: object,
) -> Path:  # fmt: skip
    """A stage of the small recipe, or of another one, on the CPU."""
    tell = (told if told is not None else []).append
    asked = found or small_recipe(**changes)
    return train_stage(asked, number, Where(data, out), tell, report_to=report_to, device="cpu", evaluate=evaluate)
