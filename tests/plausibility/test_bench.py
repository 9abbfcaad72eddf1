"""What was once called by another name is found, with a word about what it is now."""

from __future__ import annotations

import pytest

from spikelearn.plausibility import bench
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate, effect


def test_old_names_give_what_they_are_called_now() -> None:
    with pytest.warns(FutureWarning, match="is now .*repeated_update.RepeatedUpdate"):
        assert bench.Bench is RepeatedUpdate
    with pytest.warns(FutureWarning, match="the old name goes with the next release"):
        assert bench.effect is effect
    with pytest.raises(AttributeError):
        bench.nothing  # noqa: B018 - asked for, not used
