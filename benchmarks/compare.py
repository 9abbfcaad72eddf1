"""What does a comparison with a recorded brain cost?

    python benchmarks/compare.py

Three measurements, each in a process of its own: ten networks against kriegeskorte92 by RSA with
1,000 resamples of the stimuli, after their activities are computed (should be under 60 s on two
cores); the RDM of 1,000 stimuli and 10,000 units (under 2 s), beside SciPy's pdist; and the memory
of that RDM beyond the responses, by the number of units that are in double precision at a time
(`CHUNK_UNITS`). The table is kept in benchmarks/results/compare.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from whole_runs import results_folder

from spikelearn._files import write_text
from spikelearn._provenance import as_lines, provenance

LAYERS = (("hidden1", 256), ("hidden2", 128), ("output", 10))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap", type=int, default=1000)
    options = parser.parse_args()
    folder = results_folder(parser, options)
    seconds = alone(ten_networks, options.bootstrap)
    rows = [
        ("ten networks and their untrained twins, three layers each, RSA with"
         f" {options.bootstrap:,} resamples", f"{seconds:.1f} s", "60 s"),
    ]  # fmt: skip
    ours, scipys = alone(one_rdm)
    rows.append(("RDM of 1,000 stimuli, 10,000 units (correlation)", f"{ours:.2f} s", "2 s"))
    rows.append(("the same by scipy.spatial.distance.pdist", f"{scipys:.2f} s", ""))
    for chunk in (512, 2048, 10_000):
        megabytes = alone(peak_memory, chunk)
        text = f"memory of that RDM beyond the responses, chunks of {chunk:,} units"
        rows.append((text, f"{megabytes:.0f} MB", ""))
    lines = ["# What a comparison costs", "", "| | measured | goal |", "|---|---|---|"]
    lines += [f"| {what} | {found} | {goal} |" for what, found, goal in rows]
    lines += ["", *as_lines(provenance())]
    path = folder / "compare.md"
    write_text(path, "\n".join(lines) + "\n")
    print(path.read_text())


def alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """The function's result, from a process of its own: clean memory, clean caches."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def ten_networks(n_bootstrap: int) -> float:
    """Seconds for the table of ten networks and their twins, responses given."""
    import xarray

    from spikelearn.studies.comparing import Entry, image_recording, similarity

    recording = image_recording("kriegeskorte92")
    random = np.random.default_rng(0)
    entries = []
    for seed in range(10):
        for model in ("trained", "untrained"):
            responses = {
                layer: xarray.DataArray(
                    random.normal(size=(recording.n_stimuli, units)),
                    dims=("stimulus", "unit"),
                    coords={"stimulus": list(recording.labels)},
                )
                for layer, units in LAYERS
            }
            entries.append(Entry(model, "mlp", seed, responses))
    similarity(entries[:1], recording, 2)  # imports
    start = time.perf_counter()
    similarity(entries, recording, n_bootstrap)
    return time.perf_counter() - start


def one_rdm() -> tuple[float, float]:
    """Seconds for the RDM, by us and by SciPy."""
    from scipy.spatial.distance import pdist

    from spikelearn.comparison.rdms import correlation_distances

    values = np.random.default_rng(0).normal(size=(1000, 10_000)).astype(np.float32)
    found = []
    for function in (correlation_distances, lambda v: pdist(v, "correlation")):
        start = time.perf_counter()
        function(values)
        found.append(time.perf_counter() - start)
    return found[0], found[1]


def peak_memory(chunk_units: int) -> float:
    """Megabytes that NumPy allocates at most while the RDM is computed."""
    import tracemalloc

    from spikelearn.comparison.rdms import correlation_distances

    values = np.random.default_rng(0).normal(size=(1000, 10_000)).astype(np.float32)
    tracemalloc.start()
    correlation_distances(values, chunk_units)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


if __name__ == "__main__":
    main()
