"""What is supervised: exactly the answers and what ends them, in every language and template."""

import pytest
from lrm_llava_small_parts import llama_like_tokenizer

from lrm_eval import languages as registry
from lrm_llava.backbones import BACKBONES, TEMPLATES
from lrm_llava.conversations import Conversation, RecordError, Turn
from lrm_llava.encoding import IGNORE, ConversationEncoder
from lrm_llava.instructions import bvqa, ep_vqa, load_wording, mvqa
from lrm_llava.reference import STYLES, reference_spans
from lrm_llava.tiny.dialogues import answer_word
from lrm_llava.tiny.grammar import languages

FAMILIES = sorted(STYLES)


class Processor:
    """Only what the encoder takes from a LlavaProcessor: tokenizer, template, image token."""

    image_token = "<image>"

    def __init__(self, family: str) -> None:
        extra = ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>") if family == "llama3" else ()
        self.tokenizer = llama_like_tokenizer(("<image>", *extra))
        self.chat_template = (TEMPLATES / f"{family}.jinja").read_text(encoding="utf-8").strip()


def exchanges(tag: str) -> list[Turn]:
    language, wording, english = registry.get(tag), load_wording(tag), load_wording("en")
    yes, ask = answer_word(tag, True), f"? {language.autonym}"
    found = [mvqa(ask, language.short_answer, yes)]
    if tag != "en":
        found.append(ep_vqa(ask, "Is it?", language.short_answer, yes, wording))
        found.append(bvqa("Is it?", "Answer.", yes, english, tag))
    return [Turn(one.prompt, one.answer) for one in found]


@pytest.mark.parametrize("tag", languages())
@pytest.mark.parametrize("family", FAMILIES)
def test_the_template_marks_what_the_reference_builder_marks(family: str, tag: str) -> None:
    conversation = Conversation("1", "a.png", tuple(exchanges(tag)))
    encoder = ConversationEncoder(Processor(family), 4)
    assert encoder.render(conversation.messages()) == reference_spans(conversation, family)


@pytest.mark.parametrize("tag", languages())
@pytest.mark.parametrize("family", FAMILIES)
def test_the_supervised_tokens_say_the_answers_and_their_end(family: str, tag: str) -> None:
    processor = Processor(family)
    turns = exchanges(tag)
    encoded = ConversationEncoder(processor, 4).encode(Conversation("1", "a.png", tuple(turns)))
    kept = [label for label in encoded.labels if label != IGNORE]
    end = "<|eot_id|>" if family == "llama3" else "</s>"
    said = processor.tokenizer.decode(kept).split(end)
    assert [part.strip() for part in said] == [*(turn.answer for turn in turns), ""]
    assert all(label in (IGNORE, token) for token, label in zip(encoded.ids, encoded.labels, strict=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_ids_are_those_of_the_whole_processor(family: str, tmp_path) -> None:
    # The shipped path skips opening images; transformers' own processor must give the same ids and the same mask.
    from lrm_llava_small_parts import SIDE, save_vision
    from PIL import Image
    from transformers import LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    ours = Processor(family)
    whole = LlavaProcessor(
        image_processor=CLIPImageProcessorPil.from_pretrained(save_vision(tmp_path)), tokenizer=ours.tokenizer,
        patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1, image_token="<image>",
        chat_template=ours.chat_template,
    )  # fmt: skip
    conversation = Conversation("1", "a.png", tuple(exchanges("sw")))
    messages = conversation.messages()
    messages[0]["content"][0] = {"type": "image", "image": Image.new("RGB", (SIDE, SIDE))}
    theirs = whole.apply_chat_template(
        messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True, return_tensors="pt"
    )
    encoded = ConversationEncoder(ours, 16).encode(conversation)
    assert encoded.ids == theirs["input_ids"][0].tolist()
    assert [int(label != IGNORE) for label in encoded.labels] == theirs["assistant_masks"][0].tolist()


def test_the_image_stands_for_all_its_features() -> None:
    processor = Processor("vicuna_v1")
    ids = ConversationEncoder(processor, 16).encode(Conversation("1", "a.png", (Turn("Q", "A"),))).ids
    assert ids.count(processor.tokenizer.convert_tokens_to_ids("<image>")) == 16


def test_whole_turns_are_dropped_from_the_end_until_the_rest_fits() -> None:
    processor = Processor("vicuna_v1")
    turns = tuple(Turn(f"Question {number} red star", "Yes red star") for number in range(9))
    full = ConversationEncoder(processor, 16).encode(Conversation("1", "a.png", turns))
    for keep in range(1, 9):
        part = ConversationEncoder(processor, 16).encode(Conversation("1", "a.png", turns[:keep]))
        cut = ConversationEncoder(processor, 16, len(part.ids)).encode(Conversation("1", "a.png", turns))
        assert (cut.ids, cut.dropped_turns) == (part.ids, 9 - keep)
        assert full.ids[: len(part.ids)] == part.ids


def test_a_first_turn_that_does_not_fit_is_refused() -> None:
    with pytest.raises(RecordError, match="longer than 20 tokens"):
        ConversationEncoder(Processor("vicuna_v1"), 16, 20).encode(Conversation("1", "a.png", (Turn("Q", "A"),)))


def test_a_text_that_holds_the_image_token_is_refused() -> None:
    with pytest.raises(RecordError, match="holds <image>"):
        ConversationEncoder(Processor("tiny"), 4).encode(Conversation("1", None, (Turn("<image>", "A"),)))


def test_every_backbone_has_a_template_and_a_reference() -> None:
    for backbone in BACKBONES.values():
        assert backbone.chat_template() and backbone.template in STYLES
