"""Broken model files: one sentence that names the file, the field, and what is allowed there."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_names
from spikelearn.networks import load_model

SPIKING = (
    "kind: spiking\nname: x\npopulations:\n  in: {model: spike_source, size: 2}\n"
    "  n: {model: lif, size: 2, v_threshold_mv: 1"
)


def with_projection(text: str) -> str:
    return f"{SPIKING}}}\nprojections:\n  - {{source: in, target: n, weight_mv: 1, {text}}}\n"


# What is wrong -> (the file, words that the sentence must hold beside the file's name).
BROKEN: dict[str, tuple[str | bytes, list[str]]] = {
    "unknown_kind": ("kind: cube\nname: x\n", ["kind", "mlp", "spiking", "cube"]),
    "no_kind": ("name: x\n", ["kind", "mlp", "spiking"]),
    "kind_is_a_list": ("kind: [mlp]\nname: x\n", ["kind", "mlp", "spiking"]),
    "not_a_mapping": ("- a\n- b\n", ["a mapping of fields"]),
    "empty": ("", ["a mapping of fields", "is empty"]),
    "a_number_for_a_field": ("kind: mlp\nname: x\nsizes: [2, 2]\n7: 8\n", ["7"]),
    "unknown_field": (
        "kind: mlp\nname: x\nsizes: [2, 2]\nlayers: 3\n",
        ["layers", "no such field"],
    ),
    "missing_field": ("kind: mlp\nname: x\n", ["sizes", "required"]),
    "empty_name": ("kind: mlp\nname: ''\nsizes: [2, 2]\n", ["name", "1 character"]),
    "one_layer": ("kind: mlp\nname: x\nsizes: [2]\n", ["sizes", "2"]),
    "no_units": ("kind: mlp\nname: x\nsizes: [2, 0]\n", ["sizes", "at least one unit"]),
    "unknown_activation": (
        "kind: mlp\nname: x\nsizes: [2, 2]\nactivation: sine\n",
        ["activation", "relu", "tanh", "sine"],
    ),
    "negative_tau_of_a_classifier": (
        "kind: spiking_mlp\nname: x\nsizes: [2, 2]\ntau_m_ms: -1\n",
        ["tau_m_ms", "greater than 0", "-1"],
    ),
    "wrong_type": (f"{SPIKING}, refractory_ms: soon}}\n", ["refractory_ms", "number", "soon"]),
    "wrong_size": (
        f"{SPIKING}}}\n  m: {{model: lif, size: 1.5, v_threshold_mv: 1}}\n",
        ["m", "size", "1.5"],
    ),
    "no_neurons": (
        f"{SPIKING}}}\n  m: {{model: lif, size: 0, v_threshold_mv: 1}}\n",
        ["m", "size", "1"],
    ),
    "negative_tau": (f"{SPIKING}, tau_m_ms: -20}}\n", ["n", "tau_m_ms", "greater than 0"]),
    "infinite_tau": (f"{SPIKING}, tau_m_ms: .inf}}\n", ["n", "tau_m_ms", "finite"]),
    "infinite_refractory_period": (
        f"{SPIKING}, refractory_ms: .inf}}\n",
        ["n", "refractory_ms", "finite"],
    ),
    "text_for_a_parameter": (f"{SPIKING}, tau_m_ms: long}}\n", ["n", "tau_m_ms", "number", "long"]),
    "reset_above_threshold": (
        f"{SPIKING}, v_reset_mv: 2}}\n",
        ["n", "v_threshold_mv", "v_reset_mv"],
    ),
    "threshold_below_rest": (
        f"{SPIKING}, v_rest_mv: 2, reset: subtract}}\n",
        ["n", "v_threshold_mv", "v_rest_mv"],
    ),
    "wrong_number_of_values": (f"{SPIKING}, tau_m_ms: [1, 2, 3]}}\n", ["n", "tau_m_ms", "2", "3"]),
    "unknown_model": (
        f"{SPIKING}}}\n  m: {{model: hindmarsh_rose, size: 1}}\n",
        ["m", "hindmarsh_rose", "lif", "izhikevich"],
    ),
    "no_population": ("kind: spiking\nname: x\npopulations: {}\n", ["population"]),
    "only_sources": (
        "kind: spiking\nname: x\npopulations: {in: {model: spike_source, size: 1}}\n",
        ["population of neurons"],
    ),
    "unknown_population": (
        SPIKING + "}\nprojections:\n  - {source: in, target: nowhere, weight_mv: 1}\n",
        ["in->nowhere", "in", "n"],
    ),
    "onto_a_source": (
        SPIKING + "}\nprojections:\n  - {source: n, target: in, weight_mv: 1}\n",
        ["n->in", "spike source"],
    ),
    "negative_delay": (with_projection("delay_ms: -1"), ["delay_ms", "greater", "0", "-1"]),
    "infinite_delay": (with_projection("delay_ms: .inf"), ["delay_ms", "finite"]),
    "probability": (
        with_projection("connectivity: {kind: fixed_probability, probability: 1.5}"),
        ["probability", "1.5", "less than or equal to 1"],
    ),
    "unknown_connectivity": (
        with_projection("connectivity: {kind: small_world}"),
        ["connectivity", "small_world", "all_to_all"],
    ),
    "unknown_synapse": (
        with_projection("synapse: {model: nmda}"),
        ["synapse", "nmda", "delta", "exponential", "alpha"],
    ),
    "two_weights": (
        with_projection("weight_pa: 1"),
        ["weight_mv", "weight_pa", "one weight"],
    ),
    "no_weight": (
        SPIKING + "}\nprojections:\n  - {source: in, target: n}\n",
        ["one weight", "weight_mv", "none"],
    ),
    "conductance_without_a_leak": (
        SPIKING
        + "}\nprojections:\n  - {source: in, target: n, weight_ns: 1,"
        + " synapse: {model: exponential, tau_ms: 5, reversal_mv: 0}}\n",
        ["in->n", "conductance", "leak_ns"],
    ),
    "negative_conductance": (
        SPIKING
        + "}\nprojections:\n  - {source: in, target: n, weight_ns: -1,"
        + " synapse: {model: exponential, tau_ms: 5, reversal_mv: 0}}\n",
        ["weight_ns", "negative", "reversal_mv"],
    ),
    "jump_in_another_unit": (
        SPIKING + "}\nprojections:\n  - {source: in, target: n, weight_pa: 1}\n",
        ["in->n", "jump of the potential", "weight_pa"],
    ),
    "conductance_onto_izhikevich": (
        SPIKING
        + "}\n  m: {model: izhikevich, size: 1}\nprojections:\n  - {source: in, target: m,"
        + " weight_ns: 1, synapse: {model: exponential, tau_ms: 5, reversal_mv: 0}}\n",
        ["in->m", "conductance", "izhikevich"],
    ),
    "current_in_another_unit": (
        SPIKING
        + "}\n  m: {model: izhikevich, size: 1}\nprojections:\n  - {source: in, target: m,"
        + " weight_pa: 1, synapse: {model: alpha, tau_ms: 5}}\n",
        ["in->m", "current", "weight_mv_per_ms", "weight_pa"],
    ),
    "noise_in_another_unit": (
        SPIKING + "}\nnoise:\n  - {target: n, unit: pa, sd: 1, interval_ms: 1}\n",
        ["noise", "'n'", "mv", "pa"],
    ),
    "noise_onto_a_source": (
        SPIKING + "}\nnoise:\n  - {target: in, unit: mv, sd: 1, interval_ms: 1}\n",
        ["noise", "'in'"],
    ),
    "a_list_of_delays": (with_projection("delay_ms: [1, 2]"), ["in->n", "delays", "(2, 2)"]),
    "spread_with_a_mistake": (
        f"{SPIKING}, tau_m_ms: {{from: 1, to: 2, by: 3}}}}\n",
        ["n", "tau_m_ms", "from", "power"],
    ),
    "background_that_ends_before_it_begins": (
        SPIKING
        + "}\nbackground:\n  - {target: n, rate_hz: 1, weight_mv: 1, start_ms: 5, stop_ms: 2}\n",
        ["background", "stop_ms"],
    ),
    "peak_below_reset": (
        SPIKING + "}\n  m: {model: adex, size: 1, v_peak_mv: -80}\n",
        ["m", "v_peak_mv", "v_reset_mv"],
    ),
    "refractory_axon": (
        SPIKING + "}\n  m: {model: hodgkin_huxley, size: 1, refractory_ms: 1}\n",
        ["m", "refractory"],
    ),
    "synapse_without_tau": (
        with_projection("synapse: {model: exponential}"),
        ["tau_ms", "required"],
    ),
    "unknown_rule": (
        with_projection("plasticity: {rule: quartet, a_plus: 1, a_minus: 1}"),
        ["rule", "stdp", "triplet"],
    ),
    "bounds_the_wrong_way_round": (
        with_projection("plasticity: {rule: stdp, a_plus: 1, a_minus: 1, w_min: 1, w_max: 0}"),
        ["w_min", "w_max"],
    ),
    "weight_is_text": (
        SPIKING + "}\nprojections:\n  - {source: in, target: n, weight_mv: big}\n",
        ["weight_mv", "number", "big"],
    ),
    "weight_is_not_finite": (
        SPIKING + "}\nprojections:\n  - {source: in, target: n, weight_mv: .nan}\n",
        ["weight_mv", "finite"],
    ),
    "weight_bounds_the_wrong_way_round": (
        SPIKING
        + "}\nprojections:\n  - {source: in, target: n,"
        + " weight_mv: {distribution: uniform, low: 1, high: 0}}\n",
        ["weight_mv", "low", "high"],
    ),
    "unknown_distribution": (
        SPIKING
        + "}\nprojections:\n  - {source: in, target: n, weight_mv: {distribution: cauchy}}\n",
        ["weight_mv", "uniform", "normal", "cauchy"],
    ),
    "matrix_shape": (
        SPIKING + "}\nprojections:\n  - {source: in, target: n, weight_mv: [[1, 2, 3]]}\n",
        ["in->n", "(2, 2)", "(1, 3)"],
    ),
    "background_onto_a_source": (
        SPIKING + "}\nbackground:\n  - {target: in, rate_hz: 1, weight_mv: 1}\n",
        ["'in'", "n"],
    ),
    "background_not_finite": (
        SPIKING + "}\nbackground:\n  - {target: n, rate_hz: 1, weight_mv: .nan}\n",
        ["background", "weight_mv", "finite"],
    ),
    "record_of_nobody": (SPIKING + "}\nrecord: [m]\n", ["record", "'m'", "n"]),
    "not_yaml": ("kind: [mlp\nname: x\n", ["line"]),
    "tab": ("kind: mlp\n\tname: x\n", ["line 2"]),
    "impossible_date": ("kind: mlp\nname: 2020-13-45\nsizes: [2, 2]\n", []),
    "python_object": (
        "kind: mlp\nname: !!python/object/apply:os.system ['echo pwned']\n",
        ["line 2", "python"],
    ),
    "python_name": ("kind: mlp\nname: !!python/name:os.system\n", ["line 2", "python"]),
    "not_utf8": (b"\xff\xfe\x00", ["no text in UTF-8"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_gets_one_sentence_with_file_and_field(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content, words = BROKEN[case]
    path = tmp_path / "broken.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SpikelearnError) as raised:
        load_model(path)
    message = str(raised.value)
    assert "\n" not in message
    assert "http" not in message
    for word in ["broken.yaml", *words]:
        assert word in message
    assert "pwned" not in capfd.readouterr().out


@pytest.mark.parametrize(
    "case", ["weight_is_text", "unknown_distribution", "text_for_a_parameter", "unknown_field"]
)
def test_one_mistake_is_not_counted_as_several(case: str, tmp_path: Path) -> None:
    content, _ = BROKEN[case]
    path = tmp_path / "broken.yaml"
    path.write_text(str(content))
    with pytest.raises(SpikelearnError) as raised:
        load_model(path)
    assert str(raised.value).count("field '") <= 1


def test_all_mistakes_of_a_file_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("kind: mlp\nname: x\nsizes: [2, 2]\na: 1\nb: 2\nc: 3\n")
    with pytest.raises(SpikelearnError) as raised:
        load_model(path)
    for name in "abc":
        assert f"field '{name}': there is no such field" in str(raised.value)
    assert str(raised.value).count("field '") == 3


@pytest.mark.parametrize("name", ["nothing", "missing.yaml", "no/such/model"])
def test_a_model_that_is_nowhere_is_said_to_be(name: str) -> None:
    with pytest.raises(SpikelearnError) as raised:
        load_model(name)
    assert name in str(raised.value)
    if name == "nothing":
        assert f"there are {len(shipped_names('models'))}" in str(raised.value)
