"""Settings of the page of learning rules: which rule trains which small network on what.

A setting is a training run of the toolkit, started from the rule's recipe for MNIST: its options
and optimiser, in fewer epochs and on a network that is small enough to be looked at.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from spikelearn._errors import SpikelearnError, nearest
from spikelearn._files import find_yaml, read_yaml, shipped_names
from spikelearn.rules import RULES, RuleEntry

if TYPE_CHECKING:
    from spikelearn.training.config import TrainConfig

_RECIPES = "mnist_mlp"
# Fields of a recipe that belong to its rule; the others are of its data and its length.
_OF_THE_RULE = ("options", "groups", "optimizer", "momentum", "weight_decay")
_BATCH = 32
_ACTIVATION = "relu"  # as in the networks of the recipes
# What recipes say for images of 784 pixels and networks of thousands of units, and is other here.
_WHEN_SMALL: dict[str, dict[str, Any]] = {
    "softhebb": {"groups": {"network": {"learning_rate": 0.8}}},
    "krotov_hopfield": {"options": {"radius": 4.0, "power": 3.0}},
    "forward_forward": {"options": {"theta": 1.0, "label_strength": None}},
}
# These write the label over the first inputs, one for each class.
_WRITE_LABELS = ("forward_forward", "forward_forward_symba")
MOST_WIDTH, MOST_EPOCHS, MOST_SEED = 200, 200, 2**31 - 1
RATES = (1e-6, 1e3)
BESIDE = "A."  # before the names of the rule that stands beside, in the address
_OWN = ("rule", "rate")  # of which it has only these; all else is as of the other


@dataclass(frozen=True)
class SmallData:
    """A small data set, and the network that learns it.

    Attributes
    ----------
    model : str
        With two hidden layers.
    about : str
    input_range : (float, float)
        What black and white become.
    in_plane : bool
        Whether its examples are points of a plane.
    """

    model: str
    about: str
    input_range: tuple[float, float] = (0.0, 1.0)
    in_plane: bool = False


DATA = {
    "digits": SmallData("mlp_64", "1,797 handwritten digits of 8 x 8 pixels (scikit-learn)"),
    "two_moons": SmallData(
        "mlp_2", "1,000 points of two half circles that reach into each other",
        (-2.0, 2.0), in_plane=True,
    ),
}  # fmt: skip


def rules() -> dict[str, RuleEntry]:
    """The rules that train a multi-layer perceptron, by name; none is imported for that."""
    return {
        name: entry for name, entry in RULES.items() if "mlp" in entry.networks and entry.trains
    }


def label_of(rule: str) -> str:
    """How a rule is called in lists."""
    return RULES[rule].label or rule.replace("_", " ")


# What a rule needs, where what its authors claim holds, and where it does not.
_NEEDS = {
    "no weight transport": ("no weight transport", "weight transport"),
    "local error": ("only a local error", "an error that is not local"),
    "single phase": ("one phase", "several phases"),
    "unsupervised": ("no labels in its hidden layers", "labels"),
}


def needs_of(entry: RuleEntry) -> str:
    """What the rule needs, by its authors, in a sentence; empty where they say nothing."""
    needs = [
        _NEEDS.get(name, (name, f"not {name}"))[0 if holds else 1]
        for name, holds in entry.claims.items()
    ]
    listed = ", ".join(needs[:-1]) + (" and " if needs[:-1] else "") + needs[-1] if needs else ""
    return f"By its authors it needs {listed}." if needs else ""


def usual_rate(rule: str) -> float:
    """The learning rate that the page begins with."""
    return float(_at(_recipe(rule), _rate_place(_recipe(rule))) or 1e-3)


def _recipe(rule: str) -> dict[str, Any]:
    """The shipped recipe of a rule; empty where there is none."""
    name = f"{_RECIPES}/{rule}"
    if name not in shipped_names("models/recipes"):
        return {}
    return _merged(read_yaml(find_yaml("models/recipes", name)), _WHEN_SMALL.get(rule, {}))


def _merged(fields: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with others in their place, one by one within mappings."""
    both = {
        name: _merged(fields.get(name) or {}, value) if isinstance(value, Mapping) else value
        for name, value in others.items()
    }
    return {**fields, **both}


