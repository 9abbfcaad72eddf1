"""How rules and baselines are written and coloured, the same in every figure and table."""

from __future__ import annotations

from collections.abc import Iterable

from spikelearn.rules import RULES
from spikelearn.rules.entries import GREY, PURPLE, SKY
from spikelearn.rules.user_rule import is_place

# What is no rule, and plasticities that only descriptions of networks name.
_LOOKS: dict[str, tuple[str, str]] = {
    "pixels": ("pixels", GREY),
    "mean_luminance": ("mean luminance", GREY),
    "gabor_energy": ("Gabor energy", GREY),
    "category": ("category", GREY),
    "triplet_stdp": ("STDP, triplet", PURPLE),
    "diehl_cook_stdp": ("STDP, Diehl and Cook", PURPLE),
    "inhibitory_stdp": ("STDP, inhibitory", PURPLE),
    "clopath_stdp": ("STDP, voltage-based", PURPLE),
    "dopamine_stdp": ("R-STDP, eligibility in time", PURPLE),
    "human IT": ("human IT", "#000000"),
    "monkey IT": ("monkey IT", "#000000"),
}
# Names in the order of tables and figures; all others come after them.
_ORDER = (
    "pixels", "mean_luminance", "gabor_energy", "random_features", "category", "untrained",
    "untrained_spiking", "untrained_latency", "homeostasis", "backprop", "feedback_alignment",
    "direct_feedback_alignment", "eprop_spiking", "ottt", "decolle", "eventprop", "reward_stdp",
    "reward_stdp_label", "reward_stdp_hidden", "convolutional_stdp", "surrogate", "stdp",
    "triplet_stdp", "diehl_cook_stdp", "inhibitory_stdp", "clopath_stdp", "dopamine_stdp",
    "human IT", "monkey IT",
)  # fmt: skip
_BACKENDS = {
    "brian2": "Brian2", "nest": "NEST", "norse": "Norse", "snntorch": "snnTorch",
    "torch": "PyTorch",
}  # fmt: skip
BASELINES = (
    "pixels", "mean_luminance", "gabor_energy", "random_features", "category", "untrained",
    "untrained_spiking", "untrained_latency", "homeostasis", "human IT", "monkey IT",
)  # fmt: skip


def label(name: str) -> str:
    """The name as it is printed."""
    if name in RULES:
        return RULES[name].label or name.replace("_", " ")
    if is_place(name):  # a file and a class
        return name
    return _LOOKS[name][0] if name in _LOOKS else name.replace("_", " ")


def colour(name: str) -> str:
    """The colour of a rule or baseline."""
    if name in RULES:
        return RULES[name].colour
    return _LOOKS[name][1] if name in _LOOKS else SKY


def rank(name: str) -> int:
    """Place in tables and figures: baselines first, then rules."""
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def in_order(names: Iterable[str]) -> list[str]:
    """Each name once, baselines first, then rules."""
    return sorted(dict.fromkeys(names), key=rank)


def backend(name: str) -> str:
    """A simulator's name as its makers write it."""
    return _BACKENDS.get(name, name)
