"""What of a description can be turned: every number in it, with its unit, bounds and range.

Knobs are read off the descriptions' own schema, so that a neuron model or a kind of connectivity
that is added later has them, too. What differs from neuron to neuron, or from synapse to synapse,
is an array and no knob. Numbers that are equal wherever they stand, such as the weights of all
synapses of inhibitory neurons, have a knob that turns them together besides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from spikelearn._description import Description
from spikelearn._errors import SpikelearnError
from spikelearn.networks.fields import AnyDistribution
from spikelearn.networks.neurons import SpikeSource
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.report.sweep_figures import label_with_unit

# Times that have to lie on the grid.
_ON_GRID = ("delay_ms", "refractory_ms", "interval_ms", "normalise_every_ms")
# Ranges of what is 0 now, by unit; of potentials in mV, how far a slider goes at least.
_FROM_ZERO = {
    "_ms": 20.0, "_mv": 20.0, "_hz": 100.0, "_pa": 500.0, "_ns": 10.0, "_mv_per_ms": 20.0,
}  # fmt: skip
_POTENTIAL = re.compile(r"(v|theta|.*reversal|.*offset)_.*mv$|c_mv$")
_UNITS = (*_FROM_ZERO, "_per_ms")
_STEPS = 200  # positions of a slider, about
# What stands in a description beside what it is of.
_NOT_TURNED = {"dt_ms", "rates_hz"}
_WITHOUT_WORD = {"connectivity", "synapse", "plasticity"}  # whose fields say enough by themselves
TOGETHER = "together"


@dataclass(frozen=True)
class Knob:
    """A number that can be turned.

    Attributes
    ----------
    path : str
        Where it stands, as `changed` takes it.
    part : {"network", "stimulus"}
        Of which description.
    group : str
        What it is shown with, such as "population excitatory".
    label : str
        With the unit in brackets.
    value : float
        As the description has it.
    low, high, step : float
        Of the slider.
    least, most : float
        Bounds of the field; infinite where it has none.
    strict_least : bool
        Whether `least` itself is out of bounds.
    whole : bool
        Whether it is a whole number.
    about : str
        What the description says of it.
    places : tuple of str
        The paths of the single numbers that it turns: its own, or several.
    """

    path: str
    part: str
    group: str
    label: str
    value: float
    low: float
    high: float
    step: float
    least: float = -math.inf
    most: float = math.inf
    strict_least: bool = False
    whole: bool = False
    about: str = ""
    places: tuple[str, ...] = field(default=())

    def fitting(self, value: float) -> float:
        """The nearest value that the field takes: whole, on the grid, within its bounds."""
        if value is None:  # where it is typed, and the text is empty
            raise SpikelearnError(f"{self.label} must be a number; none is given")
        if self.path.endswith(_ON_GRID):
            value = round(round(value / self.step) * self.step, 10)
        least = self.least + (self.step if self.strict_least else 0.0)
        value = min(max(value, least), self.most)
        return round(value) if self.whole else float(value)


def knobs_of(network: SpikingNetwork, stimulus: Description | None, dt_ms: float) -> list[Knob]:
    """All knobs of a network and of what it is shown, those that turn several numbers first.

    Parameters
    ----------
    network : SpikingNetwork
    stimulus : protocol, optional
    dt_ms : float
        Time step of the grid, on which delays lie.
    """
    single = list(_of_network(network, dt_ms))
    shown = [] if stimulus is None else list(_of_stimulus(stimulus, dt_ms))
    return [*_together(network, single), *single, *shown]


def knobs_of_part(part: Description, group: str, dt_ms: float) -> list[Knob]:
    """The knobs of one description alone.

    Parameters
    ----------
    part : Description
    group : str
        What they are shown with.
    dt_ms : float
        Time step of the grid.
    """
    return list(_numbers(part, "", group, group, dt_ms))


def _of_network(network: SpikingNetwork, dt_ms: float) -> Iterator[Knob]:
    for name, population in network.populations.items():
        path = f"populations[{name}]" if re.search(r"[.\[\]*]", name) else f"populations.{name}"
        if isinstance(population, SpikeSource):
            continue  # how many there are, the stimulus may say neuron by neuron
        yield from _numbers(population, path, "network", f"population {name}", dt_ms)
    for kind, items in (
        ("projections", network.projections),
        ("background", network.background),
        ("noise", network.noise),
    ):
        names = [str(item.named()) for item in items]
        for index, (name, item) in enumerate(zip(names, items, strict=True)):
            alone = names.count(name) == 1 and not re.search(r"[\[\]*,=\"']", name)
            group = f"{kind.removesuffix('s')} {name}"
            if names.count(name) > 1:
                group += f" ({names[:index].count(name) + 1})"
            path = f"{kind}[{name if alone else index}]"
            from_neurons = getattr(item, "source", None) in network.neurons
            for knob in _numbers(item, path, "network", group, dt_ms):
                waits = from_neurons and knob.path == f"{path}.delay_ms"
                low = max(knob.low, dt_ms)
                yield replace(knob, least=dt_ms, low=low) if waits else knob


def _of_stimulus(stimulus: Description, dt_ms: float) -> Iterator[Knob]:
    yield from _numbers(stimulus, "", "stimulus", "stimulus", dt_ms)


def _numbers(
    node: Description, path: str, part: str, group: str, dt_ms: float, within: str = ""
) -> Iterator[Knob]:
    """The numbers of a description, and of those within it."""
    positive = getattr(type(node), "_positive", ())
    if not isinstance(positive, tuple):  # of a class that declares none, pydantic's own wrapping
        positive = getattr(positive, "default", ()) or ()
    for name, told in type(node).model_fields.items():
        value = getattr(node, name)
        here = f"{path}.{name}" if path else name
        if name in _NOT_TURNED:
            continue
        if isinstance(value, Description):
            outer = within if name in _WITHOUT_WORD else within + name
            yield from _numbers(value, here, part, group, dt_ms, outer)
        elif isinstance(value, tuple) and value and isinstance(value[0], Description):
            for index, item in enumerate(value):
                outer = f"{within}{name.removesuffix('s')} {index + 1}"
                yield from _numbers(item, f"{here}[{index}]", part, group, dt_ms, outer)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            # Of noise and of what is drawn, the unit stands elsewhere.
            suffix = f"_{node.unit}" if "unit" in type(node).model_fields else ""  # type: ignore[attr-defined]
            suffix = suffix or next((u for u in sorted(_UNITS, key=len) if within.endswith(u)), "")
            named = name if name.endswith(_UNITS) or name == "size" else name + suffix
            sign = "strictly" if name in positive else "or 0" if name == "sd" else ""
            bounds = _bounds(told.metadata, sign)
            whole = told.annotation is int
            reach = _reach(node) if isinstance(node, AnyDistribution) else None
            low, high, step = _range(named, float(value), whole, bounds, dt_ms, reach)
            words = f"{label_with_unit(within.removesuffix(suffix))} " if within else ""
            yield Knob(
                here, part, group, words + label_with_unit(named), value, low, high, step,
                *bounds, whole, told.description or "", (here,),
            )  # fmt: skip


def _bounds(metadata: list[Any], positive: str) -> tuple[float, float, bool]:
    """Least and most, and whether the least itself is out of bounds."""
    least, most, strict = -math.inf, math.inf, False
    for item in metadata:
        if getattr(item, "ge", None) is not None:
            least = float(item.ge)
        if getattr(item, "gt", None) is not None:
            least, strict = float(item.gt), True
        if getattr(item, "le", None) is not None:
            most = float(item.le)
    if positive:
        least, strict = max(least, 0.0), positive == "strictly" or strict
    return least, most, strict


def _reach(distribution: AnyDistribution) -> float | None:
    """How far a slider goes from a 0 in a distribution: as its other numbers say."""
    others = [abs(v) for v in dict(distribution).values() if isinstance(v, float)]
    return 2 * max(others, default=0.0) or None


def _range(
    name: str,
    value: float,
    whole: bool,
    bounds: tuple[float, float, bool],
    dt_ms: float,
    from_zero: float | None = None,
) -> tuple[float, float, float]:
    """Both ends of a slider, and its step."""
    least, most, strict = bounds
    unit = next((u for u in sorted(_FROM_ZERO, key=len, reverse=True) if name.endswith(u)), "")
    if math.isfinite(least) and math.isfinite(most):
        low, high = least, most
    elif _POTENTIAL.match(name):
        reach = max(_FROM_ZERO["_mv"], abs(value) / 2)
        low, high = value - reach, value + reach
    elif name.endswith("_deg"):
        low, high = -180.0, 180.0
    elif value == 0:
        reach = from_zero or _FROM_ZERO.get(unit, 1.0)
        low, high = (0.0, reach) if least >= 0 else (-reach, reach)
    else:
        low, high = sorted((0.0, 2.0 * value))
    low, high = max(low, least), min(high, most)
    if whole:
        high = max(high, min(10.0, most))
        step = max(1.0, float(round(_nice((high - low) / _STEPS))))
        return float(math.ceil(low)), float(math.ceil(high)), step
    step = dt_ms if name in _ON_GRID else _nice((high - low) / _STEPS)
    if low <= least and strict:
        low = least + step
    # Ends on the steps of the slider, counted from 0, so that round numbers are among them.
    low, high = math.ceil(low / step - 1e-9) * step, math.floor(high / step + 1e-9) * step
    return round(low, 10), round(max(high, low + step), 10), step


def _nice(step: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above a step."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(float(f"{n * power:g}") for n in (5, 2, 1) if n * power <= step * (1 + 1e-9))


def _together(network: SpikingNetwork, single: list[Knob]) -> Iterator[Knob]:
    """Knobs that turn several equal numbers: of all synapses from one source, of all inputs."""
    by_path = {knob.path: knob for knob in single}
    sources = dict.fromkeys(p.source for p in network.projections)
    kinds = dict.fromkeys(p.model for p in network.neurons.values())
    sets: list[tuple[str, str, list[str]]] = [
        (f"projections[{source}->*]", f"synapses from {source}: ", [
            prefix for prefix in _prefixes(single, "projections")
            if prefix.startswith(f"projections[{source}->")
        ]) for source in sources
    ]  # fmt: skip
    sets += [
        (f"{kind}[*]", f"{kind}: ", _prefixes(single, kind)) for kind in ("background", "noise")
    ]
    for model in kinds:
        prefixes = [
            f"populations.{name}" for name, p in network.neurons.items() if p.model == model
        ]
        sets.append((f"populations[model={model}]", f"{model} neurons: ", prefixes))
    for path, words, prefixes in sets:
        if len(prefixes) < 2:
            continue
        ends = [
            [k.path.removeprefix(prefix) for k in single if k.path.startswith(f"{prefix}.")]
            for prefix in prefixes
        ]
        for end in ends[0]:
            knobs = [by_path.get(prefix + end) for prefix in prefixes]
            first = knobs[0]
            alike = all(k is not None and k.value == knobs[0].value for k in knobs)  # type: ignore[union-attr]
            if first is None or not alike or end == ".size":
                continue
            places = tuple(k.path for k in knobs if k is not None)
            yield Knob(
                path + end, "network", TOGETHER, words + first.label, first.value, first.low,
                first.high, first.step, first.least, first.most, first.strict_least, first.whole,
                first.about, places,
            )  # fmt: skip


def _prefixes(single: list[Knob], kind: str) -> list[str]:
    """Which entries of a list have knobs, as paths."""
    found = (re.match(rf"{kind}\[[^\]]*\]", knob.path) for knob in single)
    return list(dict.fromkeys(match[0] for match in found if match))


def shortest(changed: Mapping[str, float], knobs: list[Knob]) -> dict[str, float]:
    """The same changes in fewer words: where a knob turns several numbers to one value, by that.

    Parameters
    ----------
    changed : mapping of str to float
        Values by the paths of single numbers.
    knobs : list of Knob
    """
    left, said = dict(changed), {}
    for knob in knobs:
        values = {left.get(place) for place in knob.places}
        if len(knob.places) > 1 and len(values) == 1 and None not in values:
            said[knob.path] = values.pop()
            for place in knob.places:
                del left[place]
    return {**said, **left}  # type: ignore[dict-item]
