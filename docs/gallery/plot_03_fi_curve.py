"""
An f-I curve
============

How often a neuron fires for each current: nothing below the rheobase, then ever faster up to the
limit that the refractory period sets.
"""

import spikelearn as sl

activity = sl.simulate("lif_neuron", "fi_curve")
sl.plot.rate_curve(activity)
