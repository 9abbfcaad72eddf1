"""A network that nothing drives: its silence is said, with what would drive it, and no other."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import spikelearn as sl
from spikelearn.cli import app
from spikelearn.simulation.undriven import UndrivenWarning

LIF = {"model": "lif", "size": 2, "v_threshold_mv": 10.0}
FED = sl.SpikingNetwork(
    name="fed",
    populations={"in": {"model": "spike_source", "size": 1}, "n": LIF},
    projections=[{"source": "in", "target": "n", "weight_mv": 1.0}],
)
ALONE = sl.SpikingNetwork(name="alone", populations={"n": LIF})
BACKGROUND = {"target": "n", "rate_hz": 1000.0, "weight_mv": 0.01}
SENT = sl.Stimulus.from_spike_times("in", [[1.0]])


@pytest.mark.parametrize(
    ("network", "shown", "said"),
    [
        (ALONE, None, r"no neuron of 'alone' fired, and nothing drives it: it is shown no current"),
        (ALONE, None, r"Stimulus\(currents_mv=\{'n': ...\}\), or give it background"),
        (ALONE.changed("background", [{**BACKGROUND, "rate_hz": 0.0}]), None, "shown no current"),
        (ALONE.changed("background", [{**BACKGROUND, "weight_mv": 0.0}]), None, "that arrives"),
        (FED.changed("projections[0].weight_mv", 0.0), SENT, "the spikes of in reach no neuron"),
        (FED.changed("projections", []), SENT, "the spikes of in reach no neuron"),
        (sl.load_model("lif_neuron"), None, "as by stimulus='step_current'"),
    ],
)
def test_silence_without_a_drive_is_said(network: Any, shown: Any, said: str) -> None:
    with pytest.warns(UndrivenWarning, match=said) as noticed:
        activity = sl.simulate(network, shown, 5.0, 0.1)
    assert noticed[0].filename == __file__
    assert activity.n_spikes == len(activity.populations.get("in", []))


@pytest.mark.parametrize(
    ("network", "shown", "more"),
    [
        (ALONE, sl.Stimulus(currents_mv={"n": 1.0}), {}),
        (ALONE, None, {"record": "n"}),
        (ALONE.changed("populations.n.v_init_mv", 11.0), None, {}),
        (ALONE.changed("background", [BACKGROUND]), None, {}),
        (
            ALONE.changed("noise", [{"target": "n", "unit": "mv", "sd": 0.1, "interval_ms": 1}]),
            None,
            {},
        ),
        (FED, SENT, {}),
        (FED, sl.Stimulus.from_spike_times("in", [[]]), {}),
        (ALONE, sl.Stimulus(currents_mv={"n": 0.0}), {}),
        (
            FED.changed("projections[0].weight_mv", {"distribution": "normal", "mean": 0, "sd": 1}),
            SENT,
            {},
        ),
    ],
)
def test_nothing_is_said_where_something_drives_or_fires(
    network: Any, shown: Any, more: dict[str, Any]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UndrivenWarning)
        activity = sl.simulate(network, shown, 5.0, 0.1, **more)
    assert np.isfinite(activity.duration_ms)


def test_the_command_line_says_it_beside_the_output() -> None:
    runner = CliRunner()
    command = ["simulate", "lif_neuron", "--duration", "10"]
    said = runner.invoke(app, command)
    assert said.exit_code == 0
    words = " ".join(said.stderr.split())
    assert "Warning: no neuron of 'lif_neuron' fired, and nothing drives it" in words
    assert "as by --stimulus step_current" in words
    assert "nothing drives" not in said.stdout
    quiet = runner.invoke(app, ["--quiet", *command])
    assert "nothing drives" not in quiet.output
    (noted,) = json.loads(runner.invoke(app, ["--json", *command]).stdout)["notes"]
    assert noted.startswith("no neuron of")
