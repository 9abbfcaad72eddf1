"""The description of a study: what is trained, with what it is compared, and what else is asked.

`spikelearn study run` makes it, in a folder that holds:

training/        every trained network, as `spikelearn train` keeps it (`runs/` in older folders)
controls/        what a readout reaches where nothing below it has learned, beside each accuracy
scores/          a folder for each comparison of one network with one recording by one method
audit/           what was measured of the plausibility of each rule, a folder a rule and seed
spikes/          spike trains of the spiking networks, as .nwb and .nix, if `write_spikes`
results.parquet  every score: accuracy, similarity to brains, fit to an auditory receptor
config.yaml      what was run, with which versions
table.csv        similarity by rule, layer and region, with accuracy, ceilings, intervals, baselines
table.md         the same for the rows that are read first, and the command that made it
zero.csv         test of every network and layer against zero, by recording, region and method
differences.csv  tests between networks, and against untrained networks and the images' baselines
answers.csv      what came of every question that was fixed beforehand
claims.csv       claims of others beside that
similarity.svg   similarity by rule and layer, a panel a region and method
rdms.parquet     dissimilarities as percentiles, a row a pair of stimuli, if `matrices`
accuracy.svg     similarity against accuracy, and along training
plausibility.svg both, by who meets which criterion
report.html      all of it on one page

A network that is trained, and a comparison or a rule that is measured, is not computed again, so a
study may be interrupted, also in the middle of a training run, and goes on where it was. Each is
kept by all that decides it, recordings by their content; what differs stays and is not used, and
the page says what was read. Where similarity along training is asked for and a network was trained
without, it is trained once more.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from spikelearn._description import Description
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._files import find_yaml, read_yaml, validate
from spikelearn._names import file_name, is_file_name
from spikelearn.studies.auditory_part import AuditoryPart
from spikelearn.studies.module_entry import ModuleEntry, parted
from spikelearn.studies.network_entry import NetworkEntry
from spikelearn.studies.question import Question, check_questions, read_questions
from spikelearn.training.recipes import beside, value_beside

BASELINE = "baseline"  # family of networks that learn nothing


class Study(Description):
    """What is trained, what it is compared with, and what else is asked."""

    name: str = Field(description="also of the folder in which its results are kept")
    title: str = Field(default="", description="of the page; the study's name, if left out")
    description: str = Field(default="", description="an empty line parts its paragraphs")
    networks: tuple[NetworkEntry, ...] = Field(
        description="that are trained; and modules of PyTorch, which are only compared"
    )
    modules: tuple[ModuleEntry, ...] = Field(
        default=(), description="of PyTorch; those that stand among networks are put here"
    )
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    n_train: int | None = Field(default=None, ge=20, description="training images of each network")
    updates: PositiveInt | None = Field(
        default=None,
        description="updates of each network, in place of its epochs: as many epochs as come"
        " nearest, on n_train images or, where there are fewer, on all; networks that STDP trains"
        " keep their own",
    )
    seed: int = Field(
        default=0, ge=0, description="of input spikes under the recordings' images, and resamples"
    )
    recordings: tuple[str, ...] | Literal["at_hand"] = Field(
        default="at_hand", description="names, or all image recordings that need no download"
    )
    missing_recordings: Literal["refuse", "leave_out"] = Field(
        default="refuse",
        description="what is done where a recording that is named cannot be had: no study is made,"
        " or it is left out and the page says so",
    )
    untrainable: Literal["refuse", "leave_out"] = Field(
        default="refuse",
        description="what is done where a rule cannot train its network: no study is made, or it is"
        " left out and the page says why",
    )
    judgements: bool = Field(
        default=True, description="whether dissimilarities that people judged are compared with too"
    )
    methods: tuple[str, ...] = Field(default=("rsa",), min_length=1)
    comparator: str = "spearman"
    given: tuple[str, ...] = Field(
        default=("pixels",), min_length=1,
        description="what partial RSA regresses out: pixels, mean_luminance, gabor_energy,"
        " random_features, category",
    )  # fmt: skip
    over: str = Field(
        default="stimuli",
        description="what intervals generalise to: other stimuli of the same kinds, other subjects,"
        " both, or stimuli of other kinds, of the recording's categories",
    )
    n_bootstrap: PositiveInt = 1000
    tests: bool = Field(
        default=True,
        description="whether, by each method, every layer is tested against zero, its untrained"
        " twin, the images' baselines and other networks",
    )
    questions: tuple[Question, ...] = Field(
        default=(),
        description="fixed beforehand, each with its own correction; see"
        " `spikelearn.studies.question`",
    )
    criteria: tuple[str, ...] | Literal["all"] = Field(
        default="all", description="of plausibility, by which its rules are audited; may be none"
    )
    audit_seeds: tuple[NonNegativeInt, ...] = Field(
        default=(0, 1, 2, 3, 4), min_length=1,
        description="of the audit's own small networks; a verdict is of all of them",
    )  # fmt: skip
    along_training: bool = Field(
        default=False, description="whether similarity is measured after every epoch too"
    )
    learning: bool = Field(
        default=False,
        description="whether the page shows accuracy, learning curves and how far weights moved;"
        " each rule may stand in the study once",
    )
    matrices: bool = Field(
        default=True,
        description="whether the page shows the dissimilarity matrices of the first recording and"
        " of the networks of the first seed, and their stimuli as points in a plane",
    )
    write_spikes: bool = Field(
        default=False,
        description="whether the spike trains of trained spiking networks of the first seed under"
        " the first recording's images are written to spikes/, as .nwb and .nix",
    )
    agreement: tuple[str, ...] = Field(
        default=(),
        description="simulators on which spiking classifiers see the images, their spikes compared"
        " with those on the first",
    )
    auditory: AuditoryPart | None = Field(
        default=None, description="model neurons beside an auditory receptor; none, if left out"
    )
    citations: tuple[str, ...] = Field(
        default=(), description="works to cite beside those of the recordings"
    )

    @field_validator("criteria")
    @classmethod
    def _known(cls, criteria: tuple[str, ...] | str) -> tuple[str, ...] | str:
        from spikelearn.plausibility.criteria import CRITERIA

        for key in () if criteria == "all" else criteria:
            if key not in CRITERIA:
                raise ValueError(f"there is no criterion {key}; {nearest(key, CRITERIA)}")
        return criteria

    @field_validator("name")
    @classmethod
    def _usable_name(cls, name: str) -> str:
        if not is_file_name(name):
            raise ValueError(
                f"a study's results are kept in a folder of its name; try {file_name(name)}"
            )
        return name

    @model_validator(mode="before")
    @classmethod
    def _modules_stand_among_networks(cls, content: Any) -> Any:
        return parted(content)

    @model_validator(mode="after")
    def _has_networks(self) -> Study:
        if not self.networks and not self.modules:
            raise ValueError("there are no networks; a study has at least one")
        names = [one.called for one in self.modules]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two modules are called {name}; give one of them another name")
        return self

    @field_validator("questions", mode="before")
    @classmethod
    def _words(cls, given: Any) -> Any:
        return read_questions(given)

    @model_validator(mode="after")
    def _questions_can_be_asked(self) -> Study:
        check_questions(self.questions, self.along_training, self.recordings)
        return self

    @field_validator("methods", "comparator", "over", "given")
    @classmethod
    def _of_the_comparison(cls, value: Any, info: ValidationInfo) -> Any:
        from spikelearn.comparison.comparators import COMPARATORS
        from spikelearn.comparison.intervals import FACTORS
        from spikelearn.comparison.methods import METHODS
        from spikelearn.studies.image_baselines import BASELINES

        there: dict[str, Iterable[str]] = {
            "methods": METHODS,
            "comparator": COMPARATORS,
            "over": FACTORS,
            "given": BASELINES,
        }
        known = tuple(there[str(info.field_name)])
        for name in (value,) if isinstance(value, str) else value:
            if name not in known:
                raise ValueError(f"there is no '{name}'; {nearest(name, known)}")
        return value

    @field_validator(
        "seeds", "audit_seeds", "recordings", "methods", "given", "criteria", "agreement"
    )
    @classmethod
    def _each_once(cls, values: Any) -> Any:
        for value in () if isinstance(values, str) else values:
            if values.count(value) > 1:
                raise ValueError(f"{value} stands twice; its results would count twice")
        return values

    @field_validator("agreement")
    @classmethod
    def _several(cls, agreement: tuple[str, ...]) -> tuple[str, ...]:
        from spikelearn.simulation import BACKENDS

        if len(agreement) == 1:
            raise ValueError("one simulator has none to agree with; name two or more, or none")
        for name in agreement:
            if name.partition(":")[0] not in BACKENDS:
                raise ValueError(f"there is no simulator {name}; {nearest(name, BACKENDS)}")
        return agreement

    @model_validator(mode="after")
    def _partial_rsa_can_be_made(self) -> Study:
        from spikelearn.comparison.models_and_targets import PARTIAL_RSA
        from spikelearn.comparison.partial_rsa import CORRELATIONS

        methods = (*self.methods, *(question.method for question in self.questions))
        if PARTIAL_RSA not in methods and self.given != ("pixels",):
            raise ValueError(
                f"what is given, {', '.join(self.given)}, is of the method {PARTIAL_RSA}, which is"
                " not among methods"
            )
        if PARTIAL_RSA in methods and self.comparator not in CORRELATIONS:
            raise ValueError(
                f"{PARTIAL_RSA} takes the comparators {' and '.join(CORRELATIONS)}, not"
                f" {self.comparator}; choose one of them, or leave {PARTIAL_RSA} out"
            )
        return self

    @model_validator(mode="after")
    def _networks_can_be_trained(self) -> Study:
        if self.untrainable == "refuse":
            for entry in self.networks:
                entry.config(self.seeds[0], self.n_train).description()
        return self

    @model_validator(mode="after")
    def _own_rules_are_told_apart(self) -> Study:
        from spikelearn.rules import rule_name
        from spikelearn.rules.user_rule import is_place

        places: dict[str, str] = {}
        for entry in self.networks:
            place = entry.config(self.seeds[0], self.n_train).rule_place
            if is_place(place) and places.setdefault(rule_name(place), place) != place:
                raise ValueError(
                    f"two rules are called {rule_name(place)}: {places[rule_name(place)]} and"
                    f" {place}; rename a file, so that tables can tell them apart"
                )
        return self

    @model_validator(mode="after")
    def _each_rule_once(self) -> Study:
        if self.learning:
            rules = [entry.recipe or entry.rule for entry in self.networks]
            for rule in rules:
                if rules.count(rule) > 1:
                    raise ValueError(f"learning is shown by rule, and {rule} stands here twice")
        return self

    def comparison(self, method: str) -> dict[str, Any]:
        """The options that decide a comparison's numbers, but the network and the recording."""
        options = {"method": method, "seed": self.seed, **self.options_of(method)}
        return {**options, "n_bootstrap": self.n_bootstrap}

    def options_of(self, method: str) -> dict[str, Any]:
        """What the study says of a method: what intervals are for, and how RDMs are compared."""
        from spikelearn.comparison.models_and_targets import OF_RDMS, PARTIAL_RSA

        options: dict[str, Any] = {"over": self.over}
        if method in OF_RDMS:
            options["comparator"] = self.comparator
        if method == PARTIAL_RSA:
            options["given"] = self.given
        return options

    def counted_from(self, seed: int) -> Study:
        """The study with all its seeds so much higher."""
        seeds, audited = (tuple(s + seed for s in n) for n in (self.seeds, self.audit_seeds))
        return self.model_copy(
            update={"seeds": seeds, "audit_seeds": audited, "seed": self.seed + seed}
        )


def load_study(name: str | Path) -> Study:
    """The study of that name among the shipped ones, or in the YAML file at that path.

    Raises
    ------
    SpikelearnError
        Naming the file, the field and what is allowed.
    """
    path = find_yaml("models/studies", name)
    content = read_yaml(path)
    networks = content.get("networks") if isinstance(content, dict) else None
    if isinstance(content, dict) and networks is None:
        said = "`spikelearn study new` writes a description to start from"
        raise SpikelearnError(f"{path} describes no study, for it has no `networks`; {said}")
    for field in ("networks", "modules") if isinstance(content, dict) else ():
        if isinstance(described := content.get(field), list):
            entries = [beside(path, one) if isinstance(one, dict) else one for one in described]
            content = {**content, field: entries}
    if isinstance(content, dict) and "recordings" in content:
        found = value_beside("recordings", content["recordings"], path.parent)
        content = {**content, "recordings": found}
    return validate(Study, content, path)
