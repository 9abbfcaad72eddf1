"""Responses of a user from any file that Neo reads."""

from __future__ import annotations

import neo
import numpy as np
import pytest
import quantities as pq

from spikelearn import load_recording
from spikelearn._errors import SpikelearnError
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


ENTRY = {"kind": "neo", "file": "s.nix", "region": "V4", "window_ms": [0, 500]}


def train(times, name: str = "", t_stop: float = 100.0, t_start: float = 0.0) -> neo.SpikeTrain:
    return neo.SpikeTrain(times, units="s", t_start=t_start, t_stop=t_stop, name=name)


def epoch(names, starts, name: str = "shown") -> neo.Epoch:
    return neo.Epoch(np.array(starts) * pq.s, [0.5] * len(names) * pq.s, np.array(names), name=name)


def event(names, starts, name: str = "onset") -> neo.Event:
    return neo.Event(np.array(starts) * pq.s, np.array(names), name=name)


def segment(trains, *events, name: str = "") -> neo.Segment:
    made = neo.Segment(name=name)
    made.spiketrains.extend(trains)
    for one in events:
        (made.epochs if isinstance(one, neo.Epoch) else made.events).append(one)
    return made


def write_blocks(path, *blocks: list[neo.Segment]) -> None:
    made = []
    for number, segments in enumerate(blocks):
        block = neo.Block(name=f"block {number}")
        block.segments.extend(segments)
        made.append(block)
    path.unlink(missing_ok=True)
    with neo.io.NixIO(str(path), "ow") as writer:
        writer.write_all_blocks(made)


def counting(starts, factor: int = 1) -> np.ndarray:
    """Spikes of a unit that answers to the k-th presentation with factor * (k + 1) spikes."""
    return np.concatenate(
        [s + 0.4 * np.arange(factor * (k + 1)) / (factor * (k + 1)) for k, s in enumerate(starts)]
    )


STARTS = np.arange(5.0)


def counts(recorded) -> np.ndarray:
    return recorded.values * 0.5


def test_an_epoch_and_an_event_of_one_presentation_are_one_repeat(folder) -> None:
    write_blocks(
        folder / "s.nix",
        [segment([train(counting(STARTS), "u")], epoch(LABELS, STARTS), event(LABELS, STARTS))],
    )
    recording = load_recording(describe(folder, ENTRY))
    assert recording.responses[0].values.shape == (5, 1, 1)
    assert any("are the same presentations" in note for note in recording.notes)


def test_epochs_and_events_at_other_times_are_refused_or_chosen(folder) -> None:
    write_blocks(
        folder / "s.nix",
        [
            segment(
                [train(counting(STARTS), "u")],
                epoch(LABELS, STARTS),
                event(LABELS, STARTS + 0.45, "answer"),
            )
        ],
    )
    with pytest.raises(SpikelearnError, match="'shown' and the events 'answer' name the same"):
        load_recording(describe(folder, ENTRY))
    chosen = load_recording(describe(folder, {**ENTRY, "events": "shown"})).responses[0]
    assert counts(chosen)[:, 0, 0].tolist() == [1, 2, 3, 4, 5]
    other = load_recording(describe(folder, {**ENTRY, "events": ["answer"]})).responses[0]
    assert counts(other).sum() < 15  # none of the windows holds all spikes


def test_lists_of_other_stimuli_are_taken_together(folder) -> None:
    lists = [event([label], [start], label) for label, start in zip(LABELS, STARTS, strict=True)]
    write_blocks(folder / "s.nix", [segment([train(counting(STARTS), "u")], *lists)])
    recorded = load_recording(describe(folder, ENTRY)).responses[0]
    assert counts(recorded)[:, 0, 0].tolist() == [1, 2, 3, 4, 5]


def test_blocks_with_other_units_are_not_joined_by_place(folder) -> None:
    def block(first: str, second: str, factor: int) -> list[neo.Segment]:
        return [
            segment(
                [train(counting(STARTS, factor), first), train(counting(STARTS), second)],
                event(LABELS, STARTS),
            )
        ]

    write_blocks(folder / "s.nix", block("u1", "u2", 2), block("u3", "u4", 3))
    recording = load_recording(describe(folder, ENTRY))
    recorded = recording.responses[0]
    assert recorded.unit_names == ("u1", "u2", "u3", "u4")
    shown = counts(recorded)
    assert shown.shape == (5, 2, 4)
    assert shown[:, 0, 0].tolist() == [2, 4, 6, 8, 10]
    assert shown[:, 1, 2].tolist() == [3, 6, 9, 12, 15]
    assert np.isnan(shown[:, 1, :2]).all()
    assert np.isnan(shown[:, 0, 2:]).all()
    assert any("2 of 2 segments lack some" in note for note in recording.notes)


