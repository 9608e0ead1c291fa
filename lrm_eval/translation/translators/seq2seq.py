"""Translation by an encoder-decoder model in this process: NLLB-200, M2M100, mBART-50, MADLAD-400."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import LrmEvalError, RunError, UsageError
from lrm_eval.remote.price import Price
from lrm_eval.runs.files import sha256_tree
from lrm_eval.translation import problems, protect, signs, textual
from lrm_eval.translation.translators import codes
from lrm_eval.translation.translators.base import TranslationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.languages import Language
    from lrm_eval.translation.translators.base import Options

_CONTENT = ("*.json", "*.safetensors", "*.bin", "*.model", "*.spm", "*.txt")
# A translation is at most this many times as long as its text, in tokens: scripts that a tokenizer knows badly.
_LONGEST_RATIO = 4
_LEAST_NEW = 32
_MOST_NEW = 512
_BEAMS = 4
# A model that runs in circles is asked again with this; in all texts it would forbid "a dog or a cat".
_NO_REPEAT = 3
# What a text that was cut around its protected spans cannot have lost.
_MENDED = {"empty", "placeholders", "quoted", "letters", "numbers", "glossary"}


class Seq2SeqTranslator:
    """A transformers seq2seq model as a translator (protocol: `Translator`)."""

    together = False
    concurrency = 1
    price = Price("free")
    overhead = 0
    assumed_seconds = 5.0

    def __init__(self, model: str, options: Options) -> None:
        from model_adapters.devices import check_device

        self.batch = options.batch
        self._glossary = options.glossary
        self._device, self._dtype = check_device(options.device, options.dtype)
        self._label = f"hf:{model}"
        self._folder = _locate(model)
        # Numbers differ by type and device in the last bits, and a translation with them.
        self.name = f"{self._label}@{_identity(self._folder)}#{self._dtype},beams{_BEAMS}"
        self._loaded: tuple[Any, Any, codes.Style] | None = None

    def translate(self, texts: Sequence[str], source: Language, target: Language) -> list[str]:
        """Translations, in the order of the texts. A text that lost what must stay is cut around it and done again.

        Raises:
            TranslationError: a text is longer than the model reads; it is never cut.
            UsageError: the model does not know one of the languages, or is no translation model.
            RunError: it cannot be loaded.
        """
        found = self._generate(texts, source, target)
        circles = [place for place, text in enumerate(texts) if signs.loop(text, found[place]) is not None]
        if circles:
            again = self._generate([texts[place] for place in circles], source, target, no_repeat=_NO_REPEAT)
            for place, text in zip(circles, again, strict=True):
                found[place] = text
        for place, text in enumerate(texts):
            # Numbers mostly survive by themselves; cutting around them too costs the sentence more.
            for numbers in (False, True):
                lost = {one.check for one in problems.find(text, found[place], target, True, self._glossary)}
                if lost & _MENDED:
                    found[place] = self._around(text, source, target, numbers or "numbers" in lost)
        return found

    def _around(self, text: str, source: Language, target: Language, numbers: bool) -> str:
        """Translate what stands between the spans that must stay, and put these back where they were."""
        kept = protect.spans(text, self._glossary.names, numbers)
        parts = list(protect.pieces(text, kept))
        open_ = [place for place, (part, stays) in enumerate(parts) if not stays and textual.translatable(part)]
        translated = self._generate([parts[place][0].strip() for place in open_], source, target)
        made = [part for part, _ in parts]
        for place, new in zip(open_, translated, strict=True):
            part = made[place]
            left, right = part[: len(part) - len(part.lstrip())], part[len(part.rstrip()) :]
            made[place] = f"{left}{textual.without_placeholders(new).strip()}{right}"
        return "".join(made)

    def _generate(self, texts: Sequence[str], source: Language, target: Language, no_repeat: int = 0) -> list[str]:
        if not texts:
            return []
        import torch

        model, tokenizer, style = self._load()
        vocabulary = tokenizer.get_vocab()
        to = codes.code_of(target, style, vocabulary, self._label)
        settings: dict[str, Any] = {}
        prompts = list(texts)
        if style == "madlad":  # Kudugunta et al. 2023: the target's token before the text
            prompts = [f"{to} {text}" for text in texts]
        else:
            tokenizer.src_lang = self._source_name(source, style, vocabulary)
            settings["forced_bos_token_id"] = vocabulary[to]
        inputs = tokenizer(prompts, return_tensors="pt", padding=True, truncation=False).to(self._device)
        inputs.pop("token_type_ids", None)
        length = int(inputs["input_ids"].shape[1])
        limit = getattr(model.config, "max_position_embeddings", None)
        if limit is not None and length > limit:
            raise TranslationError(f"{self._label}: a text has {length} tokens, the model reads at most {limit}")
        new = min(max(_LONGEST_RATIO * length, _LEAST_NEW), _MOST_NEW, *([limit - 2] if limit else []))
        with torch.inference_mode():
            output = model.generate(
                **inputs,
                **settings,
                num_beams=_BEAMS,
                do_sample=False,
                max_new_tokens=new,
                no_repeat_ngram_size=no_repeat,
            )
        return [text.strip() for text in tokenizer.batch_decode(output, skip_special_tokens=True)]

    def _source_name(self, source: Language, style: codes.Style, vocabulary: dict[str, int]) -> str:
        """The source language as the tokenizer's `src_lang` takes it: M2M100 without underscores."""
        return codes.code_of(source, style, vocabulary, self._label).strip("_")

    def _load(self) -> tuple[Any, Any, codes.Style]:
        if self._loaded is not None:
            return self._loaded
        import torch
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
            model = AutoModelForSeq2SeqLM.from_pretrained(
                self._folder, dtype=getattr(torch, self._dtype), local_files_only=True
            )
        except Exception as error:  # transformers raises whatever its parts raise
            raise _unloadable(self._label, error) from error
        style = codes.style_of(tokenizer.get_vocab())
        if style is None:
            raise UsageError(
                f"{self._label}: its tokenizer has no language codes of NLLB (swh_Latn), mBART-50 (sw_KE), M2M100 "
                "(__sw__) or MADLAD-400 (<2sw>); for other models use a chat server: --translator openai:MODEL"
            )
        self._loaded = (model.to(self._device).eval(), tokenizer, style)
        return self._loaded


