"""
The window of STDP
==================

What a pair of spikes does to a weight, by the time between them.
"""

import spikelearn as sl

sl.plot.stdp_window({"a_plus": 0.01, "a_minus": 0.012, "tau_plus_ms": 20, "tau_minus_ms": 20})
