"""Findings are kept by all that decides them, and read as they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from spikelearn import _store as store
from spikelearn._errors import SpikelearnError
from spikelearn.networks.plasticity import PairSTDP, TripletSTDP
from spikelearn.plausibility import equivalences
from spikelearn.plausibility import stored_findings as stored
from spikelearn.plausibility.criterion import Finding, Graded
from spikelearn.plausibility.instruments.intervention import Probe
from spikelearn.rules import RULES
from spikelearn.rules.baselines import Backprop


def decided(rule: object = "backprop", seed: int = 0, **options: object) -> dict[str, object]:
    return stored.decides(rule, seed, ("C1", "C9"), options)


def test_findings_come_back_as_they_were(tmp_path: Path) -> None:
    probes = [Probe("weight", "layer 1", 0.1, 0, 1 / 3), Probe("x", "y", 1.0, 1, float("inf"))]
    one = Finding(
        0.1 + 0.2, "0.3", "-", None, True, "A sentence.", lower=0.1, upper=0.5, probes=probes,
        graded=Graded(0.3, 0.9), undecided=True, counts="1 pass",
    )  # fmt: skip
    folder = stored.place(tmp_path, decided())
    stored.write([("backprop", "C1", one, False)], folder, decided())
    assert stored.found(folder, decided()) == [("backprop", "C1", one, False)]
    assert folder.name.startswith("backprop-seed0-")


def test_whatever_decides_them_changes_their_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [
        decided(), decided(seed=1), decided("feedback_alignment"),
        decided("predictive_coding"), decided("predictive_coding", n_steps=3), decided(Backprop),
        decided("stdp"), decided("stdp", a_plus=0.02), decided("triplet_stdp"),
        decided(PairSTDP(a_plus=0.01, a_minus=0.012)), decided(TripletSTDP(rule="triplet_stdp")),
        stored.decides("backprop", 0, ("C1",), {}),
    ]  # fmt: skip
    assert len({stored.content_key(key) for key in keys}) == len(keys)
    # An option that is given as it is anyway decides nothing more.
    own = decided("predictive_coding")["options"]
    assert isinstance(own, dict)
    assert decided("predictive_coding", n_steps=own["n_steps"]) == decided("predictive_coding")
    before = decided("sign_symmetric_fixed")
    monkeypatch.setitem(RULES, "sign_symmetric_fixed", RULES["sign_symmetric_random"])
    assert decided("sign_symmetric_fixed") != before
    monkeypatch.setattr(stored, "folder_code", lambda *folders: "other")
    assert decided() != keys[0]


def test_options_are_checked_as_in_training() -> None:
    with pytest.raises(SpikelearnError, match="has no option 'n_stepz'"):
        decided("predictive_coding", n_stepz=3)
    with pytest.raises(SpikelearnError, match="found 'many'"):
        decided("predictive_coding", n_steps="many")


def test_damaged_findings_are_set_aside_with_a_warning(tmp_path: Path) -> None:
    folder = stored.place(tmp_path, decided())
    one = Finding(0.0, "0", "-", None, True, "")
    stored.write([("backprop", "C1", one, None)], folder, decided())
    (folder / stored.FINDINGS).write_text("[{")
    with pytest.warns(store.StoredResultWarning, match=r"findings\.json cannot be read"):
        assert stored.found(folder, decided()) is None
    assert not folder.exists()
    assert replace(one, value=1.0) != one


def test_the_map_of_equivalences_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def measured(seed: int) -> pd.DataFrame:
        made.append(seed)
        return pd.DataFrame({"key": ["fa"], "distance": [1 / 3]})

    monkeypatch.setattr(equivalences, "map_of_equivalences", measured)
    first = stored.equivalences(tmp_path, 0)
    pd.testing.assert_frame_equal(stored.equivalences(tmp_path, 0), first)
    assert made == [0]
    stored.equivalences(tmp_path, 0, again=True)
    stored.equivalences(tmp_path, 1)
    assert made == [0, 0, 1]