def _unloadable(label: str, error: Exception) -> LrmEvalError:
    line = " ".join(str(error).split())[:200]
    if isinstance(error, ImportError):
        missing = getattr(error, "name", None) or line
        return RunError(f"{label}: its tokenizer needs the package {missing!r}: `pip install {missing}`")
    if isinstance(error, ValueError) and "Unrecognized configuration class" in line:
        return UsageError(f"{label} is no encoder-decoder model; a chat model translates behind a server: openai:MODEL")
    return RunError(f"{label} cannot be loaded: {type(error).__name__}: {line}")


def _locate(model: str) -> Path:
    """The folder of a checkpoint, downloaded if it is not one of this machine."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise UsageError(f"--translator hf:{model}: no config.json in this folder, so it is no checkpoint")
        return folder.resolve()
    if model.startswith((".", "/", "~")) or model.count("/") != 1:
        raise UsageError(f"--translator hf:{model}: no such folder; a model of the hub is named ORG/NAME")
    import huggingface_hub

    # One of the two formats of the weights: a repository may hold both, of ten gigabytes each.
    allowed = [pattern for pattern in _CONTENT if pattern != "*.bin"]
    try:
        found = Path(huggingface_hub.snapshot_download(model, allow_patterns=allowed))
        if not any(found.glob("*.safetensors")):
            found = Path(huggingface_hub.snapshot_download(model, allow_patterns=list(_CONTENT)))
    except Exception as error:  # the hub client raises its own, its HTTP library's and the system's errors
        line = " ".join(str(error).split())[:160]
        raise RunError(
            f"--translator hf:{model} cannot be had from the model hub ({type(error).__name__}: {line}); give a local "
            "copy: --translator hf:FOLDER"
        ) from error
    return found


def _identity(folder: Path) -> str:
    """Commit of a downloaded model, content hash of a local one."""
    if folder.parent.name == "snapshots":
        return folder.name
    files = {path for pattern in _CONTENT for path in folder.glob(pattern) if path.is_file()}
    return sha256_tree(folder, files)[:16]
