"""What the networks of a study learned, read from its runs: accuracy, curves and layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn.rules import RULES
from spikelearn.studies.network_names import network_names

if TYPE_CHECKING:
    import pandas as pd


def accuracy_table(
    runs: Sequence[Path], controls: Mapping[Path, Mapping[str, float]] | None = None
) -> pd.DataFrame:
    """One row a run: its summary, how far its weights moved and which units are dead.

    Columns are those of `spikelearn.report.learning.learning`, and the rest of the summary.

    Parameters
    ----------
    runs : sequence of Path
        Their folders.
    controls : mapping of Path to mapping of str to float, optional
        Accuracies of the controls of each run, by name.
    """
    import pandas as pd

    from spikelearn.comparison.accuracies import CONTROLS

    configs = [store.read_config(folder) for folder in runs]
    rows = []
    for folder, config, network in zip(runs, configs, network_names(configs), strict=True):
        layers = store.read_table(folder, "layers")
        rows.append(
            {
                "model": network,
                "rule": config["rule"],
                "backend": _computed_by(config),
                "seed": config["seed"],
                **store.read_summary(folder),
                **(dict.fromkeys(CONTROLS, math.nan) | dict((controls or {}).get(folder, {}))),
                "mean_weight_displacement": float(layers["weight_displacement"].mean()),
                "dead_units": float(layers["dead_units"].max()),
            }
        )
    return pd.DataFrame(rows)


def _computed_by(config: dict[str, Any]) -> str:
    """The simulator that trained a network; spiking classifiers are snnTorch's neurons."""
    if "backend" in config:
        return str(config["backend"])
    return "snntorch" if config["network"]["kind"] == "spiking_mlp" else "torch"


def learning_curves(runs: Sequence[Path]) -> pd.DataFrame:
    """Loss and accuracy by epoch, a row an epoch of a run; STDP has neither epochs nor a loss."""
    return _stacked(runs, "epochs", lambda run: not _by_stdp(run))


def layer_changes(runs: Sequence[Path]) -> pd.DataFrame:
    """How far each layer's weights moved, a row a layer of a run."""
    return _stacked(runs, "layers")


def _by_stdp(folder: Path) -> bool:
    rule = store.read_config(folder)["rule"]
    return rule in RULES and RULES[rule].simulated


def _stacked(
    runs: Sequence[Path], name: str, is_wanted: Callable[[Path], bool] = lambda run: True
) -> pd.DataFrame:
    """A table of each run below the other; networks are called as in `accuracy_table`."""
    import pandas as pd

    configs = [store.read_config(folder) for folder in runs]
    tables = []
    for folder, config, network in zip(runs, configs, network_names(configs), strict=True):
        if is_wanted(folder):
            about = {"model": network, "rule": config["rule"], "seed": config["seed"]}
            tables.append(store.read_table(folder, name).assign(**about))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
