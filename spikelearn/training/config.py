"""Configuration of training runs: everything that decides a run's numbers, and its key.

A simulator counts as it was asked for (`auto` as `auto`): all give the same spikes, and who names
another wants to see it. Versions of libraries do not count; they are told beside a run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from pydantic import (
    Field,
    PositiveInt,
    field_validator,
    model_validator,
)

from spikelearn._counts import counted
from spikelearn._description import Description, FixedMapping
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._files import validate
from spikelearn._keys import content_key, current_name, plain
from spikelearn._store import RUN_FORMAT
from spikelearn.networks import load_model
from spikelearn.rules import RULES, effective_options, known_name, rule_code, rule_entry, rule_name
from spikelearn.rules.rule_options import checked_options, refuse_missing
from spikelearn.rules.user_rule import is_place
from spikelearn.stimuli.image_files import Colour
from spikelearn.training.augmentation import Augmentation

if TYPE_CHECKING:
    from spikelearn.networks import Model, SpikingNetwork


class _RunConfig(Description):
    model: str = Field(description="name of a shipped model, or path of a YAML file")
    changes: dict[str, Any] | None = Field(
        default=None, description="what differs from the model as it is described, by path"
    )
    rule: str = Field(
        description="name of a learning rule, or file and class of one's own, as my_rule.py:MyRule;"
        " in Python the class will do"
    )
    rule_file: str | None = Field(
        default=None, description="the file of a rule of one's own; it is found from `rule`"
    )
    dataset: str = Field(
        default="mnist",
        description="name of a data set, or path of a folder of images or an .npz file",
    )
    source: str = Field(
        default="auto", description="which copy of the data set, or what is at hand (auto)"
    )
    image_range: tuple[float, float] | None = Field(
        default=None,
        description="what black and white are in images of one's own; 0 and 255 in whole numbers,"
        " 0 and 1 in others, if absent",
    )
    background: Colour | None = Field(
        default=None, description="the colour under transparent images of one's own, as grey"
    )
    seed: int = Field(default=0, ge=0)

    @field_validator("model", "dataset", mode="before")
    @classmethod
    def _path_by_name(cls, given: Any) -> Any:
        return str(given) if isinstance(given, Path) else given

    @field_validator("image_range")
    @classmethod
    def _black_and_white_differ(
        cls, limits: tuple[float, float] | None
    ) -> tuple[float, float] | None:
        if limits is not None and limits[0] == limits[1]:
            raise ValueError("black and white must be different numbers")
        return limits

    @model_validator(mode="after")
    def _changes_fit_the_model(self) -> Self:
        if self.changes:
            load_model(self.model).changed(self.changes)
        return self

    @model_validator(mode="before")
    @classmethod
    def _own_rule_has_a_file(cls, given: Any) -> Any:
        """A rule of one's own is named without its folder, which decides nothing."""
        if not isinstance(given, Mapping) or "rule" not in given:
            return given
        rule, file = given["rule"], given.get("rule_file")
        if not (isinstance(rule, type) or (isinstance(rule, str) and is_place(rule))):
            return {k: v for k, v in given.items() if k != "rule_file"}
        if file and isinstance(rule, str) and f"/{file}".endswith(f"/{rule.rpartition(':')[0]}"):
            return given
        place = known_name(rule)
        return {**given, "rule": rule_name(place), "rule_file": place.rpartition(":")[0]}

    @property
    def rule_place(self) -> str:
        """The rule by a name that finds it, wherever its file is."""
        if self.rule_file is None:
            return self.rule
        return f"{self.rule_file}:{self.rule.rpartition(':')[2]}"

    @field_validator("rule", mode="before")
    @classmethod
    def _current_name(cls, rule: Any) -> Any:
        return current_name("rule", rule)

    @field_validator("rule")
    @classmethod
    def _known_rule(cls, rule: str) -> str:
        if rule not in RULES and not is_place(rule):
            raise ValueError(f"there is no rule '{rule}'; {nearest(rule, RULES)}")
        return rule

    @model_validator(mode="after")
    def _own_rule_can_be_read(self) -> Self:
        rule_entry(self.rule_place)
        return self

    def description(self) -> Model:
        """The model that is trained.

        Raises
        ------
        SpikelearnError
            If there is no such model or rule, or the rule trains another kind of model.
        """
        wanted = rule_entry(self.rule_place).networks
        model = load_model(self.model)
        if self.changes:
            model = model.changed(self.changes)
        if model.kind not in wanted:
            fitting = [name for name, entry in RULES.items() if model.kind in entry.networks]
            raise SpikelearnError(
                f"the rule '{self.rule}' trains models of kind {' or '.join(wanted)}, but"
                f" {self.model} is of kind {model.kind}; rules for it are {', '.join(fitting)}"
            )
        return model

    def complete(self) -> dict[str, Any]:
        """All that decides a run; plain YAML values.

        That is the configuration with every option's value, the model written out, `auto` resolved,
        the content of the data, what is done to images that the model takes as others, and the
        code of the rule.
        """
        from spikelearn.stimuli.datasets import data_key, resolve_source
        from spikelearn.training.own_images import preparation_of

        model = self.description()
        network = json.loads(model.model_dump_json(exclude_none=True))
        source = resolve_source(self.dataset, self.source)
        prepared = preparation_of(self.dataset, model, self.background)
        return {
            "format": RUN_FORMAT,
            **json.loads(self.model_dump_json(exclude_none=True)),
            **self._effective(),
            "source": source,
            "network": network,
            "data": data_key(self.dataset, source),
            "code": rule_code(self.rule_place),
            **({"images": prepared} if prepared else {}),
        }

    def _effective(self) -> dict[str, Any]:
        """Fields with what acts in place of what is given."""
        return {}

    def run_name(self) -> str:
        """Name of the run's folder: model, rule, seed, and the beginning of its key."""
        return run_name(self.complete())


