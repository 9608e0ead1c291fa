"""Language models that LRM-LLaVA can be built on (paper, table 4), as data: id, conversation, special tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lrm_eval.errors import unknown

TEMPLATES = Path(__file__).resolve().parent / "templates"


@dataclass(frozen=True)
class Backbone:
    """A language model.

    Attributes:
        hub_id: where its weights are; "" if there is no public one.
        template: a file of lrm_llava/templates without ".jinja"; it marks what the assistant says.
        end: the token that ends an answer; "" for the tokenizer's own end of sequence.
        image_token: stands for one image feature; added to the vocabulary.
        pad_token: added to the vocabulary.
        rows: the embedding table is padded to a multiple of it.
    """

    hub_id: str
    template: str
    end: str = ""
    image_token: str = "<image>"  # noqa: S105
    pad_token: str = "<pad>"  # noqa: S105
    rows: int = 64

    def chat_template(self) -> str:
        """The Jinja source."""
        return (TEMPLATES / f"{self.template}.jinja").read_text(encoding="utf-8").strip()


# Table 4 says Vicuna-7B, Vicuna-13B, LLaMA2-13B, LLaMA3-8B; the versions are those of LLaVA-1.5 and, for
# LLaMA, the ones tuned for conversation, which the paper does not state.
BACKBONES: dict[str, Backbone] = {
    # 32,000 tokens of LLaMA, then <image> 32000 and <pad> 32001: 32,064 rows, as in llava-hf/llava-1.5-*-hf.
    "vicuna-13b": Backbone("lmsys/vicuna-13b-v1.5", "vicuna_v1"),
    "vicuna-7b": Backbone("lmsys/vicuna-7b-v1.5", "vicuna_v1"),
    "llama2-13b": Backbone("meta-llama/Llama-2-13b-chat-hf", "llama2"),
    "llama3-8b": Backbone("meta-llama/Meta-Llama-3-8B-Instruct", "llama3", end="<|eot_id|>"),
    "tiny": Backbone("", "tiny", rows=1),
}


def load_backbone(name: str) -> Backbone:
    """A backbone by its name.

    Raises:
        UsageError: no such backbone.
    """
    if name not in BACKBONES:
        raise unknown("backbone", name, BACKBONES)
    return BACKBONES[name]
