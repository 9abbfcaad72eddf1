"""
A phase diagram
===============

Brunel's network at a tenth of its size, over the strength of inhibition and of the drive: a sweep
of twenty runs, and its rates as a map. The lesson on the map holds it against theory.
"""

import spikelearn as sl

network = sl.load_model("brunel2000").scaled(0.1)
result = sl.sweep(
    simulate={"model": network, "duration_ms": 200.0},
    vary={
        "projections[inhibitory->*].weight_mv": [-0.3, -0.45, -0.6, -0.8, -1.0],
        "background[*].rate_hz": [9_000.0, 12_000.0, 20_000.0, 40_000.0],
    },
    measures=["rate_hz"],
    start_ms=50.0,
)
result.plot("rate_hz")
