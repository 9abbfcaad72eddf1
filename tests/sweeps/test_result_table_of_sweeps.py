"""The table of a sweep and what Python has of it: types, text, axes that vary together."""

from __future__ import annotations

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.sweeps.table import _text

CELL = {"model": "lif_neuron", "stimulus": "step_current", "duration_ms": 300}
TAU, SIZE = "populations.neuron.tau_m_ms", "populations.neuron.size"


@pytest.fixture(scope="module")
def result():
    """Axes of every kind: whole numbers, words, and two paths together."""
    return sl.sweep(
        simulate=CELL, measures=["n_spikes", "rate_hz"],
        vary=[
            {"together": [{"path": TAU, "values": [10, 20.5]}, {"path": SIZE, "values": [1, 3]}]},
            {"path": "simulate.backend", "values": ["native", "auto"], "name": "engine"},
        ],
    )  # fmt: skip


def test_columns_have_the_type_of_their_values(result):
    table = result.table
    assert table["run"].tolist() == [0, 1, 2, 3]
    assert table[TAU].tolist() == [10, 10, 20.5, 20.5]
    assert table[SIZE].dtype == np.int64
    assert table["engine"].tolist() == ["native", "auto"] * 2
    assert table["n_spikes"][0] == table["n_spikes"][1] > 0


def test_paths_that_vary_together_are_one_dimension(result):
    arrays = result.to_xarray()
    assert arrays["rate_hz"].dims == (TAU, "engine", "seed", "population")
    assert arrays[SIZE].dims == (TAU,)
    assert arrays[SIZE].values.tolist() == [1, 3]
    assert (
        arrays["n_spikes"].sel({TAU: 20.5, "engine": "auto"}).item()
        == result.table["n_spikes"].iloc[-1]
    )


def test_a_picture_of_what_is_asked_for(result, tmp_path):
    figure = result.plot(["rate_hz"], tmp_path / "rates.svg")
    assert (tmp_path / "rates.svg").is_file()
    assert len([axis for axis in figure.axes if axis.images]) == 1
    with pytest.raises(sl.SpikelearnError, match="did you mean rate_hz"):
        result.plot(["rate"])
    one = result.plot("rate_hz")
    assert [axis.get_title() for axis in one.axes] == [axis.get_title() for axis in figure.axes]
    with pytest.raises(sl.SpikelearnError, match="there is no measure 'rate'; did you mean"):
        result.plot("rate")
    with pytest.raises(sl.SpikelearnError, match="measures are names of columns, found 5"):
        result.plot(5)
    with pytest.raises(sl.SpikelearnError, match="a picture is written as"):
        result.plot(path=tmp_path / "rates.doc")


def test_arrays_and_networks_are_told_apart_and_written_down(tmp_path):
    weights = [np.zeros((100, 50)), np.zeros((100, 50))]
    weights[1][50] = 1.0
    path = "projections[input->hidden].weight_mv"
    sweep = sl.Sweep(name="arrays", simulate={"model": "lif_feedforward", "duration_ms": 5},
                     vary={path: weights}, measures=["n_spikes"])  # fmt: skip
    result = sl.sweep(sweep, tmp_path)
    labels = list(dict.fromkeys(result.table[path]))
    assert len(labels) == 2
    assert max(map(len, labels)) < 20
    again = sl.sweep(result.folder / "sweep.yaml", tmp_path)
    assert again.n_computed == 0
    network = sl.load_model("lif_neuron")
    described = sl.Sweep(simulate={"model": network, "changes": {"a": None}}, vary={"x": [None]})
    assert sl.Sweep(**described.written()) == described


def test_close_numbers_beside_text_stay_two_values():
    assert _text(0.12345678) != _text(0.12345679)


def test_values_that_are_no_numbers_stand_as_text():
    sweep = sl.Sweep(
        simulate=CELL,
        vary={"populations.neuron.v_init_mv": [-65, {"distribution": "uniform", "low": -70,
                                                     "high": -60}]},
    )  # fmt: skip
    table = sl.sweep(sweep).table
    assert table["populations.neuron.v_init_mv"].tolist() == [
        "-65", '{"distribution": "uniform", "low": -70, "high": -60}',
    ]  # fmt: skip
    assert table["failed"].tolist() == ["", ""]
