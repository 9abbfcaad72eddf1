"""Where the assemblies of Brain-Score would come from."""

from __future__ import annotations

import pytest

from spikelearn._errors import DataUnavailableError
from spikelearn.recordings import at_hand, load


def test_what_would_be_downloaded_has_the_address_and_checksum_of_brain_score(
    no_data, monkeypatch
) -> None:
    import pooch

    asked = []

    def note(url, known_hash, **others):
        asked.append((url, known_hash))
        raise OSError("no route to host")

    monkeypatch.setattr(pooch, "retrieve", note)
    for name in ("freeman_ziemba2013", "majaj_hong2015"):
        assert not at_hand(name)
        with pytest.raises(DataUnavailableError, match="SPIKELEARN_DATA"):
            load(name)
    address = "https://brainscore-storage.s3.amazonaws.com/brainio-brainscore/"
    assert asked[1] == (
        address + "stimulus_hvm-public.csv",
        "sha1:5ca7a3da00d8e9c694a9cd725df5ba0ad6d735af",
    )
