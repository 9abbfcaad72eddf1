"""Configuration of training runs: everything that decides a run's numbers, and its hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from spikelearn._errors import SpikelearnError
from spikelearn.networks import load_model
from spikelearn.rules import RULES

if TYPE_CHECKING:
    from spikelearn.networks import MLP, SpikingMLP, SpikingNetwork

# Raised when the meaning of stored runs changes, so that older ones are not taken for new.
FORMAT = 1


class _RunConfig(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    model: str = Field(description="name of a shipped model, or path of a YAML file")
    rule: str = Field(description="name of a learning rule")
    dataset: Literal["mnist"] = "mnist"
    source: Literal["auto", "full", "embedded"] = Field(
        default="auto", description="which MNIST: full, the embedded 5,000, or what is at hand"
    )
    seed: int = Field(default=0, ge=0)

    def description(self) -> MLP | SpikingMLP | SpikingNetwork:
        """The model that is trained.

        Raises
        ------
        SpikelearnError
            If there is no such model or rule, or the rule trains another kind of model.
        """
        if self.rule not in RULES:
            raise SpikelearnError(
                f"there is no rule called '{self.rule}'; rules are {', '.join(RULES)}"
            )
        model = load_model(self.model)
        wanted = RULES[self.rule].network
        if model.kind != wanted:
            fitting = [name for name, entry in RULES.items() if entry.network == model.kind]
            raise SpikelearnError(
                f"the rule '{self.rule}' trains models of kind {wanted}, but {self.model} is of"
                f" kind {model.kind}; rules for it are {', '.join(fitting)}"
            )
        return model

    def complete(self) -> dict[str, Any]:
        """The configuration with the model written out and `auto` resolved; plain YAML values."""
        from spikelearn.stimuli import mnist

        source = self.source
        if source == "auto":
            source = "full" if mnist.full_set_at_hand() else "embedded"
        network = json.loads(self.description().model_dump_json(exclude_none=True))
        return {
            "format": FORMAT,
            **json.loads(self.model_dump_json()),
            "source": source,
            "network": network,
        }

    def run_name(self) -> str:
        """Name of the run's folder: model, rule, seed, and a hash of the whole configuration."""
        text = json.dumps(self.complete(), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        return f"{Path(self.model).stem}-{self.rule}-seed{self.seed}-{digest}"


class TrainConfig(_RunConfig):
    """A run of the training loop: a model, a rule that leaves its update in `.grad`, and data.

    The validation images are the last `validation_fraction` of a seeded shuffle of the training
    images; the epoch is chosen on them, and the test images are read once, at the end.
    """

    n_train: int | None = Field(
        default=None, ge=20, description="training images used, validation included; all if absent"
    )
    validation_fraction: float = Field(default=0.1, gt=0, lt=1)
    epochs: int = Field(default=5, ge=1)
    batch_size: int = Field(default=64, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0, description="of Adam")


class STDPConfig(_RunConfig):
    """Unsupervised training of a spiking network with one plastic projection, by simulation.

    The network is shown `n_train` images, one after another, each for `present_ms` with
    `rest_ms` of silence before the next. Then it is frozen, its neurons take the label of the
    class that they answer most in the first `n_label` training images (those it learned from and
    further ones), and it is tested on `n_test` of the test images.
    """

    rule: str = "stdp"
    model: str = "competitive_stdp"
    n_train: int = Field(default=300, ge=1)
    n_label: int = Field(default=1000, ge=1)
    n_test: int = Field(default=1000, ge=1)
    present_ms: float = Field(default=200.0, gt=0)
    rest_ms: float = Field(default=100.0, ge=0)
    dt_ms: float = Field(default=1.0, gt=0)
    max_rate_hz: float = Field(default=127.5, gt=0, description="rate of the brightest pixel")
    chunk: int = Field(default=50, ge=1, description="images between two checkpoints")
    backend: str = "brian2"
