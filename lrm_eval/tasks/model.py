"""What a task is: the schema of `tasks/<name>/base.yaml` and of `tasks/<name>/<language>.yaml`.

Every key is known and typed; an unknown one is an error (see `lrm_eval.tasks.yamlfile`). The terms of
`Provenance` are those of mteb's `TaskMetadata.sample_creation`, so that they can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path  # noqa: TC003
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, field_validator, model_validator

Benchmark: TypeAlias = Literal["mme", "pope", "seedbench", "mmbench", "cvqa", "marvl", "m5-vgr", "xm3600"]
Instruction: TypeAlias = Literal["short_answer", "option_letter", "none"]
Provenance: TypeAlias = Literal[
    "found",
    "created",
    "human-translated",
    "human-translated and localized",
    "machine-translated",
    "machine-translated and verified",
    "machine-translated and localized",
    "LM-generated",
    "LM-generated and verified",
]
FieldName: TypeAlias = Literal[
    "id", "image", "question", "hint", "options", "labels", "answer", "category", "split", "language", "data_type",
    "A", "B", "C", "D", "E", "F", "G", "H",
]  # fmt: skip

ENGLISH = "en"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetOverride(_Model):
    """What a language's own version of the data set changes. Unset fields are the base's.

    Attributes:
        path: data set on the model hub, `owner/name`.
        config: configuration (subset) of that data set.
        split: splits that are read, in this order.
        revision: commit of the data set; None = resolved and locked at the first download.
        files: glob of the parquet files inside the repository; `{config}` and `{split}` are filled in.
        fields: our field name -> column name in the data.
    """

    path: str | None = None
    config: str | None = None
    split: tuple[str, ...] | None = None
    revision: str | None = None
    files: str | None = None
    fields: Mapping[FieldName, str] | None = None


class Dataset(_Model):
    """Where the rows of a task come from: the model hub, a file beside the YAML, or the user alone.

    Attributes:
        path: data set on the model hub, `owner/name`; None for local data.
        config: configuration (subset) of that data set.
        split: splits that are read, in this order.
        revision: commit of the data set; None = resolved and locked at the first download.
        files: glob of the parquet files inside the repository; `{config}` and `{split}` are filled in.
        local: data file relative to the task folder; None for hub data.
        manual: how to get data that is neither, for a person to read; it is then given with --data TASK=PATH.
        fields: our field name -> column name in the data, where they differ.
        known_duplicates: ids that the published data holds twice; the last row counts.
    """

    path: str | None = None
    config: str = "default"
    split: tuple[str, ...] = ("test",)
    revision: str | None = None
    files: str = "data/{split}-*.parquet"
    local: str | None = None
    manual: str | None = None
    fields: Mapping[FieldName, str] = Field(default_factory=dict)
    known_duplicates: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_source(self) -> Dataset:
        if sum(source is not None for source in (self.path, self.local, self.manual)) != 1:
            raise ValueError(
                "exactly one of 'path' (a data set on the hub), 'local' (a file) and 'manual' (how to get it) must be "
                "given"
            )
        return self

    def patterns(self) -> tuple[tuple[str, str], ...]:
        """(split, glob of its files) in the order in which the splits are read."""
        return tuple((split, self.files.format(config=self.config, split=split)) for split in self.split)

    def overridden(self, override: DatasetOverride) -> Dataset:
        """This data set with what `override` sets put in its place."""
        changed = {
            name: value for name in type(override).model_fields if (value := getattr(override, name)) is not None
        }
        if "path" in changed and "revision" not in changed:
            changed["revision"] = None
        return self.model_copy(update=changed)


class Wording(_Model):
    """Wording of one language that differs from the language registry's or from the base's.

    Attributes:
        instruction: the format instruction, if not the registry's line.
        strip_suffix: an instruction inside the data's question that is removed from its end.
        question: what is asked, in this language; see `TaskSpec.question`.
    """

    instruction: str | None = None
    strip_suffix: str | None = None
    question: str | None = None


class TaskLanguage(_Model):
    """One language of a task: only what differs from the base.

    Attributes:
        pack: file name of the language pack; None where the data itself is in that language.
        provenance: how the question text came to be in that language.
        note: one line about it, for the reader.
        wording: wording that differs.
        dataset: this language's own version of the data set, if it has one.
    """

    pack: str | None = None
    provenance: Provenance
    note: str = ""
    wording: Wording = Wording()
    dataset: DatasetOverride | None = None


class TaskSpec(_Model):
    """The schema of `base.yaml`.

    Attributes:
        name: task name, e.g. `mme` or `tiny-mme`; also the first part of every sample id.
        title: name shown to people.
        description: one sentence.
        benchmark: whose rules score it.
        kind: what an answer is.
        version: raised whenever the task's scores are no longer comparable.
        instruction: which of the two LLaVA-1.5 format instructions is asked, or none.
        question: what is asked; `{question}` stands for the data's question or statement, `{language}` for the
            language's English name.
        max_new_tokens: token budget of an answer, in tokens of an English one.
        scale_budget: whether a language gets as many more tokens as the model's tokenizer needs in it; false keeps
            the budget of the benchmark's own program in every language.
        score_choices: whether the log-probabilities of the options are asked for too.
        strip_suffix: an instruction inside the data's question that is removed from its end.
        dataset: where the rows come from.
        categories: group -> category names, in the order in which they are shown; "" = no group.
        category_names: value in the data -> category name.
        licence: licence of the data, as its authors state it.
        citation: BibTeX.
        homepage: where the benchmark comes from.
        tiny: whether it is one of the bundled tiny tasks.
        native: whether people wrote it in each language by itself: it has the languages of its data and no others,
            English need not be among them, and no language packs are made of it.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    title: str = Field(min_length=1)
    description: str = Field(min_length=1)
    benchmark: Benchmark
    kind: Literal["yes_no", "option", "text"]
    version: StrictInt = Field(ge=1)
    instruction: Instruction
    max_new_tokens: StrictInt = Field(ge=1)
    scale_budget: StrictBool = True
    score_choices: StrictBool = False
    strip_suffix: str = ""
    question: str = "{question}"
    dataset: Dataset
    categories: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    category_names: Mapping[str, str] = Field(default_factory=dict)
    licence: str = Field(min_length=1)
    citation: str = Field(min_length=1)
    homepage: str = Field(min_length=1)
    tiny: StrictBool = False
    native: StrictBool = False

    @field_validator("categories", mode="before")
    @classmethod
    def _ungrouped(cls, value: object) -> object:
        return {"": value} if isinstance(value, list) else value

    @field_validator("category_names", mode="before")
    @classmethod
    def _names_of_numbers(cls, value: object) -> object:
        return {str(key): name for key, name in value.items()} if isinstance(value, Mapping) else value


class Task(TaskSpec):
    """A task with all its languages, as read from its folder.

    Attributes:
        languages: language tag -> what differs in that language, English first.
        files: the YAML files it was read from, base first (for hashing).
        folder: the folder of base.yaml.
        pack_dirs: folders of included paths whose packs come before the user's and the bundled ones.
    """

    languages: Mapping[str, TaskLanguage]
    files: tuple[Path, ...] = ()
    folder: Path
    pack_dirs: tuple[Path, ...] = ()

    def language(self, tag: str) -> TaskLanguage:
        """What differs in one language.

        A language without a YAML of its own is a translated one: it works as soon as its pack exists.
        """
        known = self.languages.get(tag)
        return known or TaskLanguage(pack=f"{tag}.jsonl", provenance="machine-translated")

    def dataset_of(self, tag: str) -> Dataset:
        """The data set that serves one language."""
        override = self.language(tag).dataset
        return self.dataset.overridden(override) if override else self.dataset

    @property
    def category_order(self) -> tuple[str, ...]:
        """All category names in the order in which they are shown."""
        return tuple(name for names in self.categories.values() for name in names)
