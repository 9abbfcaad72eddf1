"""The report: self-contained, escaped, repeatable, and saying what the data say."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from spikelearn import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.report import Raster, ReportData, write_report
from spikelearn.report import psth as psth_pictures
from spikelearn.report import statistics as statistics_pictures
from spikelearn.report.page import sections
from spikelearn.report.psth import plot_psth
from spikelearn.report.raster import plot_raster
from spikelearn.report.statistics import plot_statistics
from spikelearn.report.tables import accuracy_sentence, by_region, similarity_sentence
from spikelearn.spikes import Activity

EVIL = "<script>alert('&')</script>$x_1$"


def accuracy(best: str = "backprop") -> pd.DataFrame:
    rows = []
    for rule in ("untrained", "backprop", "feedback_alignment", "stdp"):
        for seed in range(3):
            score = 0.1 if rule == "untrained" else 0.95 if rule == best else 0.8 + 0.01 * seed
            rows.append(
                {
                    "model": "mlp_784", "rule": rule, "backend": "torch", "seed": seed,
                    "test_accuracy": score, "validation_accuracy": score, "best_epoch": 2,
                    "n_test": 1000, "chance": 0.1, "mean_weight_displacement": 0.5,
                    "dead_units": 0.02, "flag": "collapsed: never predicts 8" * (score < 0.2),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def similarity(best: float = 0.05) -> pd.DataFrame:
    rows = []
    for model, layer, score in (
        ("pixels", "", 0.08), ("untrained", "hidden1", 0.03), ("backprop", "hidden1", best),
    ):  # fmt: skip
        for region, subject in (("human IT", "AB"), ("human IT", "mean"), ("monkey IT", "group")):
            ceiling = (0.4, 0.6) if region == "human IT" else (np.nan, np.nan)
            rows.append(
                {
                    "model": model, "network": "mlp", "layer": layer, "seed": 0,
                    "recording": "r", "region": region, "subject": subject, "method": "spearman",
                    "score": score, "ci_lower": score - 0.02, "ci_upper": score + 0.02,
                    "ceiling_lower": ceiling[0], "ceiling_upper": ceiling[1], "n_stimuli": 12,
                    "n_pairs": 66, "flag": "",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def data() -> ReportData:
    draw = np.random.default_rng(0)
    curves = pd.DataFrame(
        [
            {"model": "m", "rule": r, "seed": s, "epoch": e, "train_loss": 2.0 / (e + 1),
             "validation_accuracy": 0.1 + 0.3 * e}
            for r in ("backprop", "stdp") for s in range(2) for e in range(3)
        ]
    )  # fmt: skip
    layers = pd.DataFrame(
        [{"model": "m", "rule": "backprop", "seed": 0, "layer": "hidden1",
          "weight_displacement": 0.3, "dead_units": 0.0, "gradient_cosine": np.nan}]
    )  # fmt: skip
    auditory = pd.DataFrame(
        [
            {"model": m, "sound": s, "role": r, "correlation": c, "lag_ms": 5.0, "van_rossum": v,
             "rate_hz": 90.0, "recorded_rate_hz": 92.9}
            for m, c, v in (("integrate-and-fire", 0.4, 0.7), ("envelope", 0.35, np.nan))
            for s, r in (("a", "fitted"), ("b", "held out"))
        ]
    )  # fmt: skip
    matrix = np.full((12, 12), np.nan)
    matrix[:6, :6] = draw.random((6, 6))
    return ReportData(
        title="A report",
        summary=["One sentence."],
        gaps=["the brain, because it was away"],
        accuracy=accuracy(),
        curves=curves,
        layers=layers,
        similarity=similarity(),
        rdms={"human IT": matrix, "backprop · hidden1": matrix},
        rdm_groups=[(0, 6, "animal"), (6, 12, "object")],
        rasters=[Raster("A raster", "hidden", np.array([1.0]), np.array([3]), 5, 10.0, "c")],
        backend_agreement=pd.DataFrame(
            [{"model": "surrogate", "seed": 0, "population": "hidden", "backend_a": "norse",
              "backend_b": "snntorch", "n_stimuli": 92, "spikes_a": 1000, "spikes_b": 1000,
              "spikes_in_both": 1000}]
        ),
        receptive_fields=draw.random((7, 4, 4)),
        auditory=auditory,
        auditory_traces={"recorded": (np.arange(5.0), np.arange(5.0))},
        config={"seeds": [0, 1]},
        versions={"torch": "2.13"},
        command="spikelearn demo --seed 0",
        citations=["Somebody 2008"],
    )  # fmt: skip


def page(data, tmp_path) -> str:
    return write_report(data, tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_page_needs_nothing_but_itself(data, tmp_path):
    text = page(data, tmp_path)
    assert "<script" not in text
    assert "<link" not in text
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert "url(" not in text
    assert "@import" not in text


def test_the_same_data_give_the_same_bytes(data, tmp_path):
    assert page(data, tmp_path) == page(data, tmp_path)


def test_every_part_is_there(data, tmp_path):
    text = page(data, tmp_path)
    keys = [section.key for section in sections(data)]
    assert keys == ["accuracy", "similarity", "rdms", "spikes", "auditory"]
    assert text.count("<img ") == 8
    assert all(re.search(rf'id="{key}"', text) for key in [*keys, "run"])
    assert "the brain, because it was away" in text
    assert "seeds:\n- 0\n- 1" in text
    assert "Somebody 2008" in text
    assert not re.search(r'alt="\s*"', text)
    assert ">nan<" not in text


def test_missing_parts_leave_no_trace(tmp_path):
    text = page(ReportData(title="Empty"), tmp_path)
    assert text.count("<h2>") == 1
    assert "Left out" not in text
    assert "<img" not in text


def test_text_from_users_is_escaped(data, tmp_path):
    rename = {"hidden1": EVIL}
    evil = replace(
        data,
        title=EVIL, summary=[EVIL], gaps=[EVIL], command=EVIL, config={EVIL: EVIL},
        versions={EVIL: EVIL}, citations=[EVIL],
        accuracy=data.accuracy.assign(model=EVIL, rule=EVIL, flag=EVIL, backend=EVIL),
        curves=data.curves.assign(rule=EVIL),
        layers=data.layers.assign(layer=EVIL, rule=EVIL),
        similarity=data.similarity.replace({"layer": rename, "region": {"human IT": EVIL}}),
        rdms={EVIL: np.eye(3)}, rdm_groups=[(0, 3, EVIL)],
        rasters=[replace(data.rasters[0], title=EVIL, population=EVIL, caption=EVIL)],
        backend_agreement=data.backend_agreement.assign(population=EVIL, backend_a=EVIL),
        auditory=data.auditory.assign(model=EVIL, sound=EVIL),
        auditory_traces={EVIL: (np.arange(3.0), np.arange(3.0))},
    )  # fmt: skip
    text = page(evil, tmp_path)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_leading_sentences_say_what_the_data_say():
    assert "Highest on held-out digits: backpropagation" in accuracy_sentence(accuracy())
    assert "Highest on held-out digits: STDP" in accuracy_sentence(accuracy("stdp"))
    below = similarity_sentence(by_region(similarity(0.05)))
    assert "below the pixels" in below
    assert "far below the noise ceiling" in below
    above = similarity_sentence(by_region(similarity(0.5)))
    assert "above the pixels" in above
    assert "within the noise ceiling" in above


def test_scores_of_seeds_are_averaged_and_all_shown():
    frame = pd.concat([similarity(0.2).assign(seed=0), similarity(0.4).assign(seed=1)])
    table = by_region(frame)["monkey IT"].set_index("model")
    assert table.loc["backprop", "score"] == pytest.approx(0.3)
    assert list(table.loc["backprop", "scores"]) == [0.2, 0.4]


def test_wide_tables_scroll_in_their_own_box(data, tmp_path):
    text = page(data, tmp_path)
    assert text.count("<table") == text.count('<div class="table"')
    assert ".table { overflow-x: auto" in text


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_raster_is_drawn_in_the_format_of_its_suffix(suffix, tmp_path):
    spikes = PopulationSpikes.from_unsorted(900, [1.0, 5.0], [0, 899])
    few = PopulationSpikes.from_unsorted(2, [], [])
    activity = Activity({"many": spikes, "few": few}, 10.0, 1.0)
    path = plot_raster(activity, tmp_path / f"raster{suffix}")
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
@pytest.mark.parametrize("plot", [plot_psth, plot_statistics])
def test_rates_and_statistics_are_drawn_in_the_format_of_the_suffix(plot, suffix, tmp_path):
    generator = np.random.default_rng(0)
    fires = PopulationSpikes.from_unsorted(
        300, generator.uniform(0, 50.3, 3000), generator.integers(0, 300, 3000),
        generator.integers(0, 4, 3000),
    )  # fmt: skip
    one = PopulationSpikes.from_unsorted(1, [1.0, 5.0, 9.0], [0, 0, 0])
    silent = PopulationSpikes.from_unsorted(2, [], [])
    populations = {"$fires_$": fires, "one": one, "silent": silent}
    activity = Activity(populations, 50.3, 0.1, 4, ("face", "$house^$", "face", ""))
    path = plot(activity, tmp_path / f"picture{suffix}")
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("plot", [plot_psth, plot_statistics])
def test_pictures_of_nothing_and_of_the_shortest_trial_are_drawn(plot, tmp_path):
    silent = PopulationSpikes.from_unsorted(2, [], [])
    once = PopulationSpikes.from_unsorted(2, [0.0, 0.1], [0, 1])
    for populations in ({}, {"silent": silent}, {"once": once}):
        assert plot(Activity(populations, 0.1, 0.1), tmp_path / "p.png").is_file()
    with pytest.raises(SpikelearnError, match=r"written as \.png"):
        plot(Activity({}, 0.1, 0.1), tmp_path / "p.gif")


def _drawn(plot, module, activity, path, monkeypatch, **settings):
    """The figure that is written."""
    figures = []
    monkeypatch.setattr(module, "write_picture", lambda figure, _: figures.append(figure))
    plot(activity, path, **settings)
    return figures[0]


def test_the_lines_of_the_psth_are_the_mean_rates_of_the_stimuli(tmp_path, monkeypatch):
    spikes = PopulationSpikes.from_unsorted(2, [2.5, 2.5, 7.5], [0, 1, 0], [0, 0, 1])
    activity = Activity({"n": spikes}, 10.0, 0.5, 3, ("a", "b", "a"))
    figure = _drawn(
        plot_psth, psth_pictures, activity, tmp_path / "p.png", monkeypatch, bin_ms=5.0, sigma_ms=0
    )
    a, b = figure.axes[0].lines
    # Two neurons and two trials of a share two spikes in 5 ms; one trial of b has one spike.
    np.testing.assert_allclose(a.get_ydata(), [100.0, 0.0])
    np.testing.assert_allclose(b.get_ydata(), [0.0, 100.0])
    np.testing.assert_allclose(a.get_xdata(), [2.5, 7.5])


def test_many_stimuli_are_thinned_and_their_mean_is_that_of_all(tmp_path, monkeypatch):
    n_stimuli = 100
    spikes = PopulationSpikes.from_unsorted(
        1, np.full(n_stimuli, 0.5), np.zeros(n_stimuli), np.arange(n_stimuli)
    )
    labels = [str(i) for i in range(n_stimuli)]
    activity = Activity({"n": spikes}, 2.0, 0.5, n_stimuli, labels)
    figure = _drawn(plot_psth, psth_pictures, activity, tmp_path / "p.png", monkeypatch, sigma_ms=0)
    *thin, mean = figure.axes[0].lines
    assert len(thin) == 34
    np.testing.assert_allclose(mean.get_ydata(), [1000.0, 0.0])
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["one stimulus (of 100, 1 in 3 shown)", "mean over stimuli"]


def test_the_bars_of_the_statistics_hold_every_neuron_interval_and_pair(tmp_path, monkeypatch):
    generator = np.random.default_rng(1)
    spikes = PopulationSpikes.from_unsorted(
        30, generator.uniform(0, 500, 900), generator.integers(0, 30, 900)
    )
    activity = Activity({"n": spikes}, 500.0, 0.1)
    figure = _drawn(plot_statistics, statistics_pictures, activity, tmp_path / "p.png", monkeypatch)
    held = [sum(bar.get_height() for bar in axis.patches) for axis in figure.axes]
    n_fired = np.unique(spikes.senders).size
    assert held == [30, 900 - n_fired, 30, 30 * 29 // 2]


def test_a_raster_of_a_trial_that_is_not_there_is_refused(tmp_path):
    activity = Activity({"n": PopulationSpikes.from_unsorted(2, [], [])}, 10.0, 1.0)
    with pytest.raises(SpikelearnError, match="there is no trial 3"):
        plot_raster(activity, tmp_path / "r.png", trial=3)
    with pytest.raises(SpikelearnError, match=r"written as \.png"):
        plot_raster(activity, tmp_path / "r.gif")
