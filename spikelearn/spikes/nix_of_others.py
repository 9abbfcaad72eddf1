"""NIX files that Neo wrote for others: which of their blocks is read, and reading it by Neo."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from spikelearn._errors import SpikelearnError
from spikelearn.spikes.neo_conversion import activity_of
from spikelearn.spikes.nix_objects import as_text, members, said_of
from spikelearn.spikes.of_others import ReadWarning, note, place_of

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity
    from spikelearn.spikes.of_others import Given

TAKES = ("block", "segment", "populations")

# What Neo takes to read a spike train, in seconds, and how long is told before it begins.
_TRAIN_S = 0.006
_LONG_S = 10.0


def read(path: Path, given: Given) -> Activity:
    """The activity of one block.

    Parameters
    ----------
    path : Path
        A NIX file.
    given : mapping
        What was said of it.

    Raises
    ------
    SpikelearnError
        If it holds no block with spike trains, or not the one that was asked for.
    """
    from neo.io import NixIO

    with h5py.File(path, "r") as file:
        names, n_trains = _blocks(file)
    place = _chosen(names, n_trains, given)
    seconds = n_trains[place] * _TRAIN_S
    if seconds > _LONG_S:
        warnings.warn(
            f"{path}: Neo reads its {n_trains[place]:,} spike trains in about {seconds:.0f} s",
            ReadWarning,
            stacklevel=5,
        )
    file = NixIO(str(path), mode="ro")
    try:
        block = file.read_block(index=place)
    finally:
        file.close()
    return activity_of(block, given.get("segment"), given.get("populations"))


def _blocks(file: h5py.File) -> tuple[list[str], list[int]]:
    """Names of the blocks, and how many spike trains each holds.

    Raises
    ------
    SpikelearnError
        If there is no block, or one that Neo did not write.
    """
    names, n_trains = [], []
    for block in file["data"].values():
        kinds = {as_text(one.attrs.get("type", "")) for one in block.get("groups", {}).values()}
        foreign = sorted(kind for kind in kinds if not kind.startswith("neo."))
        if foreign:
            raise SpikelearnError(
                f"its groups are of type {foreign[0]}; read are the blocks, segments and spike"
                " trains that Neo writes"
            )
        names.append(str(said_of(block).get("neo_name") or ""))
        n_trains.append(sum(1 for _ in members(block, "neo.spiketrain", "multi_tags")))
    if not names:
        raise SpikelearnError("it holds no Neo block")
    return names, n_trains


def _chosen(names: list[str], n_trains: list[int], given: Given) -> int:
    """The number of the block that is asked for, or else of the first with spike trains."""
    asked = given.get("block")
    if asked is not None:
        return place_of(asked, names, "block", "it")
    place = next((i for i, n in enumerate(n_trains) if n), 0)
    others = [f"{i} '{name}' ({n} spike trains)"
              for i, (name, n) in enumerate(zip(names, n_trains, strict=True))
              if i != place]  # fmt: skip
    if others:
        note([
            f"read is block {place} '{names[place]}'; left out are the blocks"
            f" {', '.join(others[:8])}{' ...' if len(others) > 8 else ''} (block, --block)"
        ])  # fmt: skip
    return place
