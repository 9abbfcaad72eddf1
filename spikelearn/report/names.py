"""How rules and baselines are written and coloured, the same in every figure and table."""

from __future__ import annotations

from collections.abc import Iterable

# Colours that the colour-blind can tell apart (Okabe & Ito 2008); greys for what learned nothing.
_LOOKS: dict[str, tuple[str, str]] = {
    "pixels": ("pixels", "#8a8a8a"),
    "mean_luminance": ("mean luminance", "#8a8a8a"),
    "gabor_energy": ("Gabor energy", "#8a8a8a"),
    "random_features": ("random features", "#8a8a8a"),
    "category": ("category", "#8a8a8a"),
    "untrained": ("untrained", "#5c5c5c"),
    "untrained_spiking": ("untrained, spiking", "#5c5c5c"),
    "untrained_latency": ("untrained, latencies", "#5c5c5c"),
    "homeostasis": ("homeostasis only", "#5c5c5c"),
    "backprop": ("backpropagation", "#0072b2"),
    "feedback_alignment": ("feedback alignment", "#d55e00"),
    "direct_feedback_alignment": ("direct feedback alignment", "#e69f00"),
    "eprop_spiking": ("e-prop", "#56b4e9"),
    "ottt": ("OTTT", "#56b4e9"),
    "decolle": ("DECOLLE", "#56b4e9"),
    "eventprop": ("EventProp", "#56b4e9"),
    "reward_stdp": ("R-STDP", "#cc79a7"),
    "reward_stdp_label": ("R-STDP, taught by label", "#cc79a7"),
    "reward_stdp_hidden": ("R-STDP, hidden too", "#cc79a7"),
    "surrogate": ("surrogate gradients", "#009e73"),
    "stdp": ("STDP", "#cc79a7"),
    "triplet_stdp": ("STDP, triplet", "#cc79a7"),
    "diehl_cook_stdp": ("STDP, Diehl and Cook", "#cc79a7"),
    "inhibitory_stdp": ("STDP, inhibitory", "#cc79a7"),
    "clopath_stdp": ("STDP, voltage-based", "#cc79a7"),
    "reward_stdp_in_time": ("R-STDP, eligibility in time", "#cc79a7"),
    "human IT": ("human IT", "#000000"),
    "monkey IT": ("monkey IT", "#000000"),
}
# Rules whose names are more than their words with blanks between.
_WORDS = {
    "bcm": "BCM",
    "contrastive_hebbian": "contrastive Hebbian learning",
    "eprop": "e-prop, of rates",
    "equilibrium_propagation_holomorphic": "equilibrium propagation, holomorphic",
    "forward_forward_symba": "forward-forward, SymBa",
    "kolen_pollack": "Kolen-Pollack",
    "krotov_hopfield": "Krotov-Hopfield",
    "local_pred": "local losses (pred)",
    "local_predsim_bio": "local losses (predsim, no transport)",
    "local_sim": "local losses (sim)",
    "oja": "Oja",
    "pepita": "PEPITA",
    "predictive_coding_centred": "predictive coding, centred",
    "predictive_coding_fixed_prediction": "predictive coding, fixed prediction",
    "predictive_coding_incremental": "predictive coding, incremental",
    "predictive_coding_mupc": "predictive coding, muPC",
    "predictive_coding_nudged": "predictive coding, nudged",
    "predictive_coding_zil": "predictive coding, Z-IL",
    "sanger": "Sanger",
    "sign_symmetric_fixed": "sign-symmetric, fixed sizes",
    "sign_symmetric_random": "sign-symmetric, random sizes",
    "sign_symmetric_uniform": "sign-symmetric, uniform",
    "winner_take_all": "winner-take-all",
    "difference_target_propagation_ldrl": "difference target propagation (L-DRL)",
    "equilibrium_propagation_centred": "equilibrium propagation, centred",
    "forward_forward": "forward-forward",
    "forward_forward_channelwise": "forward-forward, channel-wise",
    "local_predsim": "local losses (predsim)",
    "softhebb": "SoftHebb",
}
_BACKENDS = {"brian2": "Brian2", "norse": "Norse", "snntorch": "snnTorch", "torch": "PyTorch"}
_OTHER = "#56b4e9"
BASELINES = (
    "pixels", "mean_luminance", "gabor_energy", "random_features", "category", "untrained",
    "untrained_spiking", "untrained_latency", "homeostasis", "human IT", "monkey IT",
)  # fmt: skip


def label(name: str) -> str:
    """The name as it is printed."""
    if name in _LOOKS:
        return _LOOKS[name][0]
    return _WORDS.get(name, name.replace("_", " "))


def colour(name: str) -> str:
    """The colour of a rule or baseline."""
    return _LOOKS[name][1] if name in _LOOKS else _OTHER


def rank(name: str) -> int:
    """Place in tables and figures: baselines first, then rules."""
    known = list(_LOOKS)
    return known.index(name) if name in known else len(known)


def in_order(names: Iterable[str]) -> list[str]:
    """Each name once, baselines first, then rules."""
    return sorted(dict.fromkeys(names), key=rank)


def backend(name: str) -> str:
    """A simulator's name as its makers write it."""
    return _BACKENDS.get(name, name)
