"""The cross-modal regularizer: the three task instructions that shape the training data.

Paper: section "Cross-modal regularizer". It is no loss term but three ways to turn an English sample
and its translation into a conversation:

- MVQA: question in L, answer in L.
- EP-VQA (English as pivot): question in L, the model translates it to English and then answers in L.
- BVQA (bilingual): question in one language, answer in another, one of the two being English.

All are pure functions. Wording is data, one file a language, in instructions/data.
"""

from lrm_llava.instructions._builders import Exchange, Wording, bvqa, ep_vqa, load_wording, mvqa

__all__ = ["Exchange", "Wording", "bvqa", "ep_vqa", "load_wording", "mvqa"]