# From where model and data come, and what is said of the model: what they hold decides.
SAID_OF_RUNS = ("model", "changes", "dataset", "source", "rule_file")
SAID_OF_NETWORKS = ("description", "reference")


def run_key(complete: Mapping[str, Any]) -> str:
    """The key of a run, from what `complete` says.

    Where model and data come from does not count, nor what is said of them: what they hold does.
    """
    decides = {k: v for k, v in complete.items() if k not in SAID_OF_RUNS}
    network = {k: v for k, v in complete["network"].items() if k not in SAID_OF_NETWORKS}
    return content_key({**decides, "network": network})


def run_name(complete: Mapping[str, Any]) -> str:
    """The name of the folder of the run that `complete` decides."""
    rule = Path(complete["rule"]).name.replace(".py:", ".")
    about = Path(complete["model"]).stem, rule, f"seed{complete['seed']}"
    return "-".join([*about, run_key(complete)[:10]])


def is_run_name(name: str) -> bool:
    """Whether `run_name` may have given that name: at its end there is the beginning of a key."""
    return re.search(r"-seed\d+-[0-9a-f]{10}$", name) is not None


class GroupConfig(Description):
    """Settings of the optimiser for one of a rule's groups of parameters; absent: the run's own."""

    optimizer: Literal["adam", "sgd"] | None = None
    learning_rate: float | None = Field(default=None, ge=0)
    momentum: float | None = Field(default=None, ge=0, lt=1)
    weight_decay: float | None = Field(default=None, ge=0)
    epochs: tuple[PositiveInt, PositiveInt] | None = Field(
        default=None,
        description="first and last epoch of the group's schedule; those of the run if absent",
    )


