"""Presets: data that fit their models, and show what they say."""

from __future__ import annotations

import pytest

import spikelearn as sl
from spikelearn.explorer.computing import simulated
from spikelearn.explorer.presets import Preset, models, presets
from spikelearn.networks.content import difference
from spikelearn.spikes.statistics import interspike_intervals_ms


def preset(name: str) -> Preset:
    return next(p for p in presets() if p.name == name)


def test_every_preset_fits_its_model() -> None:
    names = [p.name for p in presets()]
    assert len(set(names)) == len(names)
    for one in presets():
        setting = one.setting(models())
        setting.network()
        setting.protocol()
        assert all(setting.value(key) == value for key, value in one.values.items())


@pytest.mark.parametrize(
    ("name", "shipped"),
    [
        ("Brunel: asynchronous irregular", "brunel2000"),
        ("Brunel: synchronous regular", "brunel2000_synchronous_regular"),
        ("Brunel: fast oscillation", "brunel2000_fast_oscillation"),
        ("Brunel: slow oscillation", "brunel2000_slow_oscillation"),
    ],
)
def test_brunels_regimes_are_the_shipped_models(name: str, shipped: str) -> None:
    from spikelearn.networks.content import content

    assert (
        difference(content(sl.load_model(shipped)), preset(name).setting(models()).network())
        is None
    )


def intervals(name: str) -> list[float]:
    setting = preset(name).setting(models())
    activity = simulated(setting, setting.network(), setting.duration_ms).activity
    assert activity is not None
    return interspike_intervals_ms(activity, "cell").tolist()


def test_cells_fire_as_their_names_say() -> None:
    regular = intervals("Izhikevich: regular spiking")
    assert regular[-1] > 1.5 * regular[0]  # adapts
    fast = intervals("Izhikevich: fast spiking")
    assert max(fast) < min(regular[1:])
    assert fast[-1] < 1.1 * fast[2]  # does not adapt
    for bursting in ("Izhikevich: chattering", "AdEx: regular bursting"):
        between = intervals(bursting)
        assert max(between) > 4 * min(between)
        assert sum(interval < 2 * min(between) for interval in between) > len(between) / 2
    tonic, adapting = intervals("AdEx: tonic spiking"), intervals("AdEx: adaptation")
    assert max(tonic[1:]) < 1.1 * min(tonic[1:])
    assert adapting[-1] > 1.5 * adapting[0]


def test_models_are_spiking_networks() -> None:
    assert "brunel2000" in models()
    assert "mlp_784" not in models()
