"""The old name of training and studies still finds them, with a word."""

from __future__ import annotations

import importlib

import pytest

import spikelearn.experiments
from spikelearn import studies, training


@pytest.mark.parametrize("name", spikelearn.experiments._NAMES)
def test_a_name_is_found_where_it_is_now(name: str) -> None:
    with pytest.warns(FutureWarning, match=f"spikelearn.experiments.{name} is now in spikelearn"):
        found = getattr(spikelearn.experiments, name)
    place = importlib.import_module(f"spikelearn.{spikelearn.experiments._NAMES[name]}")
    assert found is getattr(place, name)


@pytest.mark.parametrize("name", spikelearn.experiments._MODULES)
def test_a_module_is_found_where_it_is_now(name: str) -> None:
    with pytest.warns(FutureWarning, match=f"{name} is now in spikelearn"):
        importlib.import_module(f"spikelearn.experiments.{name}")


def test_the_module_has_what_the_new_one_has() -> None:
    with pytest.warns(FutureWarning):
        from spikelearn.experiments import TrainConfig, compare
    assert TrainConfig is training.TrainConfig
    assert compare is studies.compare
    with pytest.raises(AttributeError):
        spikelearn.experiments.nothing  # noqa: B018 - asked for, not used
