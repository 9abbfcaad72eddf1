"""What spikes, by its name: a shipped model, a YAML or NIR file, or the folder of a training run.

model = spiking_model("theirs.nir", dt_ms=0.1, written_by="norse")
network = as_spiking(model, seed=0)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._store import is_complete
from spikelearn.networks import load_model
from spikelearn.networks.model_sizes import check_model_memory
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.stimuli.stimulus import Stimulus

if TYPE_CHECKING:
    import torch

# Of these classifiers weights are drawn when they are built.
_BUILT = ("spiking_mlp", "spiking_cnn", "latency_mlp", "latency_cnn")


def is_nir(name: str | Path) -> bool:
    """Whether that is the name of a NIR file."""
    return Path(name).suffix.lower() == ".nir"


def spiking_model(
    name: str | Path,
    dt_ms: float | None = None,
    written_by: str | None = None,
    reset: str | None = None,
) -> Any:
    """The spiking network of that name, or the description of a classifier that spikes.

    Of a run by a rule that a user has written, the rule's file is run: open only what you trust.

    Parameters
    ----------
    name : str or path
        A shipped model, a file, or the folder of a run.
    dt_ms : float, optional
        Of a NIR file, the time step with which it is to be simulated.
    written_by, reset : str, optional
        How a NIR file is to be read; see `SpikingNetwork.from_nir`.

    Returns
    -------
    SpikingNetwork, SpikingMLP, SpikingCNN, LatencyMLP or LatencyCNN
        See `as_spiking`.

    Raises
    ------
    SpikelearnError
        If there is no such model, or it does not spike.
    """
    if is_nir(name):
        return SpikingNetwork.from_nir(name, dt_ms, written_by, reset)  # type: ignore[arg-type]
    for option, given in (("written_by", written_by), ("reset", reset)):
        if given is not None:
            raise SpikelearnError(f"{option}='{given}' is of .nir files; {name} is none")
    if is_complete(Path(name)):
        return _trained(Path(name))
    model = load_model(name)
    if model.kind == "spiking" or model.kind in _BUILT:
        return model
    raise SpikelearnError(
        f"model '{name}' is of kind {model.kind}, which does not spike; `spikelearn models` lists"
        " those that do"
    )


def as_spiking(model: Any, seed: int) -> SpikingNetwork:
    """The network itself; of a classifier before training, with weights drawn by the seed."""
    if isinstance(model, SpikingNetwork):
        return model
    check_model_memory(model)
    network: SpikingNetwork = model.build(seed).to_spiking_network()
    return network


def shown_images(network: Any, x: torch.Tensor, seed: int = 0) -> Stimulus:
    """What shows images to the exported network as the classifier itself sees them.

    Parameters
    ----------
    network : SpikingClassifier
        As built or trained; `network.to_spiking_network()` is what is simulated, for
        `network.description.duration_ms`.
    x : tensor of shape (n, pixels)
        Intensities, or numbers of spikes of shape (n, steps, inputs).
    seed : int
        Of input that is drawn.
    """
    labels = [str(i) for i in range(len(x))]
    d = network.description
    if getattr(d, "input", None) == "current":
        first = d.populations[1]
        return Stimulus(labels, currents_mv={first: network.currents_mv(x)[:, None]})
    shown = network.encode(x, torch_generator(seed, "shown")).cpu()
    steps, trials, senders = np.nonzero(shown.numpy())
    times = shown[steps, trials, senders].numpy().astype(int)
    steps, trials, senders = (part.repeat(times) for part in (steps, trials, senders))
    spikes = PopulationSpikes.from_unsorted(shown.shape[2], steps * d.dt_ms, senders, trials)
    return Stimulus(labels, {"input": spikes})


def _trained(folder: Path) -> SpikingNetwork:
    from spikelearn.networks.latency_mlp import LatencyNetwork
    from spikelearn.networks.spiking_mlp import SpikingClassifier
    from spikelearn.training.opening import open_run
    from spikelearn.training.stdp_training import STDPRun

    run = open_run(folder)
    if isinstance(run, STDPRun):
        return run.network.changed("dt_ms", run.config["dt_ms"])
    if isinstance(run.rule.network, SpikingClassifier | LatencyNetwork):
        return run.rule.network.to_spiking_network()
    raise SpikelearnError(f"{folder} holds a network of rates, which does not spike")
