"""
Membrane potentials
===================

A leaky integrate-and-fire neuron climbs to its threshold and is reset, as long as a current flows.
"""

import spikelearn as sl

activity = sl.simulate("lif_neuron", "step_current", duration_ms=200, record="neuron")
sl.plot.states(activity)
