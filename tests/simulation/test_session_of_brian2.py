"""Brian2's preferences and device are the user's: a run puts them back, however it ends."""

from __future__ import annotations

import pytest

from spikelearn.networks.spiking import LIF, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.brian2.session import SCHEDULE, brian2_with, compiler_flags

QUIET = SpikingNetwork(name="quiet", populations={"n": LIF(size=1, v_threshold_mv=1.0)})


def test_a_finished_or_interrupted_simulation_leaves_brian2s_preferences_alone() -> None:
    import brian2

    before = {
        key: brian2.prefs[key] for key in ("codegen.target", "core.stop_on_keyboard_interrupt")
    }
    simulate(QUIET, None, 10.0, 1.0, "brian2")
    assert {key: brian2.prefs[key] for key in before} == before

    def interrupt(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(QUIET, None, 10.0, 1.0, "brian2", progress=interrupt)
    assert {key: brian2.prefs[key] for key in before} == before


def test_preferences_hold_within_and_are_put_back_where_something_goes_wrong() -> None:
    import brian2

    key, schedule = "codegen.target", "core.network.default_schedule"
    before = brian2.prefs[key], brian2.prefs[schedule]

    def fail_within() -> None:
        with brian2_with({key: "numpy"}) as b2:
            assert b2 is brian2
            assert (brian2.prefs[key], brian2.prefs[schedule]) == ("numpy", SCHEDULE)
            raise RuntimeError("within")

    with pytest.raises(RuntimeError, match="within"):
        fail_within()
    assert (brian2.prefs[key], brian2.prefs[schedule]) == before


def test_compiled_arithmetic_rounds_as_numpys() -> None:
    assert "-ffp-contract=off" in compiler_flags()
    assert not [flag for flag in compiler_flags() if "fast" in flag or "unsafe" in flag]
