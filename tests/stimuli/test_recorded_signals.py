"""Recorded sounds and arrays: read, resampled to the grid, and shown as currents and as rates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from spikelearn._errors import SpikelearnError
from spikelearn.stimuli import CurrentProtocol, PoissonProtocol
from spikelearn.stimuli.signals import read_array, read_sound, resampled


def current(dt_ms: float, duration_ms: float, size: int = 1, **fields: Any) -> np.ndarray:
    """A recording as a current in pA, array of shape (trials, steps, size or 1)."""
    fields = {"kind": "recording", "gain_pa": 1.0, **fields}
    protocol = CurrentProtocol(kind="currents", name="sound", currents=(fields,))  # type: ignore[arg-type]
    return protocol.realise({}, duration_ms, dt_ms, 0, {"n": size}).currents_pa["n"]


def tone(rate_hz: int, frequency_hz: float, seconds: float = 0.5) -> np.ndarray:
    return np.asarray(
        0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(rate_hz * seconds) / rate_hz)
    )


@pytest.mark.parametrize("rate_hz", [8000, 44_100, 22_050])
@pytest.mark.parametrize("dt_ms", [0.1, 0.025, 0.3])
def test_resampling_keeps_a_tone_below_both_nyquist_frequencies(rate_hz: int, dt_ms: float) -> None:
    found = resampled(tone(rate_hz, 440.0), rate_hz, dt_ms)
    t = np.arange(len(found)) * dt_ms / 1000
    inner = (t > 0.05) & (t < 0.45)  # away from the ends, where it begins and stops
    expected = 0.5 * np.sin(2 * np.pi * 440.0 * t)
    np.testing.assert_allclose(found[inner], expected[inner], atol=2e-3)
    # Nothing drifts: the last sample is as far as the sound is long.
    assert t[-1] == pytest.approx(0.5, abs=dt_ms / 1000)


def test_a_tone_above_the_nyquist_frequency_of_the_grid_vanishes_and_is_not_folded() -> None:
    found = resampled(tone(44_100, 3300.0), 44_100, 0.25)  # the grid's is 2000 Hz
    t = np.arange(len(found)) * 0.25
    assert np.abs(found[(t > 50) & (t < 450)]).max() < 2e-3


def test_resampling_to_its_own_rate_changes_nothing() -> None:
    x = np.random.default_rng(0).normal(size=(2, 500))
    np.testing.assert_allclose(resampled(x, 10_000.0, 0.1), x, atol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "scale", "zero"),
    [("int16", 2**15, 0), ("int32", 2**31, 0), ("uint8", 2**7, 2**7), ("float32", 1, 0)],
)
def test_full_scale_of_a_sound_is_1_whatever_its_bits(
    dtype: str, scale: int, zero: int, tmp_path: Path
) -> None:
    wave = tone(8000, 200.0)
    wavfile.write(tmp_path / "x.wav", 8000, np.rint(wave * scale + zero).astype(dtype)
                  if dtype != "float32" else wave.astype(dtype))  # fmt: skip
    samples, rate_hz = read_sound(tmp_path / "x.wav")
    assert rate_hz == 8000
    np.testing.assert_allclose(samples, wave, atol=0.51 / scale if scale > 1 else 1e-7)


def test_a_sound_is_a_current_with_gain_and_offset_from_its_start_on(tmp_path: Path) -> None:
    wavfile.write(tmp_path / "x.wav", 10_000, tone(10_000, 100.0, 0.02).astype(np.float32))
    found = current(
        0.1, 50.0, file=tmp_path / "x.wav", gain_pa=300.0, offset_pa=20.0, start_ms=10.0
    )[0, :, 0]
    # Entry k has the sample at the beginning of its interval; entry 0 lies before time 0.
    assert found[0] == 0
    np.testing.assert_array_equal(found[1:101], 20.0)
    since = np.arange(200) * 1e-4
    expected = 20 + 150 * np.sin(2 * np.pi * 100 * since)
    np.testing.assert_allclose(found[101:301], expected, atol=1e-4)
    np.testing.assert_allclose(found[301:], 20.0)


def test_one_channel_of_several_is_shown_where_it_is_said_which(tmp_path: Path) -> None:
    both = np.stack([tone(8000, 100.0), tone(8000, 250.0)], axis=1).astype(np.float32)
    wavfile.write(tmp_path / "x.wav", 8000, both)
    np.testing.assert_array_equal(read_sound(tmp_path / "x.wav", 1)[0], both[:, 1])
    with pytest.raises(SpikelearnError, match=r"2 channels.*channel: 0 to 1"):
        current(0.1, 10.0, file=tmp_path / "x.wav")
    with pytest.raises(SpikelearnError, match=r"no channel 2.*0 to 1"):
        current(0.1, 10.0, file=tmp_path / "x.wav", channel=2)


def test_a_recording_drives_a_rate_and_where_it_is_negative_there_are_no_spikes(
    tmp_path: Path,
) -> None:
    wavfile.write(tmp_path / "x.wav", 8000, (2 * tone(8000, 4.0, 1.0)).astype(np.float32))
    rate = {"kind": "recording", "file": tmp_path / "x.wav", "gain_hz": 100.0}
    protocol = PoissonProtocol(kind="poisson", name="p", rate_hz=rate, n_trials=50)  # type: ignore[arg-type]
    spikes = protocol.realise({"in": 20}, 1000.0, 0.5, 0).spikes["in"]
    phase = spikes.times_ms % 250.0
    assert ((phase < 125.5) | (phase > 249.4)).all()
    counts = np.histogram(phase, np.linspace(0, 125, 6))[0]
    edges = np.cos(2 * np.pi * np.linspace(0, 0.5, 6))
    expected = 100.0 * -np.diff(edges) / (2 * np.pi * 4.0) * 4 * 50 * 20
    assert (np.abs(counts - expected) < 5.5 * np.sqrt(expected) + 0.005 * expected).all()


def test_an_array_is_a_signal_for_each_neuron_and_trial(tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(3, 2, 40))
    np.save(tmp_path / "x.npy", x)
    found = current(1.0, 41.0, size=2, file=tmp_path / "x.npy", sampling_rate_hz=1000.0)
    np.testing.assert_allclose(found[:, 1:], x.transpose(0, 2, 1), atol=1e-12)
    np.savetxt(tmp_path / "x.csv", x[0, 0])
    column = current(1.0, 41.0, size=2, file=tmp_path / "x.csv", sampling_rate_hz=1000.0)
    np.testing.assert_allclose(column[0, 1:, 0], x[0, 0], atol=1e-12)


def test_a_rate_in_no_simple_ratio_to_the_step_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(10))
    with pytest.raises(SpikelearnError, match="no ratio of whole numbers"):
        current(0.1, 10.0, file=tmp_path / "x.npy", sampling_rate_hz=1234.567891)


def test_a_recording_starts_on_the_grid_and_fits_the_population(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((3, 10)))
    with pytest.raises(SpikelearnError, match=r"shape.*5 neurons.*\(3, 10\)"):
        current(0.1, 10.0, size=5, file=tmp_path / "x.npy", sampling_rate_hz=1000.0)
    with pytest.raises(SpikelearnError, match=r"multiple of the time step 0\.1 ms"):
        current(0.1, 10.0, 3, file=tmp_path / "x.npy", sampling_rate_hz=1000.0, start_ms=0.25)


def write(path: Path, content: str | bytes | np.ndarray) -> Path:
    if isinstance(content, np.ndarray):
        np.save(path, content)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("x.csv", "", "empty"),
        ("x.csv", "1,2\n3\n", "readable"),
        ("x.csv", "1,two\n", "readable"),
        ("x.csv", "1,nan\n", "finite"),
        ("x.npy", np.array([1.0, np.inf]), "finite"),
        ("x.npy", np.zeros((3, 0)), "empty"),
        ("x.npy", np.array(["a"]), "numbers"),
        ("x.npy", b"", "readable"),
        ("x.npy", b"\x93NUMPY", "readable"),
        ("x.npz", b"PK", "readable"),
        ("x.txt", "1", ".npy, .npz, .csv"),
    ],
)
def test_a_file_without_finite_numbers_is_refused_by_name(
    name: str, content: Any, word: str, tmp_path: Path
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(SpikelearnError, match=word) as raised:
        read_array(path)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=np.array([{}], dtype=object))
    for name in ("x.npy", "x.npz"):
        with pytest.raises(SpikelearnError, match="readable"):
            read_array(tmp_path / name)


def test_an_archive_of_several_arrays_needs_a_key(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.zeros(1), b=np.ones(2))
    assert read_array(tmp_path / "x.npz", "b").tolist() == [1, 1]
    for key in (None, "c"):
        with pytest.raises(SpikelearnError, match=r"key.*a, b"):
            read_array(tmp_path / "x.npz", key)
    with pytest.raises(SpikelearnError, match="no file"):
        read_array(tmp_path / "y.npz")


@pytest.mark.parametrize("content", [b"", b"RIFF\x00\x00\x00\x00WAVE", b"no sound"])
def test_a_damaged_sound_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(SpikelearnError, match=r"x\.wav is not a readable"):
        read_sound(write(tmp_path / "x.wav", content))


def test_a_sound_without_samples_or_with_numbers_that_are_none_is_refused(tmp_path: Path) -> None:
    wavfile.write(tmp_path / "empty.wav", 8000, np.zeros(0, dtype=np.int16))
    with pytest.raises(SpikelearnError, match=r"empty\.wav"):
        read_sound(tmp_path / "empty.wav")
    wavfile.write(tmp_path / "x.wav", 8000, np.array([0.0, np.nan], dtype=np.float32))
    with pytest.raises(SpikelearnError, match="finite"):
        read_sound(tmp_path / "x.wav")
