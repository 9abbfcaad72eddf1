"""
A phase diagram
===============

Brunel's network with fewer neurons and stronger synapses, over the strength of inhibition and the
drive: a sweep of twenty runs, and its rates as a map. The lesson on it holds it against theory.
"""

import spikelearn as sl

network = sl.load_model("brunel2000").changed(
    {
        "populations.excitatory.size": 2000,
        "populations.inhibitory.size": 500,
        "projections[excitatory->*].connectivity.in_degree": 200,
        "projections[inhibitory->*].connectivity.in_degree": 50,
        "projections[excitatory->*].weight_mv": 0.3,
        "background[*].weight_mv": 0.3,
    }
)
result = sl.sweep(
    simulate={"model": network, "duration_ms": 200.0},
    vary={
        "projections[inhibitory->*].weight_mv": [-0.75, -1.05, -1.35, -1.8, -2.4],
        "background[*].rate_hz": [2_700.0, 4_000.0, 6_700.0, 13_300.0],
    },
    measures=["rate_hz"],
    start_ms=50.0,
)
rates_hz = result.to_xarray()["rate_hz"].sel(population="excitatory").mean("seed")
axis = rates_hz.plot(
    x="projections[inhibitory->*].weight_mv", yscale="log", cbar_kwargs={"label": "rate (Hz)"}
).axes
axis.set(xlabel="inhibitory weight (mV)", ylabel="drive of a neuron (Hz)", title="")
