"""The settings of the paper, one recipe each (Li et al., AAAI 2025).

What the paper leaves open is filled from LLaVA-1.5 (its scripts/v1_5) and marked "LLaVA-1.5".
"""

from __future__ import annotations

from dataclasses import replace

from lrm_llava.recipes.model import Instructions, Recipe, Source, Stage

# Section "Experiments": the nine languages beside English.
LANGUAGES = ("en", "cs", "de", "fr", "hr", "it", "ro", "ru", "es", "zh")

# Section "Training", stage 1: ShareGPT4V-PT, translated.
STAGE1_SOURCES = (
    Source("sharegpt4v-pt", "share-captioner_coco_lcs_sam_1246k_1107.json", ".", origin="Lin-Chen/ShareGPT4V"),
)
# Section "Training", stage 2: the LLaVA-1.5 mixture, ChartQA, GeoQA, DocVQA, DVQA and AI2D, translated;
# "mathematics-like data stays in English". The paper names no file: these are the names of the public conversions.
STAGE2_SOURCES = (
    Source("llava-1.5-mixture", "llava_v1_5_mix665k.json", ".", origin="liuhaotian/LLaVA-Instruct-150K"),
    Source("chartqa", "chartqa_train_18k.jsonl", "chartqa", origin="ChartQA"),
    Source("geoqa", "geoqa+.jsonl", "geoqa+", translate=False, origin="GeoQA+"),
    Source("docvqa", "docvqa_train_10k.jsonl", "docvqa", origin="DocVQA"),
    Source("dvqa", "dvqa_train_200k.jsonl", "dvqa", origin="DVQA"),
    Source("ai2d", "ai2d_train_12k.jsonl", "ai2d", origin="AI2D"),
)

# Table "Training": learning rate 1e-3, 24 samples on each of 8 A800. Cosine, 3 % warm-up, no weight decay: LLaVA-1.5.
STAGE1 = Stage(
    trains=("projector",), sources=STAGE1_SOURCES, instructions=Instructions(1.0, 0.0, 0.0),
    learning_rate=1e-3, batch=8 * 24, micro_batch=24,
)  # fmt: skip
# Learning rate 2e-5, 32 samples on each of 8 A800. The shares of the instructions are not given: alike.
STAGE2 = Stage(
    trains=("projector", "language"), sources=STAGE2_SOURCES, instructions=Instructions(1 / 3, 1 / 3, 1 / 3),
    learning_rate=2e-5, batch=8 * 32, micro_batch=4,
)  # fmt: skip

# Section "The model": CLIP ViT-L/14. The 336-pixel tower is LLaVA-1.5's, and the paper's LLaVA-1.5 numbers are its.
_VISION = "openai/clip-vit-large-patch14-336"
# The main model of tables 1 and 3: Vicuna-13B.
PAPER_13B = Recipe("paper-13b", "vicuna-13b", _VISION, LANGUAGES, STAGE1, STAGE2)


def _ablation(name: str, **shares: float) -> Recipe:
    """Table 3: the same with some of the instructions; those that stay share alike."""
    return replace(PAPER_13B, name=name, stage2=replace(STAGE2, instructions=Instructions(**shares)))


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        PAPER_13B,
        # Table 4: other language models.
        replace(PAPER_13B, name="paper-7b", backbone="vicuna-7b"),
        replace(PAPER_13B, name="paper-llama2-13b", backbone="llama2-13b"),
        replace(PAPER_13B, name="paper-llama3-8b", backbone="llama3-8b"),
        # Table 3: without one instruction, and without any (English only in both stages).
        _ablation("paper-13b-no-mvqa", mvqa=0.0, ep_vqa=0.5, bvqa=0.5),
        _ablation("paper-13b-no-ep-vqa", mvqa=0.5, ep_vqa=0.0, bvqa=0.5),
        _ablation("paper-13b-no-bvqa", mvqa=0.5, ep_vqa=0.5, bvqa=0.0),
        replace(PAPER_13B, name="paper-13b-english", languages=("en",), non_english=0.0),
        # Figure 6: the share of data in other languages; 100 % is paper-13b itself.
        *(replace(PAPER_13B, name=f"paper-13b-ratio-{share}", non_english=share / 100) for share in (40, 70, 150)),
    )
}
