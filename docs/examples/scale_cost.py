"""What four benchmarks in a hundred languages cost for twenty models, on paper. Every assumption is a line below.

    python docs/examples/scale_cost.py

GPU hours are operations (2 a parameter and token, Kaplan et al. 2020, arXiv:2001.08361) divided by a rate.
"""

import sys

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
RESPONSE, READING, SCORE = 1400, 130, 420
SCORE_ROWS = 2 * 30  # of a benchmark in a language, with its breakdowns, under both rule sets
# A request in the memory of the driver (measured, docs/scale.md), and how many answers it writes in a second.
REQUEST, ANSWERS_PER_SECOND = 2900, 5000


def say(*columns: str) -> None:
    """A line of output."""
    sys.stdout.write("".join(columns).rstrip() + "\n")


def hours(billions: float, tokens: float) -> float:
    """GPU hours of a model that reads so many tokens."""
    return 2 * billions * 1e9 * tokens / FLOPS_PER_GPU / 3600


def main() -> None:
    """Print the tables."""
    models = sum(count for count, _, _ in MODELS)
    prompts, images = (sum(benchmark[place] for benchmark in BENCHMARKS.values()) for place in (0, 1))
    text = LANGUAGES * sum(count * tokens * FERTILITY for count, _, tokens in BENCHMARKS.values())
    asked = prompts * LANGUAGES

    say(f"{'benchmark':<20}{'prompts':>10}{'images':>9}", f"{f'x {LANGUAGES} languages':>18}{f'x {models} models':>15}")
    for name, (count, pictures, _) in (*BENCHMARKS.items(), ("all", (prompts, images, 0))):
        say(f"{name:<20}{count:>10,}{pictures:>9,}", f"{count * LANGUAGES:>18,}{count * LANGUAGES * models:>15,}")

    say()
    say(f"{'model':<10}{'image':>7}{'tokens, each prompt whole':>28}{'each image once':>18}{'GPU hours':>16}")
    totals = [0.0] * 4
    for count, billions, picture in MODELS:
        whole = asked * (picture + ANSWER_TOKENS) + text
        once = images * picture + asked * ANSWER_TOKENS + text
        numbers = [whole, once, hours(billions, whole), hours(billions, once)]
        totals = [total + count * number for total, number in zip(totals, numbers, strict=True)]
        say(f"{f'{count} x {billions}B':<10}{picture:>7}{whole / 1e9:>26.2f} G{once / 1e9:>16.2f} G", _two(numbers))
    say(f"{f'all {models}':<17}{totals[0] / 1e9:>26.1f} G{totals[1] / 1e9:>16.1f} G", _two(totals))
    for name, total in (("each prompt whole", totals[2]), ("each image once", totals[3])):
        dollars = total * DOLLARS_PER_GPU_HOUR
        say(f"{name}: {total:,.0f} GPU hours, {dollars:,.0f} $, {total / 64:.1f} hours on 64 GPUs")

    scores = LANGUAGES * len(BENCHMARKS) * SCORE_ROWS * SCORE
    parts = {"responses": asked * RESPONSE, "readings": 2 * asked * READING, "scores": scores}
    say()
    say("disk, one model: ", ", ".join(f"{size / 1e9:.2f} GB {name}" for name, size in parts.items()))
    say(f"disk, {models} models: {models * sum(parts.values()) / 1e9:.0f} GB")
    say(f"memory of the driver, all questions of a model at once: {asked * REQUEST / 1e9:.1f} GB")
    say(f"writing its answers: {asked / ANSWERS_PER_SECOND / 60:.0f} minutes")


def _two(numbers: list[float]) -> str:
    return f"{numbers[2]:>8.0f} -> {numbers[3]:.0f}"


if __name__ == "__main__":
    main()
