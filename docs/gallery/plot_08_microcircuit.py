"""
The cortical microcircuit, small
================================

Potjans and Diesmann's column at a tenth of its neurons and synapses, whose mean input is kept:
eight populations, layer by layer.
"""

import spikelearn as sl

network = sl.load_model("potjans_diesmann2014").scaled(0.1)
activity = sl.simulate(network, duration_ms=300)
sl.plot.raster(activity)
