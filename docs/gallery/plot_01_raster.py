"""
A raster
========

Spikes of Izhikevich's network of a thousand neurons, 800 of them excitatory: its rhythm is seen as
columns.
"""

import spikelearn as sl

activity = sl.simulate("izhikevich2003", duration_ms=500)
sl.plot.raster(activity)
