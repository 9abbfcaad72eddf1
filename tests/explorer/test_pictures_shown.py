"""What is seen of an activity, and how figures hold it."""

from __future__ import annotations

import numpy as np
import pytest

import spikelearn as sl
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.explorer.computing import Answer, simulated
from spikelearn.explorer.pictures import MOST_DOTS, MOST_ROWS, Picture, picture_of
from spikelearn.explorer.presets import models
from spikelearn.explorer.settings import Setting


def answer_of(name: str, stimulus: str | None = None, duration_ms: float = 100.0) -> Answer:
    setting = Setting(models()[name](stimulus), duration_ms=duration_ms)
    return simulated(setting, setting.network(), duration_ms)


@pytest.fixture(scope="module")
def network() -> tuple[Answer, Picture]:
    answer = answer_of("izhikevich2003", None, 150.0)
    return answer, picture_of(answer)


def test_the_raster_has_every_spike_of_some_neurons(network: tuple[Answer, Picture]) -> None:
    answer, picture = network
    assert answer.activity is not None
    assert picture.thinned == "1 in 7 neurons"
    times, rows = picture.dots["excitatory"]
    spikes = answer.activity["excitatory"]
    chosen = spikes.senders % 7 == 0
    assert np.array_equal(times, spikes.times_ms[chosen])
    assert np.array_equal(rows, spikes.senders[chosen] // 7)
    (_, low, high), (_, next_low, _) = picture.rows
    assert low < rows.min()
    assert rows.max() < high < next_low


def test_many_spikes_are_thinned_further() -> None:
    many = PopulationSpikes.from_unsorted(
        100, np.tile(np.arange(1, 1001) * 0.1, 100), np.repeat(np.arange(100), 1000)
    )
    setting = Setting(models()["lif_neuron"](None), duration_ms=101.0)
    activity = sl.Activity({"neuron": many}, 101.0, 0.1)
    picture = picture_of(Answer(setting, activity, setting.network()))
    assert 0 < picture.dots["neuron"][0].size <= MOST_DOTS
    assert picture.thinned == "1 in 16 neurons"


def test_rates_are_counts(network: tuple[Answer, Picture]) -> None:
    answer, picture = network
    assert answer.activity is not None
    times, rates = picture.rates["excitatory"]
    seconds = picture.bin_ms / 1000.0
    assert rates.sum() * 800 * seconds == pytest.approx(len(answer.activity["excitatory"]))
    assert times[0] == picture.bin_ms / 2
    numbers = {name: rate for name, _, rate, _ in picture.numbers}
    assert numbers["excitatory"] == pytest.approx(answer.activity.rate_hz("excitatory"))


def test_weights_that_were_drawn_are_counted(network: tuple[Answer, Picture]) -> None:
    _, picture = network
    edges, counts = picture.weights["excitatory->inhibitory (mV)"]
    assert counts.sum() == 800 * 200
    assert 0 <= edges[0] < edges[-1] <= 0.5
    assert picture.same_weights == []


def test_potentials_keep_their_peaks() -> None:
    answer = answer_of("hodgkin_huxley1952", None, 100.0)
    assert answer.activity is not None
    ((name, times, trace),) = picture_of(answer).potentials
    whole = answer.activity.states["axon.v_mv"][0, :, 0]
    assert name == "axon 0"
    assert (trace.min(), trace.max()) == (whole.min(), whole.max())
    assert (np.diff(times) > 0).all()


def test_a_ladder_of_currents_is_a_curve() -> None:
    answer = answer_of("lif_neuron", "fi_curve", 1000.0)
    picture = picture_of(answer)
    currents, rates = picture.curve["neuron"]
    assert picture.curve_of == "pA"
    assert currents.tolist() == list(range(0, 1001, 100))
    # tau ln((RI) / ...): the closed form of a leaky neuron's rate.
    drive = currents[3:] / 10.0 - 70.0
    closed = 1000.0 / (2.0 + 20.0 * np.log((drive + 60.0) / (drive + 50.0)))
    assert np.abs(rates[3:] - closed).max() < 4.0
    assert (rates[:3] == 0).all()
    assert picture.thinned == "a row for each of 11 trials"
    assert picture.rows == [("neuron", -0.5, 10.5)]


def test_learnt_weights_are_those_at_the_end() -> None:
    answer = answer_of("competitive_stdp", "poisson", 50.0)
    assert any("at the end" in name for name in picture_of(answer).weights)


def test_silence_and_short_trials_are_drawn_too() -> None:
    answer = answer_of("lif_neuron", "nothing", 3.0)
    picture = picture_of(answer)
    assert picture.dots["neuron"][0].size == 0
    assert picture.spectra == {}
    assert np.isnan(picture.numbers[0][3])
    assert MOST_ROWS > 0


def test_figures_hold_the_picture(network: tuple[Answer, Picture]) -> None:
    from spikelearn.explorer.figures import Figures

    figures = Figures("B")
    figures.show(network[1], 100.0)
    n = sum(times.size for times, _ in network[1].dots.values())
    assert {len(column) for column in figures.sources["raster"].data.values()} == {n}
    assert "the first 100 ms" in figures.raster.title.text
    assert len(figures.sources["weights"].data["top"]) == 4 * 40


def test_only_what_is_looked_at_is_computed(network: tuple[Answer, Picture]) -> None:
    answer, whole = network
    some = picture_of(answer, ["spectrum"])
    assert some.parts == ("spectrum",)
    assert (some.potentials, some.weights, some.curve) == ([], {}, {})
    assert some.spectra.keys() == whole.spectra.keys()
    from spikelearn.explorer.figures import Figures

    figures = Figures("B")
    figures.show(some, 150.0)
    assert figures.sources["weights"].data["top"] == []
    assert len(figures.sources["spectrum"].data["xs"]) == 2
    figures.show_parts(picture_of(answer, ["weights"]))
    assert len(figures.sources["weights"].data["top"]) == 4 * 40


def test_lines_of_many_populations_are_told_apart() -> None:
    from spikelearn.explorer.figures import Figures

    names = [f"p{k}" for k in range(9)]
    x = np.zeros(3)
    picture = Picture(
        10.0, rows=[(name, k, k + 1.0) for k, name in enumerate(names)],
        dots={name: (x, x) for name in names}, rates={name: (x, x) for name in names},
    )  # fmt: skip
    figures = Figures("B")
    figures.show(picture, 10.0)
    lines = figures.sources["rates"].data
    assert len({(c, str(d)) for c, d in zip(lines["color"], lines["dash"], strict=True)}) == 9
