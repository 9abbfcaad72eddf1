"""Fingerprints of two states tell what differs, and by how much."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spikelearn import DataUnavailableError, UnsupportedFeatureError

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


UNITS = script("fingerprint_units")
FINGERPRINTS = script("fingerprints")


def state(folder: Path, **units: Callable[[], Any]) -> Any:
    """A state whose units are these, by key with _ for /."""
    folder.mkdir()
    keys = tuple(name.replace("_", "/") for name in units)
    for key, unit in zip(keys, units.values(), strict=True):
        UNITS.compute(key, unit, folder)
    return FINGERPRINTS.State(folder.name, folder, folder, keys, UNITS.setting())


def compared(old: Any, new: Any) -> dict[str, Any]:
    return {outcome.key: outcome for outcome in FINGERPRINTS.compare(old, new, {})}


def arrays(values: Any) -> Callable[[], Any]:
    return lambda: UNITS.Found({"w": np.array(values)})


def table(**columns: Any) -> Callable[[], Any]:
    return lambda: UNITS.Found(tables={"scores": UNITS.as_rows(pd.DataFrame(columns))})


def test_a_difference_in_the_last_digit_is_told_with_its_size(tmp_path: Path) -> None:
    old = state(tmp_path / "old", weights_a=arrays([1.0, 0.5]), weights_b=arrays([1.0, np.nan]))
    new = state(
        tmp_path / "new", weights_a=arrays([1.0 + 2**-52, 0.5]), weights_b=arrays([1.0, np.nan])
    )
    found = compared(old, new)
    assert found["weights/b"].status == "same"
    assert found["weights/a"].wrong
    assert "at most 2.2e-16 (of up to 1) off, in 1 of 2 entries" in found["weights/a"].detail
    assert "| weights | 2 | 1 | 0 | 1 |" in FINGERPRINTS.summary(found.values(), [old, new], 0.0)


def test_spikes_that_are_missing_are_told_from_where(tmp_path: Path) -> None:
    old = state(tmp_path / "old", spikes_a=arrays([1, 2, 5]))
    new = state(tmp_path / "new", spikes_a=arrays([1, 3]))
    assert "unlike from entry 1" in compared(old, new)["spikes/a"].detail


def test_only_named_columns_and_words_may_change_in_tables(tmp_path: Path) -> None:
    old = state(
        tmp_path / "old",
        audit_a=table(rule=["pair_stdp", "b"], value=[0.1, 0.2]),
        audit_b=table(rule=["b"], value=[0.1]),
        audit_c=table(rule=["b"], value=[0.1]),
    )
    new = state(
        tmp_path / "new",
        audit_a=table(rule=["b", "stdp"], value=[0.2, 0.1], level=["mean", "group"]),
        audit_b=table(rule=["b"], value=[0.1], other=[1]),
        audit_c=table(rule=["b"], value=[0.1 + 1e-9]),
    )
    found = compared(old, new)
    assert found["audit/a"].status == "same"
    assert "column 'other'" in found["audit/b"].detail
    assert "column 'value': 1 cells, at most 1e-09 off" in found["audit/c"].detail


def test_keys_of_one_state_are_wrong_unless_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = state(tmp_path / "old", weights_mnist_a=arrays([1.0]), weights_gone=arrays([1.0]))
    new = state(tmp_path / "new", weights_mnist_b=arrays([1.0]), weights_more=arrays([1.0]))
    assert all(outcome.wrong for outcome in compared(old, new).values())
    monkeypatch.setitem(FINGERPRINTS.RENAMED["key"], "mnist/a", "mnist/b")
    monkeypatch.setattr(FINGERPRINTS, "ONLY_OLD", ("weights/gone",))
    monkeypatch.setattr(FINGERPRINTS, "ONLY_NEW", ("weights/m*e",))
    found = compared(old, new)
    assert {key: outcome.status for key, outcome in found.items()} == {
        "weights/mnist/b": "same",
        "weights/gone": "only old",
        "weights/more": "only new",
    }
    assert not any(outcome.wrong for outcome in found.values())


def test_refusals_are_compared_by_their_sentences(tmp_path: Path) -> None:
    def refuse(error: type[Exception], words: str) -> Callable[[], Any]:
        def unit() -> Any:
            raise error(words)

        return unit

    old = state(
        tmp_path / "old",
        spikes_a=refuse(UnsupportedFeatureError, "no pair_stdp"),
        spikes_b=refuse(UnsupportedFeatureError, "no cable"),
        spikes_c=refuse(DataUnavailableError, "offline"),
    )
    new = state(
        tmp_path / "new",
        spikes_a=refuse(UnsupportedFeatureError, "no stdp"),
        spikes_b=arrays([1]),
        spikes_c=refuse(DataUnavailableError, "offline"),
    )
    found = compared(old, new)
    assert found["spikes/a"].status == "refused alike"
    assert found["spikes/b"].wrong
    assert found["spikes/c"].status == "missing"  # nothing is kept, so that it is tried again


def test_fingerprints_of_another_machine_are_made_anew(tmp_path: Path) -> None:
    old = state(tmp_path / "old", spikes_a=arrays([1]))
    assert old.read("spikes/a") is not None
    old.setting = "another processor"
    assert old.read("spikes/a") is None
