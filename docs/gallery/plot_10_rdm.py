"""
A dissimilarity matrix
======================

How differently each pair of images is answered, here by pixels of the digits of scikit-learn, six
of each class.
"""

import numpy as np
from sklearn.datasets import load_digits

import spikelearn as sl

digits = load_digits()
chosen = np.concatenate([np.flatnonzero(digits.target == k)[:6] for k in range(10)])
distances = 1 - np.corrcoef(digits.data[chosen])
sl.plot.rdm(distances, groups=[(6 * k, 6 * k + 6, str(k)) for k in range(10)], title="pixels")
