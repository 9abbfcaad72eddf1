"""Trained networks, their untrained twins and the image baselines against a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn._errors import SpikelearnError
from spikelearn.experiments.representation import open_run, show
from spikelearn.experiments.stdp_training import STDPRun
from spikelearn.experiments.training import TrainedRun

if TYPE_CHECKING:
    import pandas as pd
    import xarray

    from spikelearn.comparison._models import Key
    from spikelearn.recordings import ImageRecording

Progress = Callable[[float, str], None]

BASELINES = ("pixels", "mean_luminance")


@dataclass(frozen=True)
class Entry:
    """Responses of one network to the recording's images, by layer."""

    model: str  # the rule that trained it, or the baseline's name
    network: str
    seed: int
    responses: dict[str, xarray.DataArray]


def compare(
    runs: Iterable[str | Path | TrainedRun | STDPRun] | str | Path | TrainedRun | STDPRun,
    recording: str = "kriegeskorte92",
    backend: str = "norse",
    n_bootstrap: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Compare trained networks with a recorded brain by representational similarity analysis.

    Parameters
    ----------
    runs : run, folder of a run, or several
        What to compare. Each network's untrained twin (same initial weights) is compared too.
    recording : str
        Name of an image recording.
    backend : str
        Where spiking networks are simulated.
    n_bootstrap : int
        Resamples of the stimuli for the confidence intervals.
    seed : int
        Of the input spikes and of the resamples.
    progress : callable, optional
        Called with the fraction done and a few words.

    Returns
    -------
    DataFrame
        See `spikelearn.comparison.compare_rsa`, with the columns `network` and `seed`; the rows
        whose model is `pixels`, `mean_luminance` or `untrained` are baselines; the rows whose
        model is a region say how alike the brains are.

    Raises
    ------
    SpikelearnError
        If a folder holds no run, or the recording has no images.
    DataUnavailableError
        If the recording cannot be had.
    """
    from spikelearn import recordings
    from spikelearn.recordings import ImageRecording

    if isinstance(runs, str | Path | TrainedRun | STDPRun):
        runs = [runs]
    opened = [open_run(r) if isinstance(r, str | Path) else r for r in runs]
    if not opened:
        raise SpikelearnError("nothing to compare: no run was given")
    loaded = recordings.load(recording)
    if not isinstance(loaded, ImageRecording):
        raise SpikelearnError(f"the recording '{recording}' has no images; choose kriegeskorte92")
    say = progress or (lambda fraction, words: None)
    entries: dict[tuple[str, str, int], Entry] = {}
    for index, run in enumerate(opened):
        for member in (run, untrained_twin(run)):
            name = member.config["rule"], member.config["network"]["name"], member.config["seed"]
            say(0.5 * index / len(opened), f"showing the images to {name[0]}")
            if name not in entries:
                shown = show(member, loaded.images, loaded.labels, backend, seed)
                entries[name] = Entry(*name, shown.responses)
    return similarity(
        list(entries.values()),
        loaded,
        n_bootstrap,
        seed,
        lambda fraction, words: say(0.5 + 0.5 * fraction, words),
    )


# Of the networks that spike, by kind, the rule that trains nothing.
_BASELINES = {"spiking_mlp": "untrained_spiking", "latency_mlp": "untrained_latency"}


def untrained_twin(run: TrainedRun | STDPRun) -> TrainedRun | STDPRun:
    """The network of a run with its initial weights."""
    from dataclasses import replace

    from spikelearn._seeding import torch_generator
    from spikelearn.experiments.training import describe
    from spikelearn.rules import make_rule

    config = {**run.config, "rule": "untrained"}
    if isinstance(run, STDPRun):
        return replace(run, config=config, network=run.initial, folder=None)
    description = describe(run.config["network"])
    rule = make_rule(_BASELINES.get(description.kind, "untrained"))
    rule.prepare(description.build(run.config["seed"]), torch_generator(0, "rule"))
    return replace(run, config=config, rule=rule, folder=None)


def similarity(
    entries: Sequence[Entry],
    recording: ImageRecording,
    n_bootstrap: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """The table of `compare` from responses: the baselines first, then every entry's layers."""
    import pandas as pd

    from spikelearn.comparison import compare_regions, compare_rsa, mean_luminance, pixels

    say = progress or (lambda fraction, words: None)
    baselines: dict[Key, xarray.DataArray] = {
        ("pixels", ""): pixels(recording.images, recording.labels),
        ("mean_luminance", ""): mean_luminance(recording.images, recording.labels),
    }
    tables = [
        compare_rsa(baselines, recording, n_bootstrap, seed),
        compare_regions(recording, n_bootstrap, seed),
    ]
    tables = [table.assign(network="", seed=0) for table in tables]
    for index, entry in enumerate(entries):
        say(index / len(entries), f"comparing {entry.model}")
        responses: dict[Key, xarray.DataArray] = {
            (entry.model, layer): r for layer, r in entry.responses.items()
        }
        # The same seed in every call: the same resamples for every model.
        table = compare_rsa(responses, recording, n_bootstrap, seed)
        tables.append(table.assign(network=entry.network, seed=entry.seed))
    say(1.0, "compared")
    table = pd.concat(tables, ignore_index=True)
    first = ["model", "network", "layer", "seed"]
    return table[first + [column for column in table.columns if column not in first]]
