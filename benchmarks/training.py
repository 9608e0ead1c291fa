"""How fast a stage trains, and what of the machine it uses: random weights at real geometry, real shards and images.

    python benchmarks/training.py                    # both stages at a small geometry, on the CPU
    python benchmarks/training.py --device cuda      # stage 1 at 13B and stage 2 at 7B, on one GPU

The path is that of `lrm-llava train`: shards, images opened and processed, batches of one length, LlavaTrainer, AdamW.
What differs: weights are drawn, not read; nothing is saved; and on a GPU weights, gradients and Adam's moments are in
bf16, as a single card holds no fp32 copy of 7B with its optimizer (of eight GPUs each keeps an eighth of it, and
computes with bf16 weights gathered for the moment). MFU is told against the rate of a matrix product measured on the
same device and dtype, and against the datasheet's peak where the card is known.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import resource
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lrm_eval.runs.environment import environment, versions
from lrm_llava.faults import quiet
from lrm_llava.recipes import Recipe, load_recipe
from lrm_llava.training.cost import CARDS, GEOMETRIES, PAPER_LOADS
from lrm_llava.training.geometry import Geometry

# CLIP's and Llama's proportions, for a CPU: 20 M parameters, 36 tokens an image.
SMALL = Geometry(
    layers=6, width=384, mlp=1024, heads=6, key_heads=6, head_size=64, rows=8192, tower_layers=4, tower_width=256,
    tower_mlp=1024, patches=36,
)  # fmt: skip
SIZES = {"small": SMALL, "7b": GEOMETRIES["vicuna-7b"], "13b": GEOMETRIES["vicuna-13b"]}
WORDS = ("red", "circle", "blue", "square", "triangle", "top", "middle", "left", "what", "where", "is", "the", "and")
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
DEFAULT = {"cpu": ["1:small", "2:small"], "cuda": ["1:13b", "2:7b"]}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--case", action="append", metavar="STAGE:SIZE", help=f"sizes: {', '.join(SIZES)}")
    parser.add_argument("--steps", type=int, default=6, help="that count")
    parser.add_argument("--warmup", type=int, default=2, help="steps before them")
    parser.add_argument("--micro-batch", type=int, help="samples at once; default: the recipe's, 4 on a CPU")
    parser.add_argument("--accumulate", type=int, default=2, help="micro-batches a step")
    parser.add_argument("--text-tokens", type=int, help="mean of a sample beside its image; default: the paper's load")
    parser.add_argument("--no-checkpointing", action="store_true", help="keep all activations")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="cpu: seconds computed, on a CPU that is shared"
    )
    parser.add_argument("--liger", action="store_true", help="liger-kernel's fused operations (GPU)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    return parser.parse_args()


def model_config(sizes: Geometry, image_token: int) -> Any:
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig

    side = round(sizes.patches**0.5) * sizes.patch_size
    vision = CLIPVisionConfig(
        hidden_size=sizes.tower_width, intermediate_size=sizes.tower_mlp, num_hidden_layers=sizes.tower_layers,
        num_attention_heads=sizes.tower_width // 64, image_size=side, patch_size=sizes.patch_size,
        projection_dim=sizes.tower_width,
    )  # fmt: skip
    text = LlamaConfig(
        vocab_size=sizes.rows, hidden_size=sizes.width, intermediate_size=sizes.mlp, num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads, num_key_value_heads=sizes.key_heads, max_position_embeddings=4096,
    )  # fmt: skip
    return LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=image_token, vision_feature_layer=-2,
        image_seq_length=sizes.patches,
    )  # fmt: skip


def make_processor(sizes: Geometry) -> Any:
    """The bundled model's tokenizer with CLIP's image processing: what a token says costs nothing."""
    from transformers import AutoTokenizer, LlavaProcessor
    from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

    import lrm_llava
    from lrm_llava.backbones import load_backbone

    side = round(sizes.patches**0.5) * sizes.patch_size
    bundled = Path(lrm_llava.__file__).parent / "checkpoints" / "lrm-llava"
    tokenizer = AutoTokenizer.from_pretrained(bundled, padding_side="right")
    image_processor = LlavaImageProcessorPil(
        do_pad=True, size={"shortest_edge": side}, crop_size={"height": side, "width": side}
    )
    return LlavaProcessor(
        image_processor=image_processor, tokenizer=tokenizer, patch_size=sizes.patch_size,
        vision_feature_select_strategy="default", num_additional_image_tokens=1, image_token="<image>",
        chat_template=load_backbone("tiny").chat_template(),
    )  # fmt: skip


def write_shard(folder: Path, stage: int, count: int, tokens: int, encoder_length: Any) -> None:
    """Conversations with an image whose texts have about as many tokens as asked, half as many to twice as many."""
    from PIL import Image

    rng = random.Random(1)
    (folder / f"stage{stage}").mkdir(parents=True)
    (folder / "images").mkdir()
    for number in range(16):
        noise = rng.randbytes(480 * 360 * 3)
        Image.frombytes("RGB", (480, 360), noise).save(folder / "images" / f"{number}.jpg")
    per_word = encoder_length(" ".join(WORDS)) / len(WORDS)
    lines = []
    for number in range(count):
        wanted = max(8, round(tokens * rng.uniform(0.5, 1.5) / per_word))
        text = [rng.choice(WORDS) for _ in range(wanted)]
        cut = len(text) // 4
        said = [
            {"from": "human", "value": "<image>\n" + " ".join(text[:cut])},
            {"from": "gpt", "value": " ".join(text[cut:])},
        ]
        lines.append(json.dumps({"id": str(number), "image": f"images/{number % 16}.jpg", "conversations": said}))
    (folder / f"stage{stage}" / "random.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def asked(options: argparse.Namespace, number: int) -> Recipe:
    recipe = load_recipe("paper-13b")
    stage = recipe.stage(number)
    micro = options.micro_batch or (stage.micro_batch if options.device == "cuda" else 4)
    changed = replace(
        stage, micro_batch=micro, batch=micro * options.accumulate, max_steps=options.warmup + options.steps,
        checkpoint_activations=not options.no_checkpointing,
    )  # fmt: skip
    name = f"stage{number}"
    return replace(recipe, liger=options.liger, **{name: changed})


def stopwatch(device: str, clock: Any) -> Any:
    """A TrainerCallback that notes how long each step took."""
    import torch
    from transformers import TrainerCallback

    class Clock(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.seconds: list[float] = []

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.begun = clock()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if device == "cuda":
                torch.cuda.synchronize()
            self.seconds.append(clock() - self.begun)

    return Clock()


def measure(options: argparse.Namespace, number: int, size: str, work: Path) -> dict[str, Any]:
    """One stage at one size."""
    import torch
    from transformers import LlavaForConditionalGeneration, PrinterCallback, ProgressCallback

    from lrm_llava.assembly import set_trainable
    from lrm_llava.training.collate import Collator
    from lrm_llava.training.sampler import grouped_order
    from lrm_llava.training.setup import load_data, training_arguments
    from lrm_llava.training.trainer import LlavaTrainer
    from model_adapters.engine.work import measure_rates

    sizes, recipe = SIZES[size], asked(options, number)
    stage = recipe.stage(number)
    device, dtype = torch.device(options.device), torch.bfloat16 if options.device == "cuda" else torch.float32
    processor = make_processor(sizes)
    told = training_arguments(recipe, number, work / "out", "none", options.device)
    told.set_save(strategy="no")
    torch.manual_seed(1)
    with device:
        model = LlavaForConditionalGeneration._from_config(
            model_config(sizes, processor.tokenizer.convert_tokens_to_ids("<image>")), dtype=dtype
        )
    set_trainable(model, stage.trains)
    text_tokens = options.text_tokens or (round(PAPER_LOADS[number].text_tokens) if options.device == "cuda" else 80)
    count = stage.batch * stage.max_steps
    write_shard(work, number, count, text_tokens, lambda text: len(processor.tokenizer(text)["input_ids"]))
    data = load_data(recipe, number, work, processor, model, lambda line: None)
    clock = CLOCKS[options.clock]
    watch = stopwatch(options.device, clock)
    trainer = LlavaTrainer(
        data=data, stage=stage, model=model, args=told, processing_class=processor,
        data_collator=Collator(processor.image_processor, processor.tokenizer.pad_token_id), callbacks=[watch],
    )  # fmt: skip
    for loud in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(loud)
    rate = measure_rates(device, dtype, 1.0, clock).operations
    trainer.train()
    order = partial(grouped_order, data.lengths, stage.batch, recipe.seed)(0)
    counted = data.lengths[order[options.warmup * stage.batch : stage.max_steps * stage.batch]].astype(float)
    seconds = sum(watch.seconds[options.warmup :])
    flops = sizes.flops(int(counted.sum()), len(counted), float((counted**2).sum()) / 2, stage)
    peak = torch.cuda.max_memory_allocated() if options.device == "cuda" else _resident()
    return {
        "stage": number, "size": size, "parameters": sizes.weights, "trained": sizes.trained(stage),
        "dtype": str(dtype).removeprefix("torch."), "batch": f"{options.accumulate} x {stage.micro_batch}",
        "mean_tokens": counted.mean(), "seconds_a_step": seconds / options.steps, "samples_s": len(counted) / seconds,
        "tokens_s": counted.sum() / seconds, "flops_s": flops / seconds, "measured_rate": rate,
        "mfu": flops / seconds / rate, "peak_bytes": int(peak),
    }  # fmt: skip


def _resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def datasheet(name: str) -> float | None:
    """The peak of a card by its name, in FLOP/s; None for one that is not known."""
    found = next((card for key, card in CARDS.items() if key in name.lower()), None)
    return None if found is None else found.tflops * 1e12


def table(rows: list[dict[str, Any]], peak: float | None) -> Table:
    made = Table(box=None)
    for name in ("stage", "size", "weights", "batch", "tokens", "samples/s", "tokens/s", "MFU", "of peak", "memory"):
        made.add_column(name, justify="right")
    for row in rows:
        of_peak = "" if peak is None else f"{row['flops_s'] / peak:.1%}"
        made.add_row(
            str(row["stage"]), row["size"], row["dtype"], row["batch"], f"{row['mean_tokens']:.0f}",
            f"{row['samples_s']:.2f}", f"{row['tokens_s']:,.0f}", f"{row['mfu']:.1%}", of_peak,
            f"{row['peak_bytes'] / 1e9:.1f} GB",
        )  # fmt: skip
    return made


def main() -> None:
    options = arguments()
    quiet()
    load_before = os.getloadavg()[0]
    rows = []
    for case in options.case or DEFAULT[options.device]:
        stage, _, size = case.partition(":")
        if stage not in ("1", "2") or size not in SIZES:
            raise SystemExit(f"--case {case}: STAGE:SIZE, e.g. 2:7b; sizes: {', '.join(SIZES)}")
        with tempfile.TemporaryDirectory() as work:
            rows.append(measure(options, int(stage), size, Path(work)))
        gc.collect()
        if options.device == "cuda":
            import torch

            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
    machine = environment(options.device)
    threads = os.environ.get("OMP_NUM_THREADS", machine["cores"])
    name = machine["gpus"][0] if options.device == "cuda" else f"{machine['cpu']}, {threads} thread(s)"
    peak = datasheet(name) if options.device == "cuda" else None
    console = Console(width=None if sys.stdout.isatty() else 130)
    console.print(table(rows, peak))
    rates = ", ".join(sorted({f"{row['measured_rate'] / 1e12:.3g} TFLOP/s in {row['dtype']}" for row in rows}))
    date = time.strftime("%Y-%m-%d")
    load = f"load before {load_before:.1f}, after {os.getloadavg()[0]:.1f}"
    console.print(f"{date}, {name}; {rates}; {options.clock} clock; {load}", soft_wrap=True)
    options.out.mkdir(parents=True, exist_ok=True)
    found = {
        "date": date, "device": name, "command": " ".join(sys.argv), "datasheet_peak": peak, "machine": machine,
        "versions": versions(), "clock": options.clock,
        "load": {"before": load_before, "after": os.getloadavg()[0]}, "rows": rows,
    }  # fmt: skip
    path = options.out / f"{date}-training-{options.device}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    console.print(f"written: {path}", soft_wrap=True)


if __name__ == "__main__":
    main()
