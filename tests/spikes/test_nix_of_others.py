"""NIX files of others: which block is read, which segments, and what is left out of them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import h5py
import neo
import numpy as np
import pytest
import quantities as pq

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import load, save
from spikelearn.spikes.of_others import ReadWarning


def block(name: str | None, *segments: dict[str, list[float]], **annotations: str) -> neo.Block:
    made = neo.Block(name=name)
    for number, trains in enumerate(segments):
        segment = neo.Segment(name=f"sweep {number}")
        for called, times in trains.items():
            segment.spiketrains.append(
                neo.SpikeTrain(times * pq.ms, t_stop=100.0, name=called, **annotations)
            )
        made.segments.append(segment)
    return made


def written(path: Path, *blocks: neo.Block) -> Path:
    writer = neo.io.NixIO(str(path), mode="ow")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        writer.write_all_blocks(list(blocks))
    writer.close()
    return path


def read(path: Path, **given: Any) -> tuple[Any, str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        activity = load(path, **given)
    assert {w.category for w in caught} <= {ReadWarning}
    return activity, " ".join(str(w.message) for w in caught)


@pytest.fixture
def several(tmp_path: Path) -> Path:
    return written(
        tmp_path / "several.nix",
        block("stimuli"),
        block("Monday", {"a": [1.0], "b": [2.0, 3.0]}, {"a": [4.0], "b": []}),
        block(None, {"c": [5.0]}),
    )


def test_the_first_block_with_spikes_is_read_and_the_others_are_named(several: Path) -> None:
    activity, said = read(several)
    assert activity.labels == ("sweep 0", "sweep 1")
    assert activity["units"].counts(2).tolist() == [[1, 2], [1, 0]]
    assert "read is block 1 'Monday'; left out are the blocks 0 'stimuli' (0 spike trains)" in said
    assert "2 '' (1 spike trains) (block, --block)" in said


@pytest.mark.parametrize("asked", ["Monday", "1"])
def test_a_block_is_chosen_by_name_or_number(several: Path, asked: str) -> None:
    activity, said = read(several, block=asked)
    assert activity.n_spikes == 4
    assert "left out" not in said
    activity, said = read(several, block=asked, segment="sweep 1")
    assert (activity.labels, activity.n_spikes) == (("sweep 1",), 1)
    assert "left out: segments 'sweep 0'" in said
    assert read(several, block="2")[0].n_spikes == 1


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"block": "monday"}, "no block 'monday'; they are numbered from 0 to 2, and did you mean"),
        ({"block": "3"}, "it has no block '3'; they are numbered from 0 to 2"),
        ({"block": "1", "segment": "sweep"}, "no segment 'sweep'; they are numbered from 0 to 1"),
        ({"block": "0"}, "the Neo block holds no spike trains"),
        ({"block": "1", "populations": "area"}, "has no column 'area'"),
    ],
)
def test_what_is_not_there_is_said(several: Path, given: dict[str, str], sentence: str) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        load(several, **given)  # type: ignore[arg-type]


def test_two_blocks_of_one_name_are_told_apart_by_number(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nix", block("x", {"a": [1.0]}), block("x", {"a": [1.0, 2.0]}))
    with pytest.raises(SpikelearnError, match="several blocks called 'x'; say one by its number, "):
        load(path, block="x")
    assert read(path, block="1")[0].n_spikes == 2


def test_an_annotation_of_the_trains_may_name_their_populations(tmp_path: Path) -> None:
    made = block("x", {"a": [1.0], "b": [2.0]}, area="V1")
    made.segments[0].spiketrains[1].annotations["area"] = "V4"
    path = written(tmp_path / "a.nix", made)
    assert "their annotations area could name theirs (populations, --populations)" in read(path)[1]
    assert list(read(path, populations="area")[0].populations) == ["V1", "V4"]


def test_segments_of_other_lengths_and_all_that_is_left_out_are_said(tmp_path: Path) -> None:
    made = block("x", {"a": [1.0]}, {"a": [2.0]})
    short = neo.SpikeTrain([1.0] * pq.ms, t_stop=40.0, name="a")
    made.segments[1].spiketrains[0] = short
    first = made.segments[0]
    first.events.append(neo.Event([1.0] * pq.ms, labels=["on"], name="onsets"))
    first.epochs.append(neo.Epoch([1.0] * pq.ms, [2.0] * pq.ms, labels=["x"], name="phases"))
    first.analogsignals.append(
        neo.AnalogSignal(np.zeros((4, 1)), units="mV", sampling_rate=1 * pq.kHz, name="lfp")
    )
    activity, said = read(written(tmp_path / "a.nix", made))
    assert activity.duration_ms == 100.0
    assert "its segments last 40 to 100 ms; every trial is taken to last 100 ms" in said
    for part in ("events (onsets)", "epochs (phases)", "population and variable (lfp)"):
        assert part in said
    assert activity.provenance["notes"]


def test_neo_may_call_the_file_h5(tmp_path: Path) -> None:
    path = written(tmp_path / "a.h5", block("x", {"a": [1.0]}))
    assert read(path)[0].n_spikes == 1


def test_a_nix_file_that_neo_did_not_write_is_refused_with_the_reason(tmp_path: Path) -> None:
    import nixio

    with nixio.File.open(str(tmp_path / "a.nix"), nixio.FileMode.Overwrite) as file:
        file.create_block("b", "recording").create_group("g", "electrodes")
    with pytest.raises(SpikelearnError, match="groups are of type electrodes; read are the blocks"):
        load(tmp_path / "a.nix")
    with nixio.File.open(str(tmp_path / "b.nix"), nixio.FileMode.Overwrite):
        pass
    with pytest.raises(SpikelearnError, match="holds no Neo block"):
        load(tmp_path / "b.nix")
    with h5py.File(tmp_path / "c.nix", "w") as file:
        file["x"] = 1
    with pytest.raises(SpikelearnError, match="it is no NIX file"):
        load(tmp_path / "c.nix")


def test_our_activities_among_several_blocks_are_read_whole(tmp_path: Path) -> None:
    from activities import assert_same_rest, small_activity

    ours = small_activity()
    path = written(tmp_path / "a.nix", block("x", {"a": [1.0]}), ours.to_neo())
    assert_same_rest(read(path, block="small")[0], ours)
    with pytest.raises(SpikelearnError, match="segment is given, but this file of spikelearn's"):
        load(path, block="small", segment="0")
    with pytest.raises(SpikelearnError, match="block is given, but this file of spikelearn's"):
        load(save(ours, tmp_path / "b.nix"), block="0")


def test_a_file_that_neo_reads_for_long_is_told_before(
    several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spikelearn.spikes import nix_of_others

    monkeypatch.setattr(nix_of_others, "_TRAIN_S", 10.0)
    assert "Neo reads its 4 spike trains in about 40 s" in read(several)[1]
