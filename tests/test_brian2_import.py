"""Brian2 takes over uncaught exceptions and warnings where it is imported; here it does not."""

from __future__ import annotations

import subprocess
import sys

RUN = """
import warnings
import spikelearn as sl
net = sl.SpikingNetwork(name="q", populations={"n": {"model": "lif", "size": 1,
                                                     "v_threshold_mv": 1.0}})
sl.simulate(net, duration_ms=2, dt_ms=1, backend="brian2:numpy")
"""


def told(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    return done.stderr


def test_after_a_run_on_brian2_errors_and_warnings_are_pythons() -> None:
    err = told(RUN + "warnings.warn('look here')\nsl.load_model('nosuch')\n")
    assert "Brian 2" not in err
    assert "<string>:7: UserWarning: look here" in err
    assert err.splitlines()[-1].startswith("spikelearn._errors.SpikelearnError: ")


def test_where_a_user_imports_brian2_our_errors_are_ours_and_others_are_as_before() -> None:
    ours = told("import brian2\n" + RUN + "sl.load_model('nosuch')\n")
    assert "Brian 2" not in ours
    assert ours.splitlines()[-1].startswith("spikelearn._errors.SpikelearnError: ")
    assert "Brian 2 encountered" in told("import brian2\n" + RUN + "raise KeyError('theirs')\n")
