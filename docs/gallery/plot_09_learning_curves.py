"""
Learning curves
===============

One network trained from the same weights by two rules: exact gradients, and errors sent back by
fixed random weights. Images are the digits of scikit-learn.
"""

import tempfile

import spikelearn as sl

with tempfile.TemporaryDirectory() as folder:
    runs = [
        sl.train("mlp_64", rule=rule, dataset="digits", epochs=15, seed=seed, runs=folder)
        for rule in ("backprop", "feedback_alignment")
        for seed in (0, 1)
    ]
sl.plot.learning_curve(runs)