class TrainConfig(_RunConfig):
    """A run of the training loop: a model, a rule that leaves its update in `.grad`, and data.

    The validation images are the last `validation_fraction` of a seeded shuffle of the training
    images; the epoch is chosen on them, and the test images are read once, at the end.

    Examples
    --------
    >>> import spikelearn as sl
    >>> config = sl.TrainConfig(model="mlp_64", rule="feedback_alignment", dataset="digits")
    >>> config.run_name().startswith("mlp_64-feedback_alignment-seed0-")
    True
    """

    options: dict[str, Any] = Field(default={}, description="the rule's own settings")
    n_train: int | None = Field(
        default=None, ge=20, description="training images used, validation included; all if absent"
    )
    validation_fraction: float = Field(default=0.1, gt=0, lt=1)
    input_range: tuple[float, float] = Field(
        default=(0.0, 1.0), description="what black and white become at the network's input"
    )
    epochs: int = Field(default=5, ge=1)
    patience: int | None = Field(
        default=None,
        ge=1,
        description="stop after so many epochs with no better validation accuracy; never if absent",
    )
    batch_size: int = Field(default=64, ge=1)
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0)
    momentum: float = Field(default=0.0, ge=0, lt=1, description="of sgd")
    weight_decay: float = Field(
        default=0.0,
        ge=0,
        description="decoupled for adam (Loshchilov & Hutter 2019), added to the gradient for sgd",
    )
    schedule: Literal["constant", "linear", "cosine"] = Field(
        default="constant", description="how learning rates fall to 0 over the run"
    )
    layer_rates: tuple[float, ...] | None = Field(
        default=None, description="factors of the network's learning rate, one a layer"
    )
    groups: dict[str, GroupConfig] = Field(
        default={}, description="settings for the rule's groups of parameters, by name"
    )
    augment: Augmentation | None = Field(
        default=None,
        description="training images are flipped and shifted anew in each epoch, the same ones for"
        " every rule; as they are, if absent",
    )
    device: Literal["cpu", "cuda"] = "cpu"

    def _effective(self) -> dict[str, Any]:
        effective = {"options": effective_options(self.rule_place, self.options)}
        variant = rule_entry(self.rule_place).options
        return {**effective, "variant": plain(variant)} if variant else effective

    @field_validator("input_range")
    @classmethod
    def _two_numbers(cls, limits: tuple[float, float]) -> tuple[float, float]:
        if limits[0] == limits[1]:
            raise ValueError("black and white must become different numbers")
        return limits

    @model_validator(mode="after")
    def _only_images_are_augmented(self) -> TrainConfig:
        if self.augment is not None:
            self.augment.check(self.description(), self.dataset)
        return self

    @model_validator(mode="after")
    def _options_are_of_the_rule(self) -> TrainConfig:
        entry = rule_entry(self.rule_place)
        if self.options and not entry.simulated:
            rule = entry.rule_class
            options = checked_options(self.rule, rule, self.options, entry.options)
            refuse_missing(self.rule, rule, {**entry.options, **options})
            rule(**entry.options, **options)  # which knows what values it takes
            self.__dict__["options"] = FixedMapping(options)
        return self

    @model_validator(mode="after")
    def _momentum_is_of_sgd(self) -> TrainConfig:
        if self.momentum and self.optimizer != "sgd":
            raise ValueError("momentum is a setting of sgd; adam has its own")
        return self

    @model_validator(mode="after")
    def _schedules_lie_within_the_run(self) -> TrainConfig:
        for name, group in self.groups.items():
            if group.epochs and not group.epochs[0] <= group.epochs[1] <= self.epochs:
                raise ValueError(
                    f"groups.{name}.epochs is {list(group.epochs)}; it must name a first and a last"
                    f" of the run's {counted(self.epochs, 'epoch')}"
                )
        return self


