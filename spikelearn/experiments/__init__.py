"""Experiments: configuration, the training loop, the result store, and the demonstration."""
