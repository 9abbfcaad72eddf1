"""
Similarity beside its noise ceiling
===================================

A network's layers and the baselines of the images, compared with a brain: means with intervals, a
dot for each subject, and the ceiling that no model is expected to pass. The brain is made up: four
subjects who see the images through random features, each with noise of its own.
"""

import numpy as np
from scipy.spatial.distance import pdist
from sklearn.datasets import load_digits

import spikelearn as sl

random = np.random.default_rng(0)
images = load_digits().images[:40].astype(np.uint8) * 15
seen = np.maximum(images.reshape(40, -1) @ random.normal(size=(64, 100)), 0) / 400
rdms = tuple(
    sl.recordings.RecordedRDM(
        f"S{k}", "made up", "", pdist(seen + random.normal(size=seen.shape), "correlation"), "1 - r"
    )
    for k in range(4)
)
numbers = np.arange(40, dtype=np.uint8)
labels = tuple(f"image {k}" for k in numbers)
stimuli = sl.stimuli.ImageDataset(
    "digits", images[:0], numbers[:0], images, numbers, labels, "scikit-learn"
)
brain = sl.recordings.ImageRecording("made up", "nobody", "none", stimuli, rdms, {}, {})
table = sl.compare("mlp_64", brain, n_bootstrap=200)
sl.plot.similarity(table)
