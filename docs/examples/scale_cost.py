"""What four benchmarks in a hundred languages cost for twenty models: on paper, every assumption a line that you can change.

    python docs/examples/scale_cost.py
"""

LANGUAGES = 100
# (prompts in one language, different images, tokens of an English question with its instruction and options)
BENCHMARKS = {
    "MME": (2374, 1187, 30),  # 14 subtasks, two questions on an image
    "POPE": (9000, 500, 25),  # 3,000 in each of three splits, on the same 500 images of COCO
    "SEED-Bench, images": (14233, 14233, 75),  # at most: some images are asked about twice
    "MMBench dev": (4329, 1164, 85),  # 1,164 questions in their circular passes
}
# A text in another language has this many times the tokens of English, on average over a hundred languages.
# `lrm-eval langs --tokenizer NAME` tells what it is for a tokenizer: 1.3 to 8 is usual.
FERTILITY = 2.5
ANSWER_TOKENS = 3
# (models, billions of parameters, tokens of an image)
MODELS = [(4, 3, 729), (10, 7, 576), (4, 13, 576), (1, 32, 1280), (1, 72, 1280)]
# Prefill at 0.4 of the peak of an H100 in bfloat16 (989 TFLOP/s dense); decoding a few tokens is lost in it.
FLOPS_PER_GPU = 0.4 * 989e12
DOLLARS_PER_GPU_HOUR = 2.5
# Bytes: a line of responses (question, prompt and answer, mostly in scripts of two or three bytes a letter), a line of
# readings under each of two rule sets, a row of scores.
RESPONSE, READING, SCORE = 1700, 130, 420
SCORE_ROWS = 2 * 30  # of a benchmark in a language, with its breakdowns, under both rule sets
# A request in the driver's memory, and what it writes in a second.
REQUEST, ANSWERS_PER_SECOND = 2600, 5000


def main() -> None:
    models = sum(count for count, _, _ in MODELS)
    prompts = sum(benchmark[0] for benchmark in BENCHMARKS.values())
    images = sum(benchmark[1] for benchmark in BENCHMARKS.values())
    text = sum(count * tokens * FERTILITY for count, _, tokens in BENCHMARKS.values())
    print(f"{'benchmark':<20}{'prompts':>10}{'images':>9}{f'x {LANGUAGES} languages':>18}{f'x {models} models':>15}")
    for name, (count, pictures, _) in BENCHMARKS.items():
        print(f"{name:<20}{count:>10,}{pictures:>9,}{count * LANGUAGES:>18,}{count * LANGUAGES * models:>15,}")
    print(f"{'all':<20}{prompts:>10,}{images:>9,}{prompts * LANGUAGES:>18,}{prompts * LANGUAGES * models:>15,}")

    asked = prompts * LANGUAGES
    print(f"\n{'model':<12}{'image':>6}{'tokens, each prompt whole':>27}{'image read once':>17}{'GPU hours':>18}")
    whole_hours = shared_hours = whole_tokens = shared_tokens = 0.0
    for count, billions, picture in MODELS:
        whole = asked * (picture + ANSWER_TOKENS) + text * LANGUAGES
        shared = images * picture + asked * ANSWER_TOKENS + text * LANGUAGES
        hours = [2 * billions * 1e9 * tokens / FLOPS_PER_GPU / 3600 for tokens in (whole, shared)]
        label = f"{count} x {billions}B"
        print(f"{label:<12}{picture:>6}{whole / 1e9:>24.2f} G{shared / 1e9:>15.2f} G{hours[0]:>9.1f} -> {hours[1]:.1f}")
        whole_tokens, shared_tokens = whole_tokens + count * whole, shared_tokens + count * shared
        whole_hours, shared_hours = whole_hours + count * hours[0], shared_hours + count * hours[1]
    print(f"{'all 20':<18}{whole_tokens / 1e9:>24.1f} G{shared_tokens / 1e9:>15.1f} G{whole_hours:>9.0f} -> {shared_hours:.0f}")
    for name, hours in (("each prompt whole", whole_hours), ("each image once", shared_hours)):
        print(f"{name}: {hours:,.0f} GPU hours, {hours * DOLLARS_PER_GPU_HOUR:,.0f} $, {hours / 64:.1f} hours on 64 GPUs")

    scores = LANGUAGES * len(BENCHMARKS) * SCORE_ROWS * SCORE
    disk = asked * (RESPONSE + 2 * READING) + scores
    print(f"\ndisk, one model: {asked * RESPONSE / 1e9:.1f} GB responses, {asked * 2 * READING / 1e9:.1f} GB readings, ", end="")
    print(f"{scores / 1e6:.0f} MB scores; {models} models: {models * disk / 1e9:.0f} GB")
    print(f"memory of the driver: {asked * REQUEST / 1e9:.1f} GB for all of one model's requests")
    print(f"writing them: {asked / ANSWERS_PER_SECOND / 60:.0f} minutes a model at {ANSWERS_PER_SECOND:,} answers a second")


if __name__ == "__main__":
    main()
