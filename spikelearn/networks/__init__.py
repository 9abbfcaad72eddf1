"""What is trained or simulated: rate networks as lists of layers, spiking networks as descriptions.

`load_model(name)` reads any file of `models/`; its `kind` says what it describes.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from spikelearn._arguments import checked_path
from spikelearn._errors import SpikelearnError
from spikelearn._files import find_yaml, read_yaml, require_fields, validate

if TYPE_CHECKING:
    from spikelearn.networks.cnn import CNN
    from spikelearn.networks.latency_cnn import LatencyCNN
    from spikelearn.networks.latency_mlp import LatencyMLP
    from spikelearn.networks.mlp import MLP
    from spikelearn.networks.recurrent import Recurrent
    from spikelearn.networks.residual_mlp import ResidualMLP
    from spikelearn.networks.spiking import SpikingNetwork
    from spikelearn.networks.spiking_cnn import SpikingCNN
    from spikelearn.networks.spiking_mlp import SpikingMLP

    Model: TypeAlias = (
        MLP | CNN | ResidualMLP | Recurrent | SpikingNetwork | SpikingMLP | SpikingCNN | LatencyMLP
        | LatencyCNN
    )  # fmt: skip

# Kind of a model file -> (module, class).
KINDS: dict[str, tuple[str, str]] = {
    "mlp": ("spikelearn.networks.mlp", "MLP"),
    "cnn": ("spikelearn.networks.cnn", "CNN"),
    "residual_mlp": ("spikelearn.networks.residual_mlp", "ResidualMLP"),
    "elman": ("spikelearn.networks.recurrent", "Recurrent"),
    "gru": ("spikelearn.networks.recurrent", "Recurrent"),
    "spiking": ("spikelearn.networks.spiking", "SpikingNetwork"),
    "spiking_mlp": ("spikelearn.networks.spiking_mlp", "SpikingMLP"),
    "spiking_cnn": ("spikelearn.networks.spiking_cnn", "SpikingCNN"),
    "latency_mlp": ("spikelearn.networks.latency_mlp", "LatencyMLP"),
    "latency_cnn": ("spikelearn.networks.latency_cnn", "LatencyCNN"),
}

# What spiking networks are described by -> module.
PARTS: dict[str, str] = {
    name: f"spikelearn.networks.{module}"
    for module, names in {
        "neurons": (
            "LIF", "AdaptiveLIF", "AdEx", "Izhikevich", "QIF", "HodgkinHuxley", "Brian2Neurons",
            "SpikeSource",
        ),
        "synapses": ("DeltaSynapse", "ExponentialSynapse", "AlphaSynapse"),
        "connectivity": (
            "AllToAll", "OneToOne", "Pairs", "FixedProbability", "FixedInDegree",
            "FixedTotalNumber", "DistanceDependent", "Convolution",
        ),
        "plasticity": (
            "PairSTDP", "TripletSTDP", "DiehlCookSTDP", "InhibitorySTDP", "ClopathSTDP",
            "DopamineSTDP",
        ),
        "fields": ("Uniform", "Normal", "Lognormal", "Exponential"),
        "projections": ("Projection",),
        "inputs": ("BackgroundInput", "NoiseInput"),
    }.items()
    for name in names
}  # fmt: skip

__all__ = [  # noqa: PLE0604 - names of PARTS besides
    *PARTS,
    "CNN",
    "KINDS",
    "MLP",
    "LatencyCNN",
    "LatencyMLP",
    "Recurrent",
    "ResidualMLP",
    "SpikingCNN",
    "SpikingMLP",
    "SpikingNetwork",
    "load_model",
]


def load_model(name: str | Path) -> Model:
    """The model of that name among the shipped ones, or in the YAML or NIR file at that path.

    Raises
    ------
    SpikelearnError
        Naming the file, the field and what is allowed.

    Examples
    --------
    >>> import spikelearn as sl
    >>> sl.load_model("mlp_784").sizes
    (784, 512, 256, 10)
    >>> sl.load_model("brunel2000").neurons["excitatory"].size
    10000
    """
    if checked_path("a model", name).suffix == ".nir":
        from spikelearn.networks.spiking import SpikingNetwork

        return SpikingNetwork.from_nir(name)
    path = find_yaml("models", name)
    content = read_yaml(path)
    require_fields(content, path)
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise SpikelearnError(
            f"{path}: field 'kind': allowed are {', '.join(KINDS)} (found {kind!r})"
        )
    module, name_of_class = KINDS[kind]
    model = getattr(importlib.import_module(module), name_of_class)
    if kind == "spiking":
        return model.from_yaml(path)
    return validate(model, content, path)


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Import a description when it is first used; torch is not needed to read the others."""
    for module, name_of_class in (
        *KINDS.values(),
        *((where, part) for part, where in PARTS.items()),
    ):
        if name == name_of_class:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
