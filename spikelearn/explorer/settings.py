"""Settings: which network, shown what, with which numbers; and all the ways to take one along.

A `Subject` is what can be explored: a description, what it is shown, and its knobs. A `Setting` is
a subject with what was turned. Both its address and its code say only what is other than there;
from an address nothing is taken but names that are known and numbers that the schema allows.
"""

from __future__ import annotations

import functools
import math
import pprint
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from spikelearn._description import Description
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._files import find_yaml, read_yaml, shipped_names
from spikelearn._paths import Place, locations
from spikelearn._time_steps import nearest_step
from spikelearn._yaml import parse_yaml
from spikelearn.explorer.knobs import Knob, knobs_of, shortest
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.given import network_given, time_step
from spikelearn.stimuli import load_protocol

LONGEST_MS, MOST_SEED = 60_000.0, 2**31 - 1
DURATION_MS = 500.0
NOTHING = "nothing"
HELD = "A."  # before the names of a setting that is held beside another


@dataclass(frozen=True, eq=False)
class Subject:
    """A network and what it is shown, with their knobs.

    Attributes
    ----------
    name : str
        Of the model.
    network : SpikingNetwork
    fields : mapping
        The network as its file says it.
    stimulus : str or None
        The name of what it is shown.
    protocol : protocol or None
        What it is shown.
    knobs : list of Knob
    opened : str or None
        By what `load_model` opens it: its name or its file; None where it is neither.
    """

    name: str
    network: SpikingNetwork
    fields: Mapping[str, Any]
    stimulus: str | None
    protocol: Description | None
    knobs: list[Knob]
    opened: str | None

    @property
    def dt_ms(self) -> float:
        """Time step of the grid."""
        return time_step(self.network)

    @functools.cached_property
    def by_path(self) -> dict[str, Knob]:
        """Knobs by where they stand; those of the stimulus behind "stimulus."."""
        return {key_of(knob): knob for knob in self.knobs}


def key_of(knob: Knob) -> str:
    """Where a knob stands, as `--set` of the command line takes it."""
    return f"stimulus.{knob.path}" if knob.part == "stimulus" else knob.path


def subject_of(
    model: Any, stimulus: str | None = None, name: str | None = None, fields: Any = None
) -> Subject:
    """What is explored of a model.

    Parameters
    ----------
    model : SpikingNetwork, str, Path or mapping
        As `simulate` takes it.
    stimulus : str, optional
        What it is shown: a name or a YAML file. Where it has spike sources, "poisson" if absent;
        "nothing" is nothing.
    name : str, optional
        What it is called; its own name, if absent.
    fields : mapping, optional
        The network as a file says it; read from its file, or made of the network, if absent.
    """
    network = network_given(model)
    if stimulus is None and network.sources:
        stimulus = "poisson"
    protocol = None if stimulus in (None, NOTHING) else load_protocol(str(stimulus))
    opened = str(model) if isinstance(model, str | Path) else None
    if fields is None:
        if opened is not None and Path(opened).suffix != ".nir":
            fields = read_yaml(find_yaml("models", opened))
        else:
            fields = network.model_dump(exclude_none=True)
    own = name or (opened if opened in shipped_names("models") else network.name)
    knobs = knobs_of(network, protocol, time_step(network))
    return Subject(
        str(own), network, fields, None if protocol is None else stimulus, protocol, knobs, opened
    )


