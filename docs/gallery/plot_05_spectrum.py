"""
The spectrum of a rate
======================

Which rhythms a population has: Welch's estimate of the power spectrum of its rate. Independent
Poisson neurons would lie on the dotted line.
"""

import matplotlib.pyplot as plt

import spikelearn as sl

activity = sl.simulate("izhikevich2003", duration_ms=3000)
hz, power = sl.spikes.rate_spectrum(activity, "excitatory", start_ms=200)
mean_hz = activity["excitatory"].rate(start_ms=200)

figure, axis = plt.subplots(layout="constrained")
axis.loglog(hz[1:], power[1:])
axis.axhline(2 * mean_hz / activity["excitatory"].size, color="black", linestyle=":")
axis.set(xlabel="frequency (Hz)", ylabel="power (Hz² / Hz)")
