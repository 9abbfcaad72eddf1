"""Responses of a user from any file that Neo reads."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn import load_recording
from tests.recordings.user_examples import LABELS, describe, simulated


@pytest.mark.parametrize("suffix", ["nix", "nwb"])
def test_neo_reads_what_others_or_we_wrote(folder, suffix) -> None:
    activity = simulated()
    activity.save(folder / f"s.{suffix}")
    entry = {"kind": "neo", "file": f"s.{suffix}", "region": "V4", "window_ms": [0, 100]}
    recorded = load_recording(describe(folder, entry)).responses[0]
    counts = np.zeros((15, 4))
    early = activity["out"].times_ms < 100 - 1e-6
    np.add.at(counts, (activity["out"].trials[early], activity["out"].senders[early]), 1)
    assert recorded.values.shape == (5, 3, 4)
    for number, label in enumerate(LABELS):
        trials = [i for i, name in enumerate(activity.labels) if name == label]
        np.testing.assert_allclose(
            recorded.values[number].mean(axis=0), counts[trials].mean(axis=0) / 0.1, atol=1e-9
        )