def test_segments_whose_units_stand_in_another_order_are_joined_by_name(folder) -> None:
    a, b = counting(STARTS), counting(STARTS, 4)
    write_blocks(
        folder / "s.nix",
        [
            segment([train(a, "a"), train(b, "b")], event(LABELS, STARTS)),
            segment([train(b, "b"), train(a, "a")], event(LABELS, STARTS)),
            segment([train(b, "b")], event(LABELS, STARTS)),
        ],
    )
    recorded = load_recording(describe(folder, ENTRY)).responses[0]
    shown = counts(recorded)
    assert recorded.unit_names == ("a", "b")
    for repeat in range(2):
        assert shown[:, repeat, 0].tolist() == [1, 2, 3, 4, 5]
    assert np.isnan(shown[:, 2, 0]).all()
    for repeat in range(3):
        assert shown[:, repeat, 1].tolist() == [4, 8, 12, 16, 20]


def test_trains_without_names_are_told_by_place_or_refused(folder) -> None:
    write_blocks(
        folder / "s.nix",
        [segment([train(counting(STARTS)), train(counting(STARTS, 2))], event(LABELS, STARTS))] * 1,
    )
    recording = load_recording(describe(folder, ENTRY))
    assert counts(recording.responses[0])[:, 0].tolist() == [
        [k, 2 * k] for k in (1, 2, 3, 4, 5)
    ]  # fmt: skip
    assert any("no names of their own" in note for note in recording.notes)
    write_blocks(
        folder / "s.nix",
        [
            segment([train(counting(STARTS), "u"), train(counting(STARTS), "u")],
                    event(LABELS, STARTS)),
            segment([train(counting(STARTS), "u")], event(LABELS, STARTS)),
        ],
    )  # fmt: skip
    with pytest.raises(SpikelearnError, match="hold 1 and 2 spike trains without names"):
        load_recording(describe(folder, ENTRY))


def test_what_lies_outside_of_a_train_is_missing_and_not_zero(folder) -> None:
    starts = np.arange(10) * 10.0 + 5.0
    spikes = np.arange(5, 99.9, 0.1)
    early, late = np.arange(5, 60, 0.05), np.arange(20, 99.9, 0.02)
    write_blocks(
        folder / "s.nix",
        [
            segment(
                [train(spikes, "all"), train(early, "early", t_stop=60.0),
                 train(late, "late", t_start=15.2)],
                event(LABELS * 2, starts),
            )
        ],
    )  # fmt: skip
    recording = load_recording(describe(folder, ENTRY))
    values = recording.responses[0].values
    assert recording.responses[0].unit_names == ("all", "early", "late")
    np.testing.assert_allclose(values[:, :, 0], 10.0, atol=2.0)
    assert np.isnan(values[:, :, 1]).astype(int).tolist() == [[0, 0]] + [[0, 1]] * 4
    # The first two presentations, at 5 and 15 s, are not wholly after 15.2 s.
    assert np.isnan(values[:, :, 2]).astype(int).tolist() == [[1, 0]] * 2 + [[0, 0]] * 3
    assert any("were not observed and are missing" in note for note in recording.notes)


def test_a_misspelt_name_of_events_is_refused(folder) -> None:
    trains = [train(counting(STARTS), "a"), train(counting(STARTS, 2), "b")]
    left = epoch(LABELS[:3], STARTS[:3], "left")
    right = epoch(LABELS[3:], STARTS[3:], "right")
    write_blocks(folder / "s.nix", [segment(trains, left, right)])
    with pytest.raises(SpikelearnError, match=r"events 'rihgt'.*did you mean right\?"):
        load_recording(describe(folder, {**ENTRY, "events": ["left", "rihgt"]}))
    recording = load_recording(describe(folder, {**ENTRY, "events": ["left", "right"]}))
    assert recording.responses[0].n_units == 2
