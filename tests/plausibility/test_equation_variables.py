"""What the equations of a plasticity read, and where that lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from measured import pair_stdp, scaled_stdp

from spikelearn.plausibility.audited_plasticity import plasticity_named
from spikelearn.plausibility.instruments.equation_variables import Equations, equations_of


def test_a_synapse_of_stdp_reads_its_two_traces_and_its_weight() -> None:
    assert pair_stdp().variables == {
        "synapse": {"w", "x", "y"}, "pre": set(), "post": set(), "shared": set(),
        "elsewhere": set(),
    }  # fmt: skip


def test_the_equations_are_told_with_their_numbers() -> None:
    text = pair_stdp().equations.text
    assert text.startswith("at an arrival w = clip(w + -0.012 * y, 0, 1)") or "- 0.012 * y" in text
    assert "at a spike of the target w = clip(w + 0.01 * x, 0, 1)" in text
    assert "dx/dt = -x / (20 ms)" in text


@pytest.mark.parametrize(
    ("name", "moments"),
    [
        ("triplet_stdp", ["arrival", "spike"]),
        ("diehl_cook_stdp", ["spike"]),
        ("clopath_stdp", ["arrival", "step"]),
        ("dopamine_stdp", ["step"]),
    ],
)
def test_the_moments_at_which_weights_change(name: str, moments: list[str]) -> None:
    assert plasticity_named(name).equations.moments == moments


def test_an_operation_that_scales_all_weights_is_seen() -> None:
    assert scaled_stdp().equations.scaled
    assert not pair_stdp().equations.scaled
    assert "the sum of the weights onto the neuron" in scaled_stdp().equations.reads


def _of(make: Callable[[Any, Any], Any], **code: Any) -> Equations:
    """Of synapses that somebody else wrote, onto neurons with other synapses above."""
    import brian2 as b2

    def run() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(b2.prefs, "codegen.target", "numpy")
            neurons = b2.NeuronGroup(4, "v : 1", threshold="v > 10")
            above = b2.Synapses(neurons, neurons, "w : 1", name="above")
            above.connect(j="i")
            plastic = b2.Synapses(neurons, neurons, **{"model": "w : 1\nx : 1", **code})
            plastic.connect(j="i")
            made = make(plastic, above)
            b2.Network(neurons, above, plastic, *made).run(1 * b2.ms, namespace={})

    return equations_of(run)


def test_weights_of_other_synapses_are_elsewhere() -> None:
    def linked(plastic: Any, above: Any) -> list[Any]:
        plastic.variables.add_reference("upper", above, "w", index="_idx")
        return []

    equations = _of(linked, on_pre="w += 0.1 * x * upper")
    assert equations.variables["elsewhere"] == {"upper"}
    assert equations.variables["synapse"] == {"w", "x"}


def test_potentials_of_the_other_neuron_are_graded_messages() -> None:
    equations = _of(lambda plastic, above: [], on_post="w += v_pre")
    assert equations.variables["pre"] == {"v_pre"} == equations.graded
    assert equations.moments == ["spike"]


def test_the_clock_is_no_variable_and_is_told() -> None:
    equations = _of(lambda plastic, above: [], on_pre="w += x * int(t_in_timesteps % 2)")
    assert equations.clocked
    assert equations.names == ["w", "x"]


def test_what_is_written_elsewhere_is_told() -> None:
    equations = _of(lambda plastic, above: [], on_pre="w += x\nv_pre += w")
    assert equations.writes == {"v_pre"}


def test_an_operation_on_the_weights_is_seen_whoever_wrote_it() -> None:
    import brian2 as b2

    def scaling(plastic: Any, above: Any) -> list[Any]:
        weights = plastic.variables["w"]

        def scale() -> None:
            weights.set_value(np.asarray(weights.get_value()) / 2)

        return [b2.NetworkOperation(scale, dt=1 * b2.ms)]

    assert _of(scaling, on_pre="w += x").scaled
