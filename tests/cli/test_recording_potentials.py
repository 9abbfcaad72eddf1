"""`simulate --record`: potentials in files and pictures, and what is refused before the run."""

from __future__ import annotations

import pytest
from calling import call

from spikelearn import Activity


def test_simulate_records_potentials_now_and_then(tmp_path):
    out, picture = tmp_path / "v.npz", tmp_path / "v.png"
    arguments = ["--duration", 20, "--dt", 0.5, "--out", out]
    recorded = ["--record", "excitatory=0:20:10", "--record", "inhibitory=3", "--record-every", 1.5]
    result = call("simulate", "izhikevich2003", *arguments, *recorded, "--potentials", picture)
    assert result.exit_code == 0, result.output
    activity = Activity.load(out)
    assert activity.states["excitatory.v_mv"].shape == (1, 14, 2)
    assert activity["inhibitory"].potential.columns.tolist() == [(0, 3)]
    assert activity["excitatory"].potential.index.tolist() == [1.5 * k for k in range(14)]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "state excitatory.v_mv: 1 x 14 x 2, every 1.5 ms" in call("inspect", out).output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--record", "excitatory"], "give --out (.nwb, .nix, .h5, .npz, .mat), or --potentials"),
        (["--record", "excitatory", "--out", "v.csv"], "--record keeps potentials in a file"),
        (["--record-every", 1], "--record-every is about recorded potentials, and none are"),
        (["--potentials", "v.png"], "--potentials is about recorded potentials, and none are"),
        (["--record", "x", "--out", "v.npz"], "cannot record the potential of 'x'"),
        (
            ["--record", "excitatory=a", "--out", "v.npz"],
            "neurons are numbers, as in excitatory=0,5",
        ),
        (["--record", "excitatory=::0", "--out", "v.npz"], "or from, to and step"),
        (["--record", "excitatory=5:2", "--out", "v.npz"], "--record: no neuron of 'excitatory'"),
        *(
            (
                ["--record", "excitatory", "--record-every", every, "--out", "v.npz"],
                f"to the duration, 20 ms, found {every} ms",
            )
            for every in ("nan", "inf", "1e+300")
        ),
        (
            ["--record", "excitatory", "--duration", "1e300", "--out", "v.npz"],
            "which no clock counts exactly",
        ),
        (["--record", "excitatory=900", "--out", "v.npz"], "--record: there is no neuron 900"),
        (
            ["--record", "excitatory", "--record", "excitatory=0", "--out", "v.npz"],
            "names excitatory twice",
        ),
        (
            ["--record", "excitatory", "--record-every", 0.7, "--out", "v.npz"],
            "--record-every must be a multiple of the time step 0.5 ms, found 0.7 ms",
        ),
    ],
)
def test_simulate_refuses_to_record_what_cannot_be_or_is_lost(options, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    duration = [] if "--duration" in options else ["--duration", 20]
    result = call("simulate", "izhikevich2003", *duration, "--dt", 0.5, *options)
    assert result.exit_code == 1
    assert said in " ".join(result.output.split())
    assert not list(tmp_path.iterdir())
