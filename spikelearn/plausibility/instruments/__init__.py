"""The two instruments of the audit, and what they are built on.

`provenance` says what an update may depend on, by tags that pass through every operation of it;
`intervention` says what it does depend on, by making it again with one thing changed. The first
cannot miss a dependence and may report one that cancels; the second sees only what its probes move.

Both make the same update of a rule over and over (`repeated_update`) under a mode of torch that
sees every operation (`observer`). Networks that are simulated from event to event need a hand
(`event_networks`). Of a plasticity that acts in a simulation, provenance is read off its equations
(`equation_variables`).
"""
