"""Stimulus protocols: what the shipped files say, and what is said of broken ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_folder, shipped_names, write_yaml
from spikelearn.stimuli import (
    CombinedProtocol,
    PoissonProtocol,
    load_protocol,
)

EXPECTED = {
    "poisson", "mnist", "kriegeskorte92", "step_current", "fi_curve", "noise_current",
    "modulated_poisson",
}  # fmt: skip


def test_the_promised_protocols_are_shipped() -> None:
    assert set(shipped_names("stimuli")) >= EXPECTED


@pytest.mark.parametrize("name", shipped_names("stimuli"))
def test_every_shipped_protocol_loads_by_name_and_by_path(name: str) -> None:
    by_name = load_protocol(name)
    path = shipped_folder("stimuli") / f"{name}.yaml"
    assert load_protocol(path) == by_name
    assert load_protocol(str(path)) == by_name
    assert by_name.name == name
    assert by_name.description


def test_a_poisson_stimulus_fires_every_source_at_its_rate() -> None:
    protocol = PoissonProtocol(kind="poisson", name="p", rate_hz=50.0, n_trials=3)
    stimulus = protocol.realise({"a": 200, "b": 100}, 1000.0, 0.5, seed=0)
    assert stimulus.n_trials == 3
    assert stimulus.labels == ["50 Hz"] * 3
    for name, size in (("a", 200), ("b", 100)):
        spikes = stimulus.spikes[name]
        assert spikes.size == size
        expected = 50.0 * size * 3
        assert abs(len(spikes) - expected) < 5 * np.sqrt(expected)


def test_one_seed_gives_one_stimulus_and_populations_have_streams_of_their_own() -> None:
    protocol = PoissonProtocol(kind="poisson", name="p", rate_hz=50.0)
    both = protocol.realise({"a": 20, "b": 20}, 200.0, 0.5, seed=1)
    alone = protocol.realise({"b": 20}, 200.0, 0.5, seed=1)
    other = protocol.realise({"b": 20}, 200.0, 0.5, seed=2)
    np.testing.assert_array_equal(both.spikes["b"].times_ms, alone.spikes["b"].times_ms)
    assert not np.array_equal(both.spikes["a"].times_ms, both.spikes["b"].times_ms)
    assert not np.array_equal(alone.spikes["b"].times_ms, other.spikes["b"].times_ms)


COURSE = "kind: poisson\nname: x\nrate_hz: {kind: course, "
CURRENT = "kind: currents\nname: x\ncurrents:\n  - "
IMAGES = "kind: images\nname: x\ndataset: mnist\n"
BROKEN = {
    "unknown_kind": ("kind: sound\nname: x\n", ["kind", "sound", "poisson", "images"]),
    "no_kind": ("name: x\nrate_hz: 3\n", ["kind"]),
    "unknown_field": ("kind: poisson\nname: x\nrate_hz: 3\nrate: 4\n", ["rate", "no such field"]),
    "missing": ("kind: poisson\nname: x\n", ["rate_hz", "required"]),
    "negative": ("kind: poisson\nname: x\nrate_hz: -3\n", ["rate_hz", "greater", "0", "-3"]),
    "wrong_type": ("kind: poisson\nname: x\nrate_hz: fast\n", ["rate_hz", "number", "fast"]),
    "no_trial": ("kind: poisson\nname: x\nrate_hz: 1\nn_trials: 0\n", ["n_trials", "1", "0"]),
    "unknown_set": ("kind: images\nname: x\ndataset: cats\n", ["dataset", "mnist", "cats"]),
    "unknown_split": (IMAGES + "split: all\n", ["split", "train", "test", "all"]),
    "unknown_encoder": (
        IMAGES + "encoder: {kind: phase}\n",
        ["encoder", "rate", "latency", "phase"],
    ),
    "encoder_range": (
        IMAGES + "encoder: {kind: latency, threshold: 2}\n",
        ["encoder", "threshold", "less than 1"],
    ),
    "delta_threshold": (IMAGES + "encoder: {kind: delta, threshold: 0}\n", ["threshold", "0"]),
    "rate_nan": ("kind: poisson\nname: x\nrate_hz: .nan\n", ["rate_hz", "finite"]),
    "rate_in_a_list": ("kind: poisson\nname: x\nrate_hz: [1, -2]\n", ["rate_hz", "1", "-2"]),
    "rate_kind": (
        "kind: poisson\nname: x\nrate_hz: {kind: steps}\n",
        ["rate_hz", "steps", "course", "sinusoid", "array", "recording"],
    ),
    "rate_course_lengths": (COURSE + "times_ms: [0, 1], rates_hz: [1]}\n", ["2 and 1"]),
    "rate_course_start": (COURSE + "times_ms: [1, 2], rates_hz: [1, 1]}\n", ["begin with 0"]),
    "rate_course_order": (COURSE + "times_ms: [0, 0], rates_hz: [1, 1]}\n", ["increase"]),
    "rate_course_negative": (COURSE + "times_ms: [0], rates_hz: [-1]}\n", ["rates_hz.0", "-1"]),
    "rate_course_empty": (COURSE + "times_ms: [], rates_hz: [1]}\n", ["times_ms", "1"]),
    "rate_sinusoid": (
        "kind: poisson\nname: x\n"
        "rate_hz: {kind: sinusoid, mean_hz: 1, amplitude_hz: 2, frequency_hz: 1}\n",
        ["amplitude_hz", "negative", "2 and 1"],
    ),
    "rate_file": (
        "kind: poisson\nname: x\nrate_hz: {kind: array, file: no.npy, bin_ms: 1}\n",
        ["file", "there is no file", "no.npy"],
    ),
    "source_field": (
        "kind: poisson\nname: x\nsources: {a: {rate_hz: 1, rate: 1}}\n",
        ["sources.a", "rate"],
    ),
    "spikes_without": ("kind: spikes\nname: x\n", ["times_ms or file", "required"]),
    "spikes_both": (
        "kind: spikes\nname: x\ntimes_ms: [[1]]\nfile: broken.yaml\n",
        ["times_ms or file", "not both"],
    ),
    "spikes_nan": ("kind: spikes\nname: x\ntimes_ms: [[.nan]]\n", ["times_ms.0.0", "finite"]),
    "spikes_flat": ("kind: spikes\nname: x\ntimes_ms: [1]\n", ["times_ms.0", "a list"]),
    "spikes_population": (
        "kind: spikes\nname: x\ntimes_ms: [[1]]\npopulation: a\n",
        ["population belongs to a file"],
    ),
    "no_current": ("kind: currents\nname: x\ncurrents: []\n", ["currents", "1"]),
    "current_kind": (CURRENT + "{kind: pulse}\n", ["currents.0", "pulse", "step", "ramp"]),
    "current_field": (
        CURRENT + "{kind: step, amplitude_pa: 1, begin_ms: 3}\n",
        ["begin_ms", "no such field"],
    ),
    "current_unit": (CURRENT + "{kind: step, amplitude_na: 1}\n", ["amplitude_na"]),
    "current_no_unit": (
        CURRENT + "{kind: step}\n",
        ["amplitude is required", "amplitude_mv", "amplitude_pa", "amplitude_mv_per_ms"],
    ),
    "current_two_units": (
        CURRENT + "{kind: ramp, from_mv: 1, to_pa: 2, stop_ms: 3}\n",
        ["one unit", "from_mv and to_pa"],
    ),
    "current_stop": (
        CURRENT + "{kind: step, amplitude_pa: 1, start_ms: 5, stop_ms: 5}\n",
        ["stop_ms must lie after start_ms", "5 and 5"],
    ),
    "current_ramp_stop": (
        CURRENT + "{kind: ramp, from_mv: 1, to_mv: 2, start_ms: 5, stop_ms: 3}\n",
        ["stop_ms must lie after start_ms", "3 and 5"],
    ),
    "current_start": (
        CURRENT + "{kind: step, amplitude_pa: 1, start_ms: -1}\n",
        ["start_ms", "0", "-1"],
    ),
    "current_nan": (CURRENT + "{kind: step, amplitude_pa: .inf}\n", ["amplitude_pa", "finite"]),
    "current_empty": (CURRENT + "{kind: step, amplitude_pa: []}\n", ["amplitude_pa", "1"]),
    "current_sd": (CURRENT + "{kind: noise, sd_pa: -1}\n", ["sd_pa", "0", "-1"]),
    "current_tau": (CURRENT + "{kind: noise, sd_pa: 1, tau_ms: 0}\n", ["tau_ms", "0"]),
    "current_twice": (
        CURRENT + "{kind: step, amplitude_pa: 1, neurons: [1, 1]}\n",
        ["neurons", "once"],
    ),
    "sound_absent": (
        CURRENT + "{kind: recording, gain_pa: 1, file: a.wav}\n",
        ["no file", "a.wav"],
    ),
    "sound_form": (
        CURRENT + "{kind: recording, gain_pa: 1, file: broken.yaml}\n",
        ["file", ".wav", ".npy"],
    ),
    "sound_rate": (
        CURRENT + "{kind: recording, gain_pa: 1, file: a.npy}\n",
        ["sampling_rate_hz is required"],
    ),
    "sound_says_its_rate": (
        CURRENT + "{kind: recording, gain_pa: 1, file: b.wav, sampling_rate_hz: 3}\n",
        [".wav", "says its sampling_rate_hz itself"],
    ),
    "no_part": ("kind: combined\nname: x\nparts: []\n", ["parts", "1"]),
    "part_kind": (
        "kind: combined\nname: x\nparts: [{kind: combined}]\n",
        ["parts.0", "combined", "poisson", "currents"],
    ),
    "a_list": ("- 1\n- 2\n", ["mapping"]),
    "empty": ("", ["mapping"]),
    "a_number_for_a_field": ("kind: poisson\nname: x\nrate_hz: 3\n7: 8\n", ["7"]),
    "not_yaml": ("kind: [poisson\n", ["line"]),
    "python_object": ("kind: !!python/object/apply:os.getcwd []\n", ["line 1", "python"]),
    "not_utf8": (b"\xff\xfe\x00", ["no text in UTF-8"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_gets_one_sentence_with_file_and_field(case: str, tmp_path: Path) -> None:
    content, words = BROKEN[case]
    for name in ("a.npy", "b.wav"):
        (tmp_path / name).touch()
    path = tmp_path / "broken.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SpikelearnError) as raised:
        load_protocol(path)
    message = str(raised.value)
    assert "\n" not in message
    assert message.count("field '") <= 1  # there is one mistake
    assert "http" not in message
    for word in ["broken.yaml", *words]:
        assert word in message


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(SpikelearnError) as raised:
        load_protocol("nothing")
    for word in ("nothing", *EXPECTED):
        assert word in str(raised.value)


def combined(*parts: dict[str, Any]) -> CombinedProtocol:
    return CombinedProtocol(kind="combined", name="both", parts=parts)  # type: ignore[arg-type]


def test_a_combination_shows_spikes_and_currents_at_once() -> None:
    step = {"kind": "step", "amplitude_pa": [1.0, 2.0, 3.0]}
    protocol = combined(
        {"kind": "spikes", "times_ms": [[1.0], [2.0, 3.0]]},
        {"kind": "currents", "currents": [step]},
        {"kind": "currents", "currents": [{**step, "amplitude_pa": 10.0}]},
    )
    stimulus = protocol.realise({"in": 2}, 5.0, 1.0, 0, {"n": 1})
    assert list(stimulus.labels) == ["1 pA", "2 pA", "3 pA"]
    assert stimulus.currents_pa["n"][:, 1, 0].tolist() == [11.0, 12.0, 13.0]
    for trial in range(3):
        trains = stimulus.spikes["in"].trains(trial)
        assert [t.tolist() for t in trains] == [[1.0], [2.0, 3.0]]


def test_the_parts_of_a_combination_have_random_streams_of_their_own() -> None:
    noise = {"kind": "currents", "currents": [{"kind": "noise", "sd_mv": 1.0}]}
    one = combined(noise).realise({}, 50.0, 1.0, 0, {"n": 1}).currents_mv["n"]
    two = combined(noise, noise).realise({}, 50.0, 1.0, 0, {"n": 1}).currents_mv["n"]
    assert abs(np.corrcoef(one[0, 1:, 0], (two - one)[0, 1:, 0])[0, 1]) < 5 / np.sqrt(49)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([{"kind": "poisson", "rate_hz": 5.0}] * 2, ["two parts", "'in'"]),
        (
            [
                {"kind": "poisson", "rate_hz": 5.0, "n_trials": 2},
                {"kind": "currents", "currents": [{"kind": "noise", "sd_mv": 1.0}], "n_trials": 3},
            ],
            ["equally many", "2, 3"],
        ),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(
    parts: list[dict[str, Any]], words: list[str]
) -> None:
    with pytest.raises(SpikelearnError) as raised:
        combined(*parts).realise({"in": 2}, 10.0, 1.0, 0, {"n": 1})
    for word in ["stimulus 'both'", *words]:
        assert word in str(raised.value)


def test_files_are_looked_for_beside_the_protocol_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "protocols"
    folder.mkdir()
    np.save(folder / "x.npy", np.array([1.0, 2.0]))
    current = {"kind": "array", "file": "x.npy", "bin_ms": 1.0, "gain_mv": 1.0}
    part = {"kind": "currents", "currents": [current]}
    write_yaml(folder / "p.yaml", {"kind": "combined", "name": "p", "parts": [part]})
    monkeypatch.chdir(tmp_path)
    stimulus = load_protocol("protocols/p.yaml").realise({}, 3.0, 1.0, 0, {"n": 1})
    assert stimulus.currents_mv["n"][0, :, 0].tolist() == [0.0, 1.0, 2.0]
    assert str(tmp_path) not in str(stimulus.provenance)
