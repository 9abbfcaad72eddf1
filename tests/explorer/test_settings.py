"""Settings: turned, as an address, and as YAML, Python and a command that simulate the same."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

import spikelearn as sl
from spikelearn._yaml import parse_yaml
from spikelearn.explorer.computing import simulated
from spikelearn.explorer.presets import models
from spikelearn.explorer.settings import HELD, Setting, from_address, subject_of

KNOWN = models()


@pytest.fixture
def turned() -> Setting:
    setting = Setting(KNOWN["izhikevich2003"](None), duration_ms=40.0, seed=3)
    setting = setting.turn("projections[excitatory->*].weight_mv.high", 0.7)
    setting = setting.turn("noise[excitatory].sd", 6.5)
    return setting.turn("populations.inhibitory.d_mv_per_ms", 2.1)


@pytest.fixture
def shown() -> Setting:
    setting = Setting(KNOWN["lif_neuron"]("step_current"), duration_ms=200.0, seed=1)
    setting = setting.turn("stimulus.currents[0].amplitude_pa", 333.3)
    return setting.turn("populations.neuron.tau_m_ms", 17.0)


def spikes(activity: sl.Activity) -> list[np.ndarray]:
    return [a for p in activity.populations.values() for a in (p.times_ms, p.senders, p.trials)]


def same(one: sl.Activity, other: sl.Activity) -> bool:
    pairs = zip(spikes(one), spikes(other), strict=True)
    return one.n_spikes > 0 and all(np.array_equal(a, b) for a, b in pairs)


def of(setting: Setting) -> sl.Activity:
    activity = simulated(setting, setting.network(), setting.duration_ms).activity
    assert activity is not None
    return activity


def test_a_turn_back_is_no_turn(turned: Setting) -> None:
    plain = Setting(turned.subject, duration_ms=40.0, seed=3)
    back = plain.turn("noise[*].mean", 3.0).turn("noise[*].mean", 0.0)
    assert back == plain
    assert plain.turn("noise[*].mean", 3.0).value("noise[inhibitory].mean") == 3.0
    with pytest.raises(sl.SpikelearnError, match="no knob 'nois'"):
        plain.turn("nois", 1.0)
    with pytest.raises(sl.SpikelearnError, match="finite"):
        plain.turn("noise[*].mean", float("nan"))


@pytest.mark.parametrize("which", ["turned", "shown"])
def test_yaml_python_and_command_give_the_same_spikes(
    which: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from spikelearn.cli import app

    setting: Setting = request.getfixturevalue(which)
    expected = of(setting)
    names: dict = {}
    exec(setting.python(), names)  # noqa: S102 - our own
    assert same(names["activity"], expected)
    monkeypatch.chdir(tmp_path)
    yaml = setting.yaml()
    Path("network.yaml").write_text(yaml, encoding="utf-8")
    for command in (yaml.splitlines()[0].removeprefix("# "), setting.command()):
        result = CliRunner().invoke(app, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output
        assert same(sl.load_activity("spikes.npz"), expected)
        Path("spikes.npz").unlink()


def test_a_model_of_no_name_is_written_out() -> None:
    setting = Setting(KNOWN["izhikevich_cell"](None), duration_ms=50.0)
    setting = setting.turn("populations.cell.c_mv", -50.0)
    names: dict = {}
    exec(setting.python(), names)  # noqa: S102 - our own
    assert same(names["activity"], of(setting))
    assert parse_yaml(setting.yaml(), "")["populations"]["cell"]["c_mv"] == -50.0


def test_yaml_changes_one_of_two_places_that_share_an_anchor(turned: Setting) -> None:
    plain = Setting(turned.subject).turn("projections[excitatory->excitatory].weight_mv.high", 0.9)
    weights = [p["weight_mv"] for p in parse_yaml(plain.yaml(), "")["projections"]]
    assert [w["high"] for w in weights] == [0.9, 0.5, 0.0, 0.0]


def test_an_address_opens_the_same_setting(turned: Setting, shown: Setting) -> None:
    default = Setting(KNOWN["lif_neuron"](None))
    query = f"?{turned.address()}&{shown.address(HELD)}"
    assert from_address(query, KNOWN, default) == (turned, [])
    assert from_address(query, KNOWN, default, HELD) == (shown, [])


@pytest.mark.parametrize(
    "said",
    [
        "model=../../etc/passwd", "model=mlp_784", "model=/tmp/x.yaml", "stimulus=/etc/passwd",
        "seed=-1", "seed=1e9", "duration_ms=1e9", "duration_ms=nan", "scale=0", "scale=inf",
        "populations.neuron.tau_m_ms=__import__('os')", "populations.neuron.tau_m_ms=nan",
        "populations.neuron.model=lif", "populations.neuron=3", "kind=mlp", "__class__=1",
        "populations.neuron.tau_m_ms=" + "9" * 400, "scale=2",
    ],
)  # fmt: skip
def test_nothing_but_known_names_and_allowed_numbers_is_taken(said: str) -> None:
    default = Setting(KNOWN["lif_neuron"]("step_current"))
    setting, notes = from_address(f"?{said}", KNOWN, default)
    assert setting == default
    assert len(notes) == 1


def test_numbers_that_do_not_fit_together_are_told() -> None:
    default = Setting(KNOWN["lif_neuron"](None))
    setting, notes = from_address("populations.neuron.v_reset_mv=-10", KNOWN, default)
    assert setting == default
    assert "v_threshold_mv must lie above v_reset_mv" in notes[0]


def test_numbers_out_of_bounds_become_the_nearest_that_fit() -> None:
    default = Setting(KNOWN["lif_neuron"](None))
    setting, _ = from_address("populations.neuron.size=0", KNOWN, default)
    assert setting.value("populations.neuron.size") == 1


def test_a_file_of_ones_own_is_explored(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "kind: spiking\nname: mine\npopulations: {n: {model: lif, size: 1, v_threshold_mv: 1.0,"
        " v_rest_mv: 2.0, v_reset_mv: 0.0}}\n",
        encoding="utf-8",
    )
    setting = Setting(subject_of(path), duration_ms=50.0).turn("populations.n.tau_m_ms", 10.0)
    assert setting.subject.name == "mine"
    names: dict = {}
    exec(setting.python(), names)  # noqa: S102 - our own
    assert same(names["activity"], of(setting))
    assert setting.command().startswith(f"spikelearn simulate {path} --set ")


def test_a_smaller_network_is_simulated_and_said() -> None:
    subject = KNOWN["potjans_diesmann2014"](None)
    setting = Setting(subject, scale=0.05)
    assert setting.network().populations["L4E"].size == round(0.05 * 21915)
    assert "--scale 0.05" in setting.command()
    assert "network.scaled(0.05)" in setting.python()
