"""`compare`, as a user meets it."""

from __future__ import annotations

import pandas as pd
import pytest
from calling import call

from spikelearn._files import local_data


def test_compare_puts_the_baselines_in_the_same_table(runs, tmp_path):
    if local_data("kriegeskorte92/92_brainRDMs.mat") is None:
        pytest.skip("the recording kriegeskorte92 is not at hand")
    out = tmp_path / "table.parquet"
    result = call("compare", *runs, "--bootstrap", 20, "--out", out)
    assert result.exit_code == 0, result.output
    table = pd.read_parquet(out)
    baselines = {
        "pixels", "mean_luminance", "gabor_energy", "random_features", "category", "untrained",
        "human IT", "monkey IT",
    }  # fmt: skip
    assert set(table["model"]) == {"backprop", "surrogate", *baselines}
    assert set(table["network"]) == {"", "small", "spiking"}
    human = table[(table["model"] == "pixels") & (table["region"] == "human IT")]
    assert human.set_index("subject")["score"]["group"] == pytest.approx(0.10645, abs=1e-5)


def test_compare_tests_networks_against_zero_their_twins_and_the_baselines(runs, tmp_path):
    if local_data("kriegeskorte92/92_brainRDMs.mat") is None:
        pytest.skip("the recording kriegeskorte92 is not at hand")
    out = tmp_path / "table.csv"
    result = call("compare", runs[0], "--bootstrap", 20, "--tests", "--out", out)
    assert result.exit_code == 0, result.output
    zero, differences = (
        pd.read_csv(tmp_path / f"table-{part}.csv", keep_default_na=False)
        for part in ("zero", "differences")
    )
    category = zero[(zero["model"] == "category") & (zero["region"] == "monkey IT")]
    assert (category["p_holm"] < 0.05).all()
    assert {"untrained", "pixels", "category", "gabor_energy"} <= set(differences["model_b"])
    assert "one-sided p" in result.output
    result = call("compare", runs[0], "--bootstrap", 0, "--tests")
    assert result.exit_code == 1
    assert "--tests needs resamples" in result.output


def test_compare_says_where_a_recording_has_no_responses(runs):
    if local_data("kriegeskorte92/92_brainRDMs.mat") is None:
        pytest.skip("the recording kriegeskorte92 is not at hand")
    result = call("compare", runs[0], "--method", "cka")
    assert result.exit_code == 1
    assert "was published as RDMs, and cka compares responses" in result.stderr
    assert "Traceback" not in result.stderr