def _rate_place(recipe: Mapping[str, Any]) -> tuple[str, ...]:
    """Where the learning rate of the network stands: the run's, or that of a group of its own."""
    own = recipe.get("groups", {}).get("network", {}).get("learning_rate")
    return ("learning_rate",) if own is None else ("groups", "network", "learning_rate")


def _at(fields: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        fields = fields.get(name) if fields is not None else None
    return fields


@dataclass(frozen=True)
class LearningSetting:
    """A run that is looked at.

    Attributes
    ----------
    rule : str
    rate : float
        Learning rate of the network's weights.
    dataset : str
        Of `DATA`.
    width : int
        Units of each of the two hidden layers.
    seed : int
    epochs : int
    """

    rule: str = "feedback_alignment"
    rate: float = 1e-3
    dataset: str = "digits"
    width: int = 40
    seed: int = 0
    epochs: int = 30

    def __post_init__(self) -> None:
        if self.rule not in rules():
            raise SpikelearnError(
                f"there is no rule '{self.rule:.60}' here; {nearest(self.rule, rules())}"
            )
        if self.dataset not in DATA:
            raise SpikelearnError(
                f"there is no data set '{self.dataset:.60}' here; {nearest(self.dataset, DATA)}"
            )
        if self.rule in _WRITE_LABELS and DATA[self.dataset].in_plane:
            raise SpikelearnError(
                f"{label_of(self.rule)} writes the label over the first inputs, which leaves"
                f" nothing of the points of {self.dataset}; choose digits, or another rule"
            )
        for name, low, high in (
            ("width", 1, MOST_WIDTH), ("epochs", 2, MOST_EPOCHS), ("seed", 0, MOST_SEED),
            ("rate", *RATES),
        ):  # fmt: skip
            value = getattr(self, name)
            if value is None:  # a field that is empty
                raise SpikelearnError(
                    f"{name} must be a number from {low:g} to {high:g}; none is given"
                )
            if not low <= value <= high:
                raise SpikelearnError(f"{name} must be from {low:g} to {high:g}, found {value:g}")

    def fields(self) -> dict[str, Any]:
        """Fields of the training run; what is as usual is left out."""
        recipe, data = _recipe(self.rule), DATA[self.dataset]
        fields: dict[str, Any] = {
            "model": data.model,
            "changes": {
                "sizes[1]": self.width,
                "sizes[2]": self.width,
                "activation": _ACTIVATION,
            },
            "rule": self.rule,
            "dataset": self.dataset,
            "epochs": self.epochs,
            "batch_size": _BATCH,
            "learning_rate": float(recipe.get("learning_rate", 1e-3)),
            "seed": self.seed,
        }
        fields |= {name: recipe[name] for name in _OF_THE_RULE if name in recipe}
        if data.input_range != (0.0, 1.0):
            fields["input_range"] = list(data.input_range)
        fields = _in_epochs(fields, int(recipe.get("epochs", self.epochs)), self.epochs)
        place = _rate_place(recipe)
        return _with(fields, place, self.rate)

    def config(self) -> TrainConfig:
        """The training run.

        Raises
        ------
        SpikelearnError
            Where the numbers make none.
        """
        from spikelearn.training.config import TrainConfig

        return TrainConfig(**self.fields())

    def yaml(self) -> str:
        """The run as a recipe, headed by the command that trains by it."""
        import yaml

        text = yaml.safe_dump(self.fields(), sort_keys=False, allow_unicode=True, width=100)
        return f"# spikelearn train recipe.yaml\n{text}"

    def python(self) -> str:
        """A program that trains it."""
        given = "".join(f"    {name}={value!r},\n" for name, value in self.fields().items())
        return (
            f'import spikelearn as sl\n\nrun = sl.train(\n{given}    runs="runs",\n)\n'
            "print(run.summary)\n"
        )

    def command(self) -> str:
        """The command that trains it."""
        fields = self.fields()
        words = ["spikelearn", "train", str(fields.pop("model"))]
        changes, options, groups = (fields.pop(n, {}) for n in ("changes", "options", "groups"))
        settings = {f"network.{path}": value for path, value in changes.items()}
        if "input_range" in fields:
            settings["input_range"] = fields.pop("input_range")
        if groups:
            settings["groups"] = groups
        for name, value in fields.items():
            words += [f"--{name.replace('_', '-')}", f"{value}"]
        for name, value in options.items():
            words += ["--option", f"{name}={json.dumps(value)}"]
        for path, value in settings.items():
            words += ["--set", f"{path}={json.dumps(value)}"]
        return shlex.join(words)

    def address(self, prefix: str = "") -> str:
        """It as the query of an address.

        Parameters
        ----------
        prefix : str
            Before each name: `BESIDE` for the rule that stands beside, of which only rule and rate
            are its own.
        """
        own = {"rule": self.rule, "rate": repr(self.rate)}
        common = {
            "dataset": self.dataset,
            "width": self.width,
            "seed": self.seed,
            "epochs": self.epochs,
        }
        said = own if prefix else own | common
        return urlencode({prefix + name: value for name, value in said.items()})


def _with(fields: dict[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Fields with another value at a place; the given ones stay as they are."""
    first, *rest = place
    inner = _with(dict(fields.get(first) or {}), tuple(rest), value) if rest else value
    return {**fields, first: inner}


def _in_epochs(fields: dict[str, Any], before: int, now: int) -> dict[str, Any]:
    """Fields of a recipe whose stages are of so many epochs, with stages of others."""
    options, groups = fields.get("options", {}), fields.get("groups", {})
    first = options.get("unsupervised_epochs")
    if first is not None:
        cut = min(max(1, round(first * now / before)), now - 1)
        fields = _with(fields, ("options", "unsupervised_epochs"), cut)
        for name, group in groups.items():
            if "epochs" in group:
                stage = [1, cut] if group["epochs"][0] == 1 else [cut + 1, now]
                fields = _with(fields, ("groups", name, "epochs"), stage)
    return fields


_NUMBERS: dict[str, type] = {"rate": float, "width": int, "seed": int, "epochs": int}


def from_query(query: str) -> tuple[LearningSetting, LearningSetting | None, list[str]]:
    """The setting that an address says, the one beside it, and what was left out, in sentences.

    Parameters
    ----------
    query : str
        What stands behind the question mark.
    """
    given = dict(parse_qsl(query.lstrip("?")))
    notes: list[str] = []
    setting = _taken(
        LearningSetting(), {k: v for k, v in given.items() if not k.startswith(BESIDE)}, notes
    )
    own = {k.removeprefix(BESIDE): v for k, v in given.items() if k.startswith(BESIDE)}
    rule = own.get("rule")
    if rule is not None and rule not in rules():
        notes.append(
            f"'{BESIDE}rule' of the address is left out, and no rule stands beside: there is no"
            f" rule '{rule:.60}' here; {nearest(rule, rules())}"
        )
        return setting, None, notes
    for name in [one for one in own if one not in _OWN]:
        del own[name]
        notes.append(
            f"'{BESIDE}{name:.60}' of the address is left out: {' and '.join(_OWN)} are all that"
            " the rule beside has of its own"
        )
    beside = _taken(setting, own, notes, BESIDE) if own else None
    return setting, beside, notes


def _taken(
    setting: LearningSetting, given: Mapping[str, str], notes: list[str], prefix: str = ""
) -> LearningSetting:
    fields = setting.__dataclass_fields__
    # The rule first: with it comes its learning rate.
    for name in sorted(given, key=lambda one: (one != "rule", one)):
        text = given[name]
        try:
            if name not in fields:
                raise SpikelearnError(nearest(name, fields))
            value: Any = _NUMBERS.get(name, str)(text[:40])
            setting = (
                with_rule(setting, value) if name == "rule" else replace(setting, **{name: value})
            )
        except (SpikelearnError, ValueError, OverflowError) as error:
            notes.append(f"'{prefix}{name:.60}' of the address is left out: {error}")
    return setting


def with_rule(setting: LearningSetting, rule: str) -> LearningSetting:
    """The setting with another rule, at that rule's usual learning rate."""
    if rule not in rules():
        raise SpikelearnError(f"there is no rule '{rule:.60}' here; {nearest(rule, rules())}")
    return replace(setting, rule=rule, rate=usual_rate(rule))