@dataclass(frozen=True)
class Setting:
    """A subject with what was turned.

    Attributes
    ----------
    subject : Subject
    turned : mapping of str to float
        Values by the keys of single knobs, where they are other than the description's.
    duration_ms : float
    seed : int
    scale : float
        Share of the neurons and of the synapses on each that is simulated.
    """

    subject: Subject
    turned: Mapping[str, float] = field(default_factory=dict)
    duration_ms: float = DURATION_MS
    seed: int = 0
    scale: float = 1.0

    def __post_init__(self) -> None:
        dt_ms = self.subject.dt_ms
        if not dt_ms <= self.duration_ms <= LONGEST_MS:
            raise SpikelearnError(
                f"duration_ms must be from {dt_ms:g} to {LONGEST_MS:g}, found {self.duration_ms:g}"
            )
        if not 0 <= self.seed <= MOST_SEED:
            raise SpikelearnError(f"seed must be from 0 to {MOST_SEED}, found {self.seed}")
        if not 0 < self.scale <= 1:
            raise SpikelearnError(f"scale must lie above 0 and be at most 1, found {self.scale:g}")
        steps = nearest_step(self.duration_ms, dt_ms)
        object.__setattr__(self, "duration_ms", round(steps * dt_ms, 9))

    def value(self, key: str) -> float:
        """What a knob stands at; of one that turns several, the first."""
        knob = self.subject.by_path[key]
        return self.turned.get(_keys(knob)[0], knob.value)

    def turn(self, key: str, value: float) -> Setting:
        """The setting with a knob at another value, the nearest that its field takes.

        Raises
        ------
        SpikelearnError
            For an unknown knob, or what is no finite number.
        """
        knob = self.subject.by_path.get(key)
        if knob is None:
            raise SpikelearnError(f"there is no knob '{key}'; {nearest(key, self.subject.by_path)}")
        if not math.isfinite(value):
            raise SpikelearnError(f"{key} must be a finite number, found {value!r}")
        value = knob.fitting(value)
        turned = dict(self.turned)
        for single in _keys(knob):
            turned.pop(single, None)
            if value != self.subject.by_path[single].value:
                turned[single] = value
        return replace(self, turned=turned)

    def of(self, part: str) -> dict[str, float]:
        """What is other in the network or in the stimulus, by its paths, in few words."""
        own = {
            k: v for k, v in self.turned.items() if k.startswith("stimulus.") == (part != "network")
        }
        plain = {key.removeprefix("stimulus."): value for key, value in own.items()}
        return shortest(plain, [k for k in self.subject.knobs if k.part == part])

    def network(self, scaled: bool = True) -> SpikingNetwork:
        """The network as it is turned, and as small.

        Raises
        ------
        SpikelearnError
            Where numbers do not fit together, such as a threshold below the reset.
        """
        changed = self.of("network")
        network = self.subject.network.changed(changed) if changed else self.subject.network
        return network.scaled(self.scale) if scaled and self.scale != 1 else network

    def protocol(self) -> Any:
        """What it is shown, as it is turned; None for nothing."""
        changed = self.of("stimulus")
        protocol = self.subject.protocol
        return protocol.changed(changed) if protocol is not None and changed else protocol

    def address(self, prefix: str = "") -> str:
        """It as the query of an address; what a page opens with is left out.

        Parameters
        ----------
        prefix : str
            Before each name: `HELD` for a second setting in one address.
        """
        said: dict[str, Any] = {"model": self.subject.name}
        if self.subject.stimulus is not None:
            said["stimulus"] = self.subject.stimulus
        elif self.subject.network.sources:
            said["stimulus"] = NOTHING
        said["duration_ms"] = f"{self.duration_ms:.12g}"
        if self.seed:
            said["seed"] = self.seed
        if self.scale != 1:
            said["scale"] = repr(self.scale)
        turned = {
            **self.of("network"),
            **{f"stimulus.{k}": v for k, v in self.of("stimulus").items()},
        }
        said |= {key: repr(value) for key, value in turned.items()}
        return urlencode({prefix + key: value for key, value in said.items()})

    def command(self, out: str | None = "spikes.npz", model: str | None = None) -> str:
        """The command that simulates it.

        Parameters
        ----------
        out : str, optional
            File for the spikes.
        model : str, optional
            A file of the network as it is turned; otherwise the model is named, and what is turned
            is set.
        """
        words = ["spikelearn", "simulate", model or self.subject.opened or "network.yaml"]
        turned = self.of("network") if model is None and self.subject.opened else {}
        of_stimulus = {f"stimulus.{key}": value for key, value in self.of("stimulus").items()}
        for key, value in {**turned, **of_stimulus}.items():
            words += ["--set", f"{key}={value!r}"]
        if self.subject.stimulus is not None:
            words += ["--stimulus", self.subject.stimulus]
        words += ["--duration", f"{self.duration_ms:.12g}"]
        words += ["--scale", repr(self.scale)] if self.scale != 1 else []
        words += ["--seed", str(self.seed)] if self.seed else []
        return shlex.join([*words, *(["--out", out] if out else [])])

    def yaml(self) -> str:
        """The network's description as it is turned, headed by the command that simulates it."""
        import yaml

        fields = _alone(self.subject.fields)
        for place, value in locations(self.subject.network, self.of("network")).items():
            _put(fields, place, value)
        text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=100)
        head = [f"# {self.command(model='network.yaml')}"]
        if any(
            "{" in str(v) and "file" in str(v) for v in self.subject.fields.get("projections", ())
        ):
            head.append(f"# (in the folder of {self.subject.opened}, whose arrays it names)")
        return "\n".join([*head, text])

    def python(self) -> str:
        """A program that simulates it."""
        lines = ["import spikelearn as sl", ""]
        if self.subject.opened is not None:
            network, turned = f"sl.load_model({self.subject.opened!r})", self.of("network")
        else:
            fields = parse_yaml(self.yaml(), self.subject.name)
            network, turned = f"sl.SpikingNetwork(**{pprint.pformat(fields, sort_dicts=False)})", {}
        lines.append(f"network = {network}{_changed(turned)}")
        if self.scale != 1:
            lines.append(f"network = network.scaled({self.scale!r})")
        shown = ""
        if self.subject.stimulus is not None:
            protocol = f"sl.load_protocol({self.subject.stimulus!r})"
            lines.append(f"stimulus = {protocol}{_changed(self.of('stimulus'))}")
            shown = "stimulus, "
        lines.append(
            f"activity = sl.simulate(network, {shown}duration_ms={self.duration_ms!r},"
            f" seed={self.seed})"
        )
        return "\n".join([*lines, ""])


