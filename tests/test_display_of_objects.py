"""How objects show themselves, and when two are the same."""

from __future__ import annotations

import types

import numpy as np
import pytest

import spikelearn as sl
from spikelearn._spike_arrays import PopulationSpikes


def activity(name: str = "a", **more) -> sl.Activity:
    spikes = PopulationSpikes(2, np.array([1.0, 2.0]), np.array([0, 1]), np.zeros(2, dtype=int))
    return sl.Activity({name: spikes}, 100.0, 0.1, **more)


def test_a_line_says_trials_spikes_and_rates():
    named = activity(provenance={"network": {"name": "brunel2000"}})
    assert repr(named) == "<Activity of brunel2000: 1 trial of 100 ms, 2 spikes; a 10 Hz>"
    assert repr(named["a"]) == "<PopulationSpikes: 2 spikes of 2 neurons>"
    assert len(repr(sl.simulate("lif_neuron", "fi_curve", 5.0))) < 200
    assert repr(sl.load_model("brunel2000")).startswith("<SpikingNetwork 'brunel2000': excitatory")
    assert repr(sl.Stimulus()) == "<Stimulus: 1 trial; nothing>"


def test_what_lasted_for_no_time_has_no_rate():
    assert repr(activity(n_trials=0, labels=())).endswith("2 spikes; a no Hz>")


def test_notebooks_get_tables_with_names_escaped():
    html = activity("<b>a</b>")._repr_html_()
    assert "<table>" in html
    assert "&lt;b&gt;a" in html
    assert "<b>a" not in html
    network = sl.load_model("vogels_abbott_cuba")
    assert network._repr_html_().count("<tr>") == 2 + len(network.populations) + len(
        network.projections
    )


def test_activities_are_equal_where_the_same_was_found():
    assert activity() == activity(provenance={"created": "later"})
    assert activity() != activity("b")
    assert activity() != activity(labels=("other",))
    states = {"a.v_mv": np.array([[[0.0, np.nan]]])}
    assert activity(states=states) == activity(states={"a.v_mv": states["a.v_mv"].copy()})
    assert activity(states=states) != activity(states={"a.v_mv": np.zeros((1, 1, 2))})
    assert activity() != 3
    with pytest.raises(TypeError, match="unhashable type: 'Activity'"):
        hash(activity())


def test_stimuli_are_equal_where_the_same_is_shown():
    first, second = (sl.Stimulus(currents_pa={"n": 300.0}) for _ in range(2))
    assert first == second
    assert first != sl.Stimulus(currents_pa={"n": 301.0})
    assert first != sl.Stimulus(currents_mv={"n": 300.0})


def test_rooms_are_there_and_the_front_door_lists_nothing_else():
    for name in ("stimuli", "networks", "rules", "sweeps", "plausibility"):
        assert isinstance(getattr(sl, name), types.ModuleType)
    assert {"stimuli", "simulate", "__version__"} <= set(dir(sl))
    assert not {"Any", "TYPE_CHECKING", "importlib", "os"} & set(dir(sl))
