"""Findings made up for the tests of the page, and all sections of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spikelearn.report.auditory import auditory
from spikelearn.report.learning import learning
from spikelearn.report.matrices import matrices
from spikelearn.report.page import Section
from spikelearn.report.similarity import accuracy, layers, similarity
from spikelearn.report.spiking import Raster, spiking

EVIL = "<script>alert('&')</script>$x_1$"


def accuracy_of_runs(best: str = "backprop") -> pd.DataFrame:
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


def scores_by_layer(best: float = 0.05) -> pd.DataFrame:
    """As `similarity_tables.summary` gives them."""
    rows = []
    for model, family, network, layer, score in (
        ("pixels", "baseline", "", "", 0.08),
        ("untrained", "baseline", "mlp", "hidden1", 0.03),
        ("backprop", "backpropagation", "mlp", "hidden1", best),
    ):
        for region in ("human IT", "monkey IT"):
            ceiling = (0.4, 0.6) if region == "human IT" else (np.nan, np.nan)
            rows.append(
                {
                    "recording": "r", "region": region, "method": "rsa", "measure": "spearman",
                    "subject": "", "level": "mean", "resolution": 175, "above_ceiling": False,
                    "model": model, "family": family, "network": network, "dataset": "mnist",
                    "layer": layer, "score": score, "score_min": score, "score_max": score,
                    "ci_lower": score - 0.02, "ci_upper": score + 0.02,
                    "ceiling_lower": ceiling[0], "ceiling_upper": ceiling[1],
                    "test_accuracy": 0.9 if family == "backpropagation" else np.nan,
                    "chance": 0.1, "weights_moved": np.nan, "trouble": "", "n_seeds": 1,
                    "n_stimuli": 12,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def curves() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"model": "m", "rule": r, "seed": s, "epoch": e, "train_loss": 2.0 / (e + 1),
             "validation_accuracy": 0.1 + 0.3 * e}
            for r in ("backprop", "stdp") for s in range(2) for e in range(3)
        ]
    )  # fmt: skip


def layer_changes() -> pd.DataFrame:
    return pd.DataFrame(
        [{"model": "m", "rule": "backprop", "seed": 0, "layer": "hidden1",
          "weight_displacement": 0.3, "dead_units": 0.0, "gradient_cosine": np.nan}]
    )  # fmt: skip


def heard() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"model": m, "sound": s, "role": r, "correlation": c, "lag_ms": 5.0, "van_rossum": v,
             "rate_hz": 90.0, "recorded_rate_hz": 92.9}
            for m, c, v in (("integrate-and-fire", 0.4, 0.7), ("envelope", 0.35, np.nan))
            for s, r in (("a", "fitted"), ("b", "held out"))
        ]
    )  # fmt: skip


def agreed() -> pd.DataFrame:
    return pd.DataFrame(
        [{"model": "surrogate", "network": "snn", "seed": 0, "population": "hidden",
          "backend_a": "norse", "backend_b": "snntorch", "n_stimuli": 92, "spikes_a": 1000,
          "spikes_b": 1000, "spikes_in_both": 1000}]
    )  # fmt: skip


def all_sections(word: str = "") -> list[Section | None]:
    """Every section; where a word is given, it stands wherever a user's text can stand."""
    draw = np.random.default_rng(0)
    matrix = np.full((12, 12), np.nan)
    some = draw.random((6, 6))
    matrix[:6, :6] = some + some.T
    said = {"rule": word} if word else {}
    names = {"human IT": matrix, word or "backprop · hidden1": matrix}
    scores = scores_by_layer()
    if word:
        scores = scores.replace({"layer": {"hidden1": word}, "region": {"human IT": word}})
    runs = accuracy_of_runs()
    if word:
        runs = runs.assign(model=word, rule=word, flag=word, backend=word)
    raster = Raster(
        word or "A raster", word or "hidden", np.array([1.0]), np.array([3]), 5, 10.0, word or "c"
    )
    spikes = agreed().assign(population=word, backend_a=word) if word else agreed()
    sounds = heard().assign(model=word, sound=word) if word else heard()
    return [
        learning(runs, curves().assign(**said), layer_changes().assign(**said)),
        similarity(scores, None),
        accuracy(scores, pd.DataFrame()),
        matrices(names, [(0, 6, word or "animal"), (6, 12, "object")]),
        spiking([raster], draw.random((7, 4, 4)), spikes),
        auditory(sounds, {word or "recorded": (np.arange(5.0), np.arange(5.0))}),
        layers(scores),
    ]
