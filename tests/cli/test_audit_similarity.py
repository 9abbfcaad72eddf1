"""`audit --similarity`: scores of one kind are never averaged with those of another."""

from __future__ import annotations

import pandas as pd
import pytest

from spikelearn import SpikelearnError
from spikelearn.cli.audit import _similarity


def table(**columns: list) -> pd.DataFrame:
    n = max(len(values) for values in columns.values())
    plain = {"model": "backprop", "layer": "h", "region": "IT", "subject": "", "level": "mean"}
    return pd.DataFrame({**{name: [value] * n for name, value in plain.items()}, **columns})


def test_the_best_layer_is_that_of_the_means_over_seeds(tmp_path) -> None:
    table(
        layer=["a", "a", "b", "b"], seed=[0, 1, 0, 1], score=[0.4, 0.0, 0.25, 0.25]
    ).to_csv(tmp_path / "t.csv", index=False)  # fmt: skip
    found = _similarity(tmp_path / "t.csv")
    assert found.to_dict("records") == [
        {"rule": "backprop", "region": "IT", "score": pytest.approx(0.25)}
    ]


def test_methods_recordings_and_networks_have_columns_of_their_own(tmp_path) -> None:
    for name in ("method", "recording", "network"):
        table(**{name: ["x", "y"], "score": [0.1, 0.7]}).to_parquet(tmp_path / "t.parquet")
        found = _similarity(tmp_path / "t.parquet").set_index("region").score.to_dict()
        assert sorted(found.values()) == [0.1, 0.7], name
        assert all(region.startswith("IT") or region.endswith("IT") for region in found)


def test_a_table_of_an_earlier_version_is_read_by_the_mean_over_subjects(tmp_path) -> None:
    old = table(subject=["S1", "mean", "group"], score=[0.1, 0.2, 0.9]).drop(columns="level")
    old.to_csv(tmp_path / "t.csv", index=False)
    assert _similarity(tmp_path / "t.csv").score.tolist() == [0.2]


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_what_is_no_table_is_told_in_a_sentence(name: str, tmp_path) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(SpikelearnError, match="cannot be read as a table"):
        _similarity(tmp_path / name)
    table(score=["high"]).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(SpikelearnError, match="score does not hold numbers"):
        _similarity(tmp_path / "t.csv")
