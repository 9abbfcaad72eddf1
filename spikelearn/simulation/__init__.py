"""The simulation adapter: one network description, one meaning, several backends.

    activity = simulate(network, stimulus, duration_ms=500, dt_ms=0.1, backend="brian2", seed=0)
    check_backend("brian2")              # does it do what this page says? Takes one of yours, too

Semantics
---------
Time is a grid t_k = k * dt, k = 0 ... n_steps - 1. The state at t_k is what holds just after
everything that happens at t_k; so are potentials recorded, at every t_k or at t_0, t_n, t_2n ...
Within step k, in this order:

1. **Integrate** from t_(k-1) to t_k. Leaky integrate-and-fire neurons exactly: with
   beta = exp(-dt / tau_m) and alpha = exp(-dt / tau_syn), v measured from v_rest and currents as
   R I in mV::

       v     <- beta * v + sum_s kappa_s * i_s + (1 - beta) * I[k]    (not while refractory)
       i_s   <- alpha_s * i_s
       theta <- exp(-dt / tau_threshold) * theta                      (adaptive threshold)

   where kappa_s = tau_s / (tau_s - tau_m) * (alpha_s - beta), or dt / tau_m * beta where the two
   time constants are equal, and I[k] is the current from outside (stimulus and noise) over that
   interval. An alpha synapse has a second state x_s, which spikes jump by e times the weight:
   i_s <- alpha_s (i_s + x_s dt / tau_s), x_s <- alpha_s x_s, and its exact share of v likewise.

   With any conductance g_s (in units of the leak, reversal potential E_s from rest) onto the
   population, all of its synapses enter by their exact averages over the step, and the membrane is
   exact for these::

       G = 1 + sum_s mean(g_s),   v_end = (sum_s mean(g_s) E_s + sum_s mean(i_s) + I[k]) / G
       v <- v_end + (v - v_end) * exp(-dt / tau_m * G)

   All other models (AdEx, Izhikevich, QIF, Hodgkin-Huxley ...; `spikelearn.networks.neurons`) take
   one step of the classic Runge-Kutta method of fourth order, with the synapses as they exactly
   are at its start, middle and end; or as many equal ones as make each at most as long as the
   model asks for (Hodgkin-Huxley neurons 0.025 ms) and as the shortest time constant at rest.

   Where such a step leaves the range within which the method holds, it is divided for that neuron:
   where, at one of its stages, the potential lies so far from rest that the step is longer than the
   time constant with which v or a gate falls back there (a model's `fall_rates`; Izhikevich neurons
   at 1 ms below -75 mV), or longer than the one that the conductances alone would make. It is made
   of 2, 4, 8 ... 1024 equal parts, until twice as many change nothing by more than 1e-4 of 1 plus
   its size, and none swings back by more than half of what it went; synapses and currents are
   within it the parabola through their start, middle and end. What 1024 parts do not follow is
   refused. The steps of Brian2 equations of one's own are never divided.
2. **Deliver** the spikes that arrive at t_k. Delta synapses add their weight to v (lost while the
   neuron is refractory), exponential synapses add it to i_s or g_s. A spike emitted at t_j with a
   delay of d steps arrives at t_(j+d); d is at least 1 from neurons and at least 0 from spike
   sources.
   Background spikes arrive without delay.
3. **Threshold**: a neuron spikes if it is not refractory and v > v_threshold + theta (v_peak for
   models that have one). Equality is not enough. A neuron without reset (Hodgkin-Huxley) spikes
   where v > v_threshold and was not above it when last looked at: at t_(k-1), and after each of the
   equal steps between. A spike is told at the end of its step, and v is reset there, wherever
   within the step it was.
4. **Reset**: v is set to v_reset, or lowered by the distance from v_rest to the effective
   threshold (`subtract`); theta, or the adaptation current, grows by its increment; the neuron is
   refractory at t_(k+1) ... t_(k+r-1) for a refractory period of r steps: its v is held
   (adaptation goes on), and it takes up again with the integration of step k + r.
   Models without reset keep their v.
5. **Propagate**: the spikes of t_k enter the delay lines.

How large a step a model bears is measured (`spikelearn.simulation.accuracy`, `python
benchmarks/neuron_accuracy.py`) and stands with the model; for cells with shorter time constants,
fast synapses or a short refractory period it is less (`trusted_step`), and where strong input makes
them fire fast (`strong_input`, an estimate from rates, weights and currents; where rates come out
of the run, after it); a run beyond it warns, once for each population, and names a step that would
do. The time constants of synapses may be shorter than a step: leaky membranes take them up exactly,
or by their exact averages where they are conductances, and Runge-Kutta steps at their start, middle
and end alone.

Plasticity (`spikelearn.rules.stdp`) acts within the same step. Traces decay with the integration
(1), where a dose of reward also lets weights grow by its exact integral from t_(k-1) to t_k. An
arrival delivers the weight as it is, and then changes it (2), before a spike of the target in the
same step does; a reward comes after the arrivals of its step. What depends on the potential reads
it between the deliveries and the threshold. The target's spike changes weights with the reset (4).
Weights are normalised at the beginning of a step, before anything else. They carry over from moment
to moment, so a plastic network has one trial. `snntorch` and `norse` have the rules that are made
of traces of spikes, and refuse those that read a potential or a reward; `nest` has none.

Each synapse has a weight of its own, also where several join a pair, or where a convolution shared
it at the start: `activity.weights` holds them, and `network.with_weights(activity.weights)` is the
network that goes on learning from there.

The state before the first step is v_init with no current, so an input at t_0 meets
beta * v_init. Random numbers (connectivity, weights, delays, initial potentials, input spikes,
background, noise) are drawn outside the backends from streams named after what they are for, so
that one seed gives the same input spikes and the same synapses everywhere; arithmetic is in 64-bit
floats unless asked otherwise. Within `pairs_kept()` connected pairs are kept from one simulation to
the next: with other weights, rates or neurons the spikes are those that they would be anyway, and
nothing is drawn again.

Input spikes are moved to the nearest grid point, from the middle between two to the later one, and
so are delays that are drawn from a distribution. Spikes that are given beyond the last step, as of
a longer recording, are left out with a warning; none may lie before 0. Durations, delays that are
given, for all synapses or for each, and refractory periods must be multiples of dt. What would
arrive after the end never does, and a delay that is longer than the run takes no more memory.

Several spikes of a source neuron in one step, whether they are given, drawn or recorded, count as
many: they arrive together, one right after the other. At a synapse that does not learn that is the
sum of their weights. A plastic one delivers the weight as the one before has left it, and changes
at each, with traces that each has raised; so n spikes in a step do what n spikes in n steps do
whose length goes to 0. As rewards they add up. (Neurons spike once a step at most.)
"""

from spikelearn.networks.drawn_pairs import pairs_kept
from spikelearn.simulation.checks import check_backend
from spikelearn.simulation.given import stimulus_for
from spikelearn.simulation.simulate import BACKENDS, simulate

__all__ = ["BACKENDS", "check_backend", "pairs_kept", "simulate", "stimulus_for"]
