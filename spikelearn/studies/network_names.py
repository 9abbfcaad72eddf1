"""Names by which trained networks can be told apart in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Settings that are named already, or that decide nothing.
_NAMED = ("format", "network", "model", "rule", "seed", "input_range")

_WORDS = {"input_range": "inputs"}


def network_names(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The name of each run's network, with settings behind it where it would mean two things.

    Of one network with inputs of different ranges, also the untrained twins differ; runs of one
    rule, network and seed differ in something else.
    """
    names = [str(config["network"]["name"]) for config in configs]
    inputs = [("input_range",)] * len(configs)
    by_network = _told_apart(names, configs, inputs)
    runs = [
        " ".join((str(c["rule"]), name, str(c["seed"])))
        for c, name in zip(configs, by_network, strict=True)
    ]
    every = [tuple(key for key in config if key not in _NAMED) for config in configs]
    settings = _told_apart(runs, configs, every)
    return [
        name + whole.removeprefix(run)
        for name, run, whole in zip(by_network, runs, settings, strict=True)
    ]


def _told_apart(
    names: Sequence[str],
    configs: Sequence[Mapping[str, Any]],
    keys: Sequence[tuple[str, ...]],
) -> list[str]:
    """The names; where equal ones are of different settings, with those that differ."""
    told = []
    for name, config, known in zip(names, configs, keys, strict=True):
        namesakes = [other for n, other in zip(names, configs, strict=True) if n == name]
        differing = [key for key in known if any(o.get(key) != config.get(key) for o in namesakes)]
        said = ", ".join(f"{_WORDS.get(key, key)} {_setting(config.get(key))}" for key in differing)
        told.append(f"{name} ({said})" if said else name)
    return told


def _setting(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " to ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value)
    return str(value)
