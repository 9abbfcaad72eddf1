"""Commands that list what there is."""

from __future__ import annotations

import pytest
from calling import call


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("rules", ["backprop", "feedback_alignment", "stdp", "surrogate"]),
        ("models", ["brunel2000", "lif_feedforward", "mlp_784"]),
        ("stimuli", ["poisson", "mnist", "kriegeskorte92"]),
        ("recordings", ["kriegeskorte92", "grasshopper"]),
    ],
)
def test_lists_have_one_line_for_each_name(command, names):
    lines = call(command).output.splitlines()
    for name in names:
        assert len([line for line in lines if line.split()[0] == name]) == 1


def test_lists_name_every_recipe_and_data_set():
    assert "mnist_mlp/backprop" in call("recipes").output
    assert "fashion_mnist" in call("datasets").output


def test_a_model_is_shown_with_the_steps_that_are_trusted(tmp_path):
    said = call("models", "show", "diehl_cook2015").output
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
    said = call("models", "show", own).output
    assert "in steps of 0.1 ms if not told otherwise" in said
    assert "0.200" in next(line for line in said.splitlines() if line.startswith("cells"))
    shown = next(line for line in said.splitlines() if line.startswith("driven"))
    assert 0.05 <= float(shown.split()[-1]) <= 0.25
    assert "model mlp_64 of kind mlp" in call("models", "show", "mlp_64").output


def test_models_alone_list_them_and_an_unknown_one_is_told():
    assert call("models").output == call("models", "list").output
    result = call("models", "show", "brunel200")
    assert result.exit_code == 1
    assert "did you mean brunel2000" in result.stderr
