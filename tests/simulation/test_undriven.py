"""A network that nothing drives: its silence is said, with what would drive it, and no other."""

from __future__ import annotations

import json
import shlex
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import spikelearn as sl
from spikelearn.cli import app
from spikelearn.networks.spiking_cnn import SpikingCNN, first_of_exported
from spikelearn.simulation.undriven import UndrivenWarning
from spikelearn.training.spiking_model import shown_images

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
    assert "as by --stimulus step_current, or give it background" in words
    assert "nothing drives" not in said.stdout
    quiet = runner.invoke(app, ["--quiet", *command])
    assert "nothing drives" not in quiet.output
    (noted,) = json.loads(runner.invoke(app, ["--json", *command]).stdout)["notes"]
    assert noted.startswith("no neuron of")


def test_what_the_command_line_says_would_drive_is_a_command_that_does(tmp_path: Path) -> None:
    ALONE.save(tmp_path / "alone")
    command = ["simulate", str(tmp_path / "alone"), "--duration", "150"]
    said = " ".join(CliRunner().invoke(app, command).stderr.split())
    assert "Stimulus(" not in said
    would = shlex.split(said.partition("as by ")[2].partition(", or give")[0])
    shown = CliRunner().invoke(app, [*command, *would, "--json"])
    (rates,) = [row["rate_hz"] for row in json.loads(shown.stdout)["statistics"]]
    assert rates > 0


def test_a_network_that_images_drive_as_currents_says_that_it_is_shown_none() -> None:
    small = SpikingCNN(
        name="small", input_shape=(1, 6, 6), channels=(2,), n_classes=3, pool="max 2",
        duration_ms=4.0,
    )  # fmt: skip
    classifier = small.build(0)
    network = classifier.to_spiking_network()
    shown = shown_images(classifier, torch.ones(1, 36))
    said = r"shown no image.*currents into 'hidden'.*shown_images"
    for begins_at_mv in (0.0, 11.0):  # from where its neurons fire alone
        begun = network.changed("populations.hidden.v_init_mv", begins_at_mv)
        with pytest.warns(UndrivenWarning, match=said):
            assert (sl.simulate(begun, None, 4.0).n_spikes > 0) == (begins_at_mv > 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UndrivenWarning)
        sl.simulate(network, shown, 4.0)
    assert first_of_exported(["input", "hidden", "output"]) is None
    names = ["hidden1", "hidden1_pooled", "hidden2", "output", "bias"]
    assert first_of_exported(names) == "hidden1"