def _keys(knob: Knob) -> list[str]:
    """Of the single numbers that a knob turns."""
    return [f"stimulus.{p}" if knob.part == "stimulus" else p for p in knob.places]


def _changed(turned: Mapping[str, float]) -> str:
    if not turned:
        return ""
    inside = "".join(f"    {key!r}: {value!r},\n" for key, value in turned.items())
    return f".changed({{\n{inside}}})"


def _alone(value: Any) -> Any:
    """Plain values, none of which is the same object as another: aliases would change together."""
    if isinstance(value, Mapping):
        return {str(key): _alone(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_alone(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


def _put(fields: Any, place: Place, value: float) -> None:
    """Set what stands at a place; a description that was left to its default is begun."""
    *outer, last = place
    for key in outer:
        there = isinstance(fields, dict)
        fields = fields.setdefault(str(key), {}) if there else fields[int(key)]
    fields[last if isinstance(fields, dict) else int(last)] = value


def from_address(
    query: str, known: Mapping[str, Any], default: Setting, prefix: str = ""
) -> tuple[Setting, list[str]]:
    """The setting that an address says, and what of it was left out, in sentences.

    Parameters
    ----------
    query : str
        What stands behind the question mark.
    known : mapping of str to callable
        Models by name: each is called with the name of a stimulus, or None, and gives a subject.
    default : Setting
        What the address does not say.
    prefix : str
        Of the names that are read: none, or `HELD`.
    """
    said = [
        (key.removeprefix(prefix), value)
        for key, value in parse_qsl(query.lstrip("?"))
        if key.startswith(HELD) == (prefix == HELD)
    ]
    given, notes = dict(said), []
    setting = default
    model, stimulus = given.pop("model", default.subject.name), given.pop("stimulus", None)
    if stimulus is not None and stimulus not in (*shipped_names("stimuli"), NOTHING):
        notes.append(f"there is no stimulus '{stimulus:.60}'")
        stimulus = None
    if model not in known:
        notes.append(f"there is no model '{model:.60}' to explore")
    elif model != default.subject.name or stimulus is not None:
        try:
            setting = replace(default, subject=known[model](stimulus), turned={})
        except SpikelearnError as error:
            notes.append(str(error))
    for key, text in given.items():
        try:
            setting = _with(setting, key, text)
        except (SpikelearnError, ValueError, OverflowError) as error:
            notes.append(f"'{key:.80}' of the address is left out: {error}")
    try:
        setting.network()
        setting.protocol()
    except SpikelearnError as error:
        notes.append(f"what the address turns is left out: {error}")
        setting = replace(setting, turned={}, scale=1.0)
    return setting, notes


def _with(setting: Setting, key: str, text: str) -> Setting:
    if len(text) > 30:
        raise SpikelearnError("a number is needed")
    if key == "seed":
        return replace(setting, seed=int(text))
    if key == "duration_ms":
        return replace(setting, duration_ms=float(text))
    if key == "scale":
        return replace(setting, scale=float(text))
    return setting.turn(key, float(text))
