"""The ear of the grasshopper."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn.recordings import (
    AuditoryRecording,
    grasshopper,
    load,
)


def test_grasshopper_has_929_and_868_spikes_in_ten_seconds_of_sound_each() -> None:
    recording = load("grasshopper")
    assert isinstance(recording, AuditoryRecording)
    assert [times.size for times in recording.spike_times_ms] == [929, 868]
    for sound, times in zip(recording.sounds, recording.spike_times_ms, strict=True):
        assert sound.rate_hz == 20_000
        assert sound.duration_ms == 10_000
        assert sound.time_ms[1] == pytest.approx(0.05)
        assert 9_000 < times[-1] < 10_000
        # Receptors are refractory for about a millisecond: a wrong unit would show.
        assert 0.5 < np.diff(times).min() < 5
    assert recording.spike_times_ms[0][0] == pytest.approx(6.7)
    assert recording.sounds[0].envelope[0] == pytest.approx(0.242911)


def test_grasshopper_is_read_without_importing_nitime() -> None:
    code = (
        "import sys; from spikelearn.recordings import load; load('grasshopper');"
        "sys.exit('nitime' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_grasshopper_without_nitime_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataUnavailableError, match="pip install nitime"):
        load("grasshopper")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0.1\n50 0.2\n150 0.3\n", "evenly spaced"),
        ("0 0.1 1\n50 0.2 1\n", "found 3"),
        ("0 quiet\n", "2 columns of numbers"),
    ],
)
def test_a_broken_sound_file_is_refused_in_one_sentence(tmp_path, text, message) -> None:
    path = tmp_path / "sound.txt"
    path.write_text(text)
    with pytest.raises(SpikelearnError, match=message):
        grasshopper.read_sound(path, "broken")


def test_a_missing_sound_file_is_data_unavailable(tmp_path) -> None:
    with pytest.raises(DataUnavailableError, match="missing"):
        grasshopper.read_sound(tmp_path / "sound.txt", "missing")
