"""Commands that list what there is."""

from __future__ import annotations

import pytest
from calling import call

from spikelearn.rules import RULES


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("rules", ["backprop", "feedback_alignment", "stdp", "surrogate"]),
        ("models", ["brunel2000", "lif_feedforward", "mlp_784"]),
        ("stimuli", ["poisson", "mnist", "kriegeskorte92"]),
        ("recordings", ["kriegeskorte92", "grasshopper"]),
        ("datasets", ["mnist", "shd"]),
        ("recipes", ["mnist_mlp/backprop", "mnist_diehl_cook2015/stdp"]),
        ("study", ["demo"]),
        ("lessons", ["lif_neuron", "stdp"]),
    ],
)
def test_lists_have_one_line_for_each_name(command, names):
    lines = call(command).output.splitlines()
    for name in names:
        assert len([line for line in lines if line.split()[0] == name]) == 1
    assert call(command, "list").output.splitlines() == lines


def test_a_model_is_shown_with_the_steps_that_are_trusted(tmp_path):
    said = call("inspect", "diehl_cook2015").output
    assert "simulated in steps of 0.5 ms by its description" in said
    assert "input->excitatory" in said
    lines = {line.split()[0]: line.split() for line in said.splitlines() if line.strip()}
    assert lines["populations"] == ["populations"]
    assert lines["population"] == ["population", "model", "size", "trusted_dt_ms"]
    assert lines["excitatory"] == ["excitatory", "adaptive_lif", "400", "0.500"]
    assert lines["input"][-1] == "-"  # a source has no equations
    own = tmp_path / "own.yaml"
    own.write_text(
        "kind: spiking\nname: own\npopulations:\n"
        "  cells: {model: lif, size: 3, tau_m_ms: 4.0, v_threshold_mv: 15.0}\n"
        "  driven: {model: lif, size: 3, v_threshold_mv: 15.0}\n"
        "background:\n  - {target: driven, rate_hz: 9000.0, weight_mv: 2.0}\n"
    )
    said = call("inspect", own).output
    assert "in steps of 0.1 ms if not told otherwise" in said
    assert "0.200" in next(line for line in said.splitlines() if line.startswith("cells"))
    shown = next(line for line in said.splitlines() if line.startswith("driven"))
    assert 0.05 <= float(shown.split()[-1]) <= 0.25
    assert "model mlp_64 of kind mlp" in call("inspect", "mlp_64").output


def test_a_rule_is_shown_with_its_update_and_its_settings():
    said = call("rules", "show", "sign_symmetric_fixed").output
    assert "arXiv:1510.05067" in said  # the paper, of the family
    assert "Of its family it is the one with magnitude=fixed." in said
    assert "Trains networks of kind mlp, cnn." in said
    for name, entry in RULES.items():
        family, own = entry.documentation
        assert family, name
        assert own.partition("\n")[0], name
