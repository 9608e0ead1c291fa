"""What a LLaVA of given sizes must compute and hold: counted from its sizes, without a model and without torch.

Tested against what torch counts in a real forward and backward pass, and against the sizes of real models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrm_llava.recipes import Stage


@dataclass(frozen=True)
class Geometry:
    """Sizes of a LlavaForConditionalGeneration with a CLIP tower and a Llama.

    Attributes:
        layers: L, of the language model.
        width: D, its hidden size.
        mlp: F, its MLP's inner size.
        heads: of its queries.
        key_heads: of its keys and values.
        head_size: of one head.
        rows: V, of its embedding table.
        tied: whether the output matrix is the embedding table.
        tower_layers: of the vision tower.
        tower_width: its hidden size.
        tower_mlp: its MLP's inner size.
        patches: patches of an image; so many tokens enter the language model.
        patch_size: pixels along one side of a patch.
    """

    layers: int
    width: int
    mlp: int
    heads: int
    key_heads: int
    head_size: int
    rows: int
    tied: bool = False
    tower_layers: int = 24
    tower_width: int = 1024
    tower_mlp: int = 4096
    patches: int = 576
    patch_size: int = 14

    @classmethod
    def of(cls, config: Any) -> Geometry:
        """Read the sizes off a LlavaConfig."""
        text, tower = config.get_text_config(), config.vision_config
        heads = int(text.num_attention_heads)
        return cls(
            layers=int(text.num_hidden_layers), width=int(text.hidden_size), mlp=int(text.intermediate_size),
            heads=heads, key_heads=int(text.num_key_value_heads),
            head_size=int(getattr(text, "head_dim", None) or text.hidden_size // heads), rows=int(text.vocab_size),
            tied=bool(config.tie_word_embeddings), tower_layers=int(tower.num_hidden_layers),
            tower_width=int(tower.hidden_size), tower_mlp=int(tower.intermediate_size),
            patches=(int(tower.image_size) // int(tower.patch_size)) ** 2, patch_size=int(tower.patch_size),
        )  # fmt: skip

    # --- weights --------------------------------------------------------------------------------

    @property
    def layer(self) -> int:
        """Weights of one layer's seven matrices."""
        queries, keys = self.heads * self.head_size, self.key_heads * self.head_size
        return self.width * (2 * queries + 2 * keys + 3 * self.mlp)

    @property
    def language(self) -> int:
        """Weights of the language model, embedding table and output matrix included."""
        table = self.rows * self.width
        norms = (2 * self.layers + 1) * self.width
        return self.layers * self.layer + norms + table * (1 if self.tied else 2)

    @property
    def projector(self) -> int:
        """Weights of the two layers, biases included."""
        return self.tower_width * self.width + self.width + self.width**2 + self.width

    @property
    def tower(self) -> int:
        """Weights of the vision tower."""
        inner = 4 * (self.tower_width**2 + self.tower_width) + 2 * self.tower_width * self.tower_mlp
        layer = inner + self.tower_mlp + self.tower_width + 4 * self.tower_width
        embeddings = (3 * self.patch_size**2 + 1 + self.patches + 1) * self.tower_width
        return self.tower_layers * layer + embeddings + 4 * self.tower_width

    @property
    def weights(self) -> int:
        """All of them."""
        return self.language + self.projector + self.tower

    def adapters(self, rank: int) -> int:
        """Weights of LoRA adapters of a rank on all seven matrices of every layer."""
        queries, keys = self.heads * self.head_size, self.key_heads * self.head_size
        sides = 2 * (self.width + queries) + 2 * (self.width + keys) + 3 * (self.width + self.mlp)
        return self.layers * rank * sides

    def trained(self, stage: Stage) -> int:
        """Weights that a stage changes."""
        found = self.projector if "projector" in stage.trains else 0
        if "language" in stage.trains:
            found += self.adapters(stage.lora.rank) if stage.lora.rank else self.language
        return found

    # --- arithmetic -----------------------------------------------------------------------------

    def flops(self, tokens: int, images: int, pairs: float, stage: Stage) -> float:
        """Floating-point operations that a step needs, without those of activations computed twice.

        A matrix takes 2 operations a weight and token forward, 2 for the gradient of what goes in, and 2 for its
        own gradient where it is trained (Kaplan et al. 2020, section 2.1). Attention multiplies activations with
        each other: 4 x heads x head size a layer and pair forward, and twice that backward, whatever is trained.
        The frozen tower runs forward only; behind the projector's first layer nothing needs a gradient.

        Args:
            tokens: of the step, those of images included, padding not.
            images: of the step.
            pairs: of tokens of which one sees the other; the sum of T^2 / 2 over the samples.
            stage: says what is trained.
        """
        matrices = self.layers * self.layer + self.rows * self.width
        language = "language" in stage.trains
        passes = 3 if language and not stage.lora.rank else 2
        adapters = 6 * self.adapters(stage.lora.rank) if language else 0
        attention = 3 * 4 * self.layers * self.heads * self.head_size * pairs
        return float((2 * passes * matrices + adapters) * tokens + attention + self.image_flops * images)

    @property
    def image_flops(self) -> int:
        """Operations of one image: the tower forward, the projector forward and backward."""
        seen = self.patches + 1  # and CLIP's class token
        layer = 4 * self.tower_width**2 + 2 * self.tower_width * self.tower_mlp
        tower = 2 * 3 * self.patch_size**2 * self.tower_width * self.patches
        tower += self.tower_layers * (2 * layer * seen + 4 * self.tower_width * seen**2)
        first, second = self.tower_width * self.width, self.width**2
        return tower + self.patches * (4 * first + 6 * second)
