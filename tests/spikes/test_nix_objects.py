"""The objects of a NIX file: nixio, which they are made for, reads what is written of them."""

from __future__ import annotations

import datetime
import time
from pathlib import Path

import h5py
import neo
import nixio
import numpy as np
import pytest
from activities import assert_same_spikes, small_activity

from spikelearn.spikes import Activity, PopulationSpikes, load, save
from spikelearn.spikes.nix_objects import Objects, as_text, link, members, said_of


def test_nixio_reads_entities_with_what_is_said_of_them(tmp_path: Path) -> None:
    moment = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)
    said = {"word": "猫", "empty": "", "whole": 3, "half": 0.5, "many": np.arange(3.0),
            "none": np.empty(0)}  # fmt: skip
    with h5py.File(tmp_path / "a.nix", "w", track_order=True) as file:
        objects = Objects(file, "seed", moment)
        block = objects.entity(objects.data, "the block", "kind")
        section = objects.section(objects.metadata, "its section", "kind")
        link(section, block.group, "metadata")
        objects.properties(section, said, {"half": "mV"})
        common = objects.section(objects.metadata, "in common", "kind")
        objects.properties(common, {"word": "other", "shared": 7})
        link(common, section.group, "link")
        arrays = objects.group(block.group, "data_arrays")
        named = objects.array(arrays, "named", "numbers", np.arange(3), "ms")
        objects.labels(named, ["a", "b", "ç"])
        sampled = objects.array(arrays, "sampled", "numbers", np.linspace(0, 1, 1000), "mV")
        objects.sampled(sampled, 0.1, "ms")
    with nixio.File.open(str(tmp_path / "a.nix"), nixio.FileMode.ReadOnly) as file:
        assert not file.validate()["errors"]
        block = file.blocks["the block"]
        assert block.created_at == int(moment.timestamp())
        found = {p.name: p for p in block.metadata.inherited_properties()}
        assert {p.name: list(p.values) for p in block.metadata.props} == {
            "word": ["猫"], "empty": [""], "whole": [3], "half": [0.5], "many": [0.0, 1.0, 2.0],
            "none": [],
        }  # fmt: skip
        assert list(found["shared"].values) == [7]
        assert found["half"].unit == "mV"
        assert block.data_arrays["named"].dimensions[0].labels == ("a", "b", "ç")
        array = block.data_arrays["sampled"]
        np.testing.assert_array_equal(array[:], np.linspace(0, 1, 1000))
        assert (array.unit, array.dimensions[0].sampling_interval) == ("mV", 0.1)
        assert [a.name for a in block.data_arrays] == ["named", "sampled"]
    with h5py.File(tmp_path / "a.nix") as file:
        ours = said_of(file["data/the block"])
        assert (ours["word"], ours["whole"], ours["shared"]) == ("猫", 3, 7)
        np.testing.assert_array_equal(ours["many"], [0, 1, 2])
        arrays = [as_text(a.attrs["name"]) for a in members(file["data/the block"], "numbers",
                                                            "data_arrays")]  # fmt: skip
        assert arrays == ["named", "sampled"]


def test_the_same_activity_gives_the_same_file(tmp_path: Path) -> None:
    first = save(small_activity(), tmp_path / "a.nix").read_bytes()
    assert first == save(small_activity(), tmp_path / "b.nix").read_bytes()


def test_sections_that_are_linked_in_a_circle_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nix", "w") as file:
        section = file.create_group("one/metadata")
        section["link"] = section
        assert said_of(file["one"]) == {}


def test_neo_reads_what_we_write_as_what_neo_writes_of_the_same_block(tmp_path: Path) -> None:
    """Neo's own writer, which the file does without, is its oracle."""
    ours = neo.io.NixIO(str(save(small_activity(), tmp_path / "ours.nix")), mode="ro")
    block = ours.read_block()
    ours.close()
    writer = neo.io.NixIO(str(tmp_path / "theirs.nix"), mode="ow")
    writer.write_block(block)
    writer.close()
    assert_same_spikes(load(tmp_path / "theirs.nix"), small_activity())
    reader = neo.io.NixIO(str(tmp_path / "theirs.nix"), mode="ro")
    theirs = reader.read_block()
    reader.close()
    for a, b in zip(block.segments[0].spiketrains, theirs.segments[0].spiketrains, strict=True):
        np.testing.assert_array_equal(a.magnitude, b.magnitude)
        assert (a.name, a.annotations, a.t_start, a.t_stop, a.units) == (
            b.name, b.annotations, b.t_start, b.t_stop, b.units
        )  # fmt: skip
    for a, b in zip(block.segments[0].analogsignals, theirs.segments[0].analogsignals, strict=True):
        np.testing.assert_array_equal(a.magnitude, b.magnitude)
        assert (a.name, a.annotations, a.sampling_period) == (
            b.name,
            b.annotations,
            b.sampling_period,
        )
    assert block.annotations.keys() == theirs.annotations.keys()


@pytest.mark.slow
def test_four_thousand_neurons_are_written_and_read_in_seconds(tmp_path: Path) -> None:
    """By the processor's time: ten times as long is what nixio takes for the same objects."""
    rng = np.random.default_rng(0)
    n = 4_000
    spikes = PopulationSpikes.from_unsorted(
        n, rng.integers(0, 10_000, 200_000) * 0.1, rng.integers(0, n, 200_000)
    )
    activity = Activity({"e": spikes}, 1000.0, 0.1)
    started = time.process_time()
    path = save(activity, tmp_path / "a.nix")
    written = time.process_time()
    found = load(path)
    read = time.process_time()
    assert_same_spikes(found, activity)
    assert written - started < 10
    assert read - written < 10
    reader = neo.io.NixIO(str(path), mode="ro")
    trains = reader.read_block().segments[0].spiketrains
    reader.close()
    assert len(trains) == n
    assert sum(map(len, trains)) == 200_000
