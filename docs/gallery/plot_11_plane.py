"""
Stimuli as points in a plane
============================

The same images as points, as far apart as they are answered differently (multidimensional scaling).
The stress says how much the plane cannot hold.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from spikelearn.comparison.multidimensional_scaling import multidimensional_scaling

digits = load_digits()
chosen = np.concatenate([np.flatnonzero(digits.target == k)[:6] for k in range(10)])
found = multidimensional_scaling(1 - np.corrcoef(digits.data[chosen]))

figure, axis = plt.subplots(layout="constrained")
for (x, y), name in zip(found.points, digits.target[chosen], strict=True):
    axis.text(x, y, str(name), color=f"C{name}", ha="center", va="center")
axis.update_datalim(found.points)
axis.autoscale_view()
axis.set(xticks=[], yticks=[], title=f"stress {found.stress:.2f}", aspect="equal")
