"""Names by which trained networks can be told apart in one table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spikelearn._errors import SpikelearnError
from spikelearn._keys import content_key

# Settings that are named already, or that decide nothing.
_NAMED = ("format", "network", "model", "rule", "rule_file", "seed", "input_range")
# Settings that decide what the network does before it is trained, beside its description.
_BEFORE = ("input_range", "max_rate_hz", "dt_ms")
# Of a description, what is said of it, and what only training uses.
_SAID = ("name", "description", "reference", "kind")
_LEARNS = "plasticity"
# What a data set holds and where it is from, beside its name: said only where that is one name.
_OF_DATA = ("source", "data")
# Rules that train nothing, whatever their examples: one network before training, and one after.
UNTRAINED_RULES = ("untrained", "untrained_spiking", "untrained_latency")

_WORDS = {"input_range": "inputs"}
_LONG = 24  # characters of a setting, beyond which it is told by its hash


def network_names(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The name of each run's network, with settings behind it where it would mean two things.

    Of one network with inputs of different ranges, and of two descriptions of one name, also the
    untrained twins differ (`start_names`); runs of one rule, network and seed differ in something
    else. A network that no rule trains is called as it is before training.
    """
    starts = start_names(configs)
    trained = [i for i, c in enumerate(configs) if c["rule"] not in UNTRAINED_RULES]
    runs = [
        " ".join((str(configs[i]["rule"]), starts[i], str(configs[i]["seed"]))) for i in trained
    ]
    every = [
        {k: v for k, v in configs[i].items() if k not in (*_NAMED, *_OF_DATA)} for i in trained
    ]
    told = _told_apart(runs, every)
    for name in _OF_DATA:
        told = _told_apart(told, [{name: configs[i].get(name)} for i in trained])
    names = list(starts)
    for i, run, whole in zip(trained, runs, told, strict=True):
        names[i] = starts[i] + whole.removeprefix(run).replace(") (", ", ")
    return names


def refuse_namesakes(runs: Iterable[tuple[str, str, int, Path | None]]) -> None:
    """Refuse two runs that would be one row: their scores would be told apart by nothing.

    Parameters
    ----------
    runs : iterable of (rule, network, seed, folder)
        The network as of `network_names`; no folder where a run was not stored.

    Raises
    ------
    SpikelearnError
    """
    found: dict[tuple[str, str, int], Path | None] = {}
    for rule, network, seed, folder in runs:
        name = rule, network, seed
        if name in found and rule not in UNTRAINED_RULES:  # these are one, whatever they saw
            places = " and ".join(str(one or "one in memory") for one in (found[name], folder))
            raise SpikelearnError(
                f"two runs are {rule} on {network} with seed {seed} and the same settings"
                f" ({places}); give one of them"
            )
        found[name] = folder


def start_names(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The name of each run's network as it is before training: that of its untrained twin.

    It is named by what decides what the network does then, beside its seed: its description and
    how strong its input is. Runs that differ in their rule, examples or epochs alone start from one
    network, and have one name.
    """
    names = [str(config["network"]["name"]) for config in configs]
    return _told_apart(names, [_untrained(config) for config in configs])


def _untrained(config: Mapping[str, Any]) -> dict[str, Any]:
    """All that decides what a network does before it is trained, but its seed."""
    described = {k: v for k, v in config["network"].items() if k not in _SAID}
    settings: dict[str, Any] = _unlearning({key: config.get(key) for key in _BEFORE} | described)
    return settings


def _unlearning(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _unlearning(v) for k, v in value.items() if k != _LEARNS}
    return [_unlearning(v) for v in value] if isinstance(value, list | tuple) else value


def _told_apart(names: Sequence[str], settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names; where equal ones are of different settings, with those that differ."""
    told = []
    for name, setting in zip(names, settings, strict=True):
        namesakes = [other for n, other in zip(names, settings, strict=True) if n == name]
        differing = [
            key for key in setting if any(o.get(key) != setting.get(key) for o in namesakes)
        ]
        said = ", ".join(words for key in differing for words in _said(key, setting, namesakes))
        told.append(f"{name} ({said})" if said else name)
    return told


def _said(
    key: str, settings: Mapping[str, Any], namesakes: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """A setting that differs among namesakes, in words; of a mapping, the parts that differ."""
    value = settings.get(key)
    if not isinstance(value, Mapping):
        yield f"{_WORDS.get(key, key)} {_setting(value)}"
        return
    others = [other.get(key) or {} for other in namesakes]
    for part, inner in value.items():
        if any(other.get(part) != inner for other in others):
            yield f"code of {part} {inner[:6]}" if key == "code" else f"{part} {_setting(inner)}"


def _setting(value: Any) -> str:
    if isinstance(value, list | tuple) and all(isinstance(v, int | float) for v in value):
        said = " to ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value)
    else:
        said = str(value)
    return said if len(said) <= _LONG else content_key([said], n_digits=6)
