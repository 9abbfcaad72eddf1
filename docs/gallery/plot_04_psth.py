"""
A peristimulus time histogram
=============================

The rate of each population over time, counted in bins of 5 ms: how the rhythm comes and goes.
"""

import spikelearn as sl

activity = sl.simulate("izhikevich2003", duration_ms=1000)
sl.plot.psth(activity, bin_ms=5)
