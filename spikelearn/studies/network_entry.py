"""A network of a study's grid: by a recipe, or by a rule and a model, with fields of its own."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

from pydantic import ConfigDict, Field, PositiveInt, field_validator, model_validator

from spikelearn._description import Description
from spikelearn._errors import nearest
from spikelearn._files import validate
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.recipes import load_recipe


class NetworkEntry(Description):
    """One network of the grid: a recipe, or a rule and a model; other fields replace its own."""

    model_config = ConfigDict(extra="allow")
    family: str = Field(
        description="family of learning rules, as it is printed; baseline where nothing is learned"
    )
    recipe: str | None = Field(default=None, description="name of a shipped recipe, or path")
    rule: str | None = Field(
        default=None,
        description="name of a learning rule, or file and class of one's own, as my_rule.py:MyRule",
    )

    n_seeds: PositiveInt | None = Field(
        default=None, description="with how many of the study's seeds, the first; all, if left out"
    )

    named_by: ClassVar[tuple[str, ...]] = ("recipe", "rule")

    @field_validator("rule", mode="before")
    @classmethod
    def _found_from_anywhere(cls, rule: Any) -> Any:
        from spikelearn.rules import known_name
        from spikelearn.rules.user_rule import is_place

        own = isinstance(rule, type) or (isinstance(rule, str) and is_place(rule))
        return known_name(rule) if own else rule

    @model_validator(mode="after")
    def _one_of_two(self) -> NetworkEntry:
        if (self.recipe is None) == (self.rule is None):
            raise ValueError("a network has either a recipe or a rule")
        for name in self.model_extra or {}:
            if name not in self.settable():
                hint = nearest(name, self.settable())
                raise ValueError(f"there is no field '{name}' of a network or its training; {hint}")
        return self

    def settable(self) -> tuple[str, ...]:
        """Its own fields, and those of the training that its recipe or rule asks for."""
        own = super().settable()
        # Seeds are the study's: every network is trained with each of them.
        others = (f for f in type(self._as_recipe).model_fields if f not in (*own, "seed"))
        return (*own, *others)

    def seen(self, name: str) -> Any:
        """A field as it is said here, or by the recipe, or by default."""
        said = {**dict(self), **(self.model_extra or {})}
        if said.get(name) is not None:
            return said[name]
        return getattr(self._as_recipe, name, None)

    @property
    def _as_recipe(self) -> TrainConfig | STDPConfig:
        """What the recipe or the rule says before fields of this network replace it."""
        return _recipe(self.recipe, self.rule)

    def config(
        self, seed: int, n_train: int | None, updates: int | None = None
    ) -> TrainConfig | STDPConfig:
        """How it is trained.

        Parameters
        ----------
        seed : int
        n_train : int or None
            Training images, where the network does not say itself.
        updates : int, optional
            Updates to which as many epochs as come nearest, at least 2, are run, on `n_train`
            images or as many as there are; only in the training loop, not for STDP.

        Raises
        ------
        SpikelearnError
            Naming the field and what is allowed.
        """
        config = self._as_said(seed, n_train)
        if updates is None or isinstance(config, STDPConfig):
            return config
        from spikelearn.stimuli.datasets import data_key

        key = data_key(config.dataset, config.source)
        at_hand = _images_at_hand(
            config.dataset, config.source, config.image_range, config.background, key
        )
        n = min(config.n_train or at_hand, at_hand)
        per_epoch = -(-round((1 - config.validation_fraction) * n) // config.batch_size)
        epochs = max(2, round(updates / per_epoch))
        return config.model_copy(update={"n_train": n, "epochs": epochs})

    def _as_said(self, seed: int, n_train: int | None) -> TrainConfig | STDPConfig:
        changes: dict[str, Any] = {"n_train": n_train} if n_train is not None else {}
        changes |= {**(self.model_extra or {}), "seed": seed}
        if self.recipe is not None:
            return load_recipe(self.recipe, **changes)
        kind: Any = type(self._as_recipe)
        config: TrainConfig | STDPConfig = validate(
            kind, {"rule": self.rule, **changes}, f"the study's network by '{self.rule}'"
        )
        return config


def _recipe(recipe: str | None, rule: str | None) -> TrainConfig | STDPConfig:
    if recipe is not None:
        return load_recipe(recipe)
    from spikelearn.rules import known_name, rule_entry

    name = known_name(str(rule))
    if rule_entry(name).simulated:
        return STDPConfig(rule=name)
    return TrainConfig(rule=name, model="not said")


@functools.cache
def _images_at_hand(
    dataset: str,
    source: str,
    image_range: tuple[float, float] | None,
    background: str | None,
    _key: str,
) -> int:
    """How many training images there are, counted once for data of one key."""
    from spikelearn.stimuli.datasets import load_dataset

    size = (8, 8)  # they are only counted
    return len(load_dataset(dataset, source, image_range, background, size).train_images)