class STDPConfig(_RunConfig):
    """Unsupervised training of a spiking network with one plastic projection, by simulation.

    The network is shown `n_train` images in each epoch, one after another, each for `present_ms`
    with `rest_ms` of silence before the next, in chunks that are one simulation each: at its
    beginning potentials and traces are at rest. Images that fewer than `min_spikes` spikes answer
    are shown again after their chunk, at a rate that is higher by `raise_hz`, until they are
    answered. Then the network is frozen, its neurons take the label of the class that they answer
    most in the first `n_label` training images (those it learned from and further ones), and it
    is tested on `n_test` of the test images.

    Homeostasis that stays as fast as recruits all neurons in the beginning makes each of them win
    its share of images every few thousand, whatever they show, and large layers lose prototypes to
    that. `homeostasis_slows` leaves the rates towards which thresholds drive the neurons as they
    are: the rise at a spike falls by what the time constant grows.

    Examples
    --------
    >>> import spikelearn as sl
    >>> config = sl.STDPConfig(model="competitive_stdp", rule="stdp", n_train=100)
    >>> config.run_name().startswith("competitive_stdp-stdp-seed0-")
    True
    """

    rule: str = "stdp"
    model: str = "competitive_stdp"
    n_neurons: int | None = Field(
        default=None,
        ge=1,
        description="of the layer that learns, and of populations as large; the model's if null."
        " Thresholds rise by as much more a spike as there are more neurons",
    )
    epochs: int = Field(default=1, ge=1)
    n_train: int | None = Field(default=300, ge=1, description="an epoch; all where null")
    n_label: int = Field(default=1000, ge=1)
    n_test: int = Field(default=1000, ge=1)
    homeostasis_slows: bool | None = Field(
        default=None,
        description="whether thresholds rise and decay more and more slowly, as 1 / time, once"
        " they had their time constant to settle; null is no",
    )
    present_ms: float = Field(default=200.0, gt=0)
    rest_ms: float = Field(default=100.0, ge=0)
    dt_ms: float = Field(default=1.0, gt=0)
    max_rate_hz: float = Field(default=127.5, gt=0, description="rate of the brightest pixel")
    min_spikes: int = Field(default=0, ge=0, description="fewer, and an image is shown again")
    raise_hz: float = Field(default=31.875, gt=0, description="by which the rate is raised then")
    chunk: int = Field(default=50, ge=1, description="images of one simulation")
    backend: str = "auto"

    @field_validator("backend")
    @classmethod
    def _known_simulator(cls, name: str) -> str:
        from spikelearn.simulation import BACKENDS

        if name.partition(":")[0] not in (*BACKENDS, "auto"):
            raise ValueError(
                f"there is no simulator '{name}'; {nearest(name, (*BACKENDS, 'auto'))}"
            )
        return name

    def description(self) -> SpikingNetwork:
        """The network that is trained, with as many neurons as `n_neurons` says.

        Thresholds settle where they lose what spikes add, so the rate of a neuron would be the same
        in a larger layer, and an image would have many more winners. With a rise that grows with
        the number of neurons it has as many.

        Raises
        ------
        SpikelearnError
            If there is no such model, or it is not one that STDP trains, or its weights are given
            for another number of neurons.
        """
        import numpy as np

        from spikelearn.networks.spiking import SpikingNetwork
        from spikelearn.training.stdp_layer import plastic_projection

        network = super().description()
        assert isinstance(network, SpikingNetwork)  # noqa: S101 - the rule's networks are
        if self.n_neurons is None:
            return network
        layer = plastic_projection(network).target
        size = network.populations[layer].size
        populations = {
            name: p.model_copy(update={"size": self.n_neurons})
            if name in network.neurons and p.size == size
            else p
            for name, p in network.populations.items()
        }
        rise = network.populations[layer].threshold_increment_mv  # type: ignore[union-attr]
        risen = np.multiply(rise, self.n_neurons / size)
        populations[layer] = populations[layer].model_copy(
            update={"threshold_increment_mv": risen if risen.ndim else float(risen)}
        )
        changed = {**dict(network), "populations": populations}
        return validate(
            SpikingNetwork, changed, f"{self.model} with {counted(self.n_neurons, 'neuron')}"
        )


def fields_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for of a run, from what `complete` says of it: fields of its configuration.

    A field that is not there was None, where it may be: that is not written.
    """
    kind = STDPConfig if "present_ms" in stored else TrainConfig
    unsaid = {
        name: None
        for name, field in kind.model_fields.items()
        if field.default is not None and type(None) in get_args(field.annotation)
    }
    return {**unsaid, **{k: v for k, v in stored.items() if k in kind.model_fields}}
