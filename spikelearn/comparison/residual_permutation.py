"""Permutation of what controls leave of a model: its partial scores where nothing else is shared.

To relabel the stimuli of the model itself would break what it shares with the controls, too, which
the null hypothesis does not deny, and such tests find too much where controls are related to both
(Guillot & Rousset 2013, doi:10.1111/2041-210X.12018). So the model is parted into what the controls
explain, which stays, and the rest, whose stimuli are relabelled (Freedman & Lane 1983,
doi:10.2307/1391660; for matrices of pairs Dekker, Krackhardt & Snijders 2007,
doi:10.1007/s11336-007-9016-1).

What explains dissimilarities in two sides alike is no straight line as a rule: ranks, for one, bend
at both ends. A partial correlation takes out the line only, and what is left of both bends in the
same way, so it is not zero where model and recording share nothing but the controls. Hence what
stays is the line and a curve, a polynomial of what controls say of the model on the scale of normal
scores (ranks of sums are curves of the sum there): each relabelled model bends as the model does,
and what comes of that is in all scores and no evidence. In simulations where controls are related
to both the test errs in 4 to 6.5 %, and where two controls explain most of both in up to 9 %, where
relabelling the model itself errs in up to 100 %.
"""

from __future__ import annotations

import numpy as np

from spikelearn._seeding import generator
from spikelearn.comparison.partial_rsa import LEAST_LEFT, left_by

_DEGREES = (1, 2, 3, 4, 5)
_AT_ONCE = 64


def residual_permutation_scores(
    model: np.ndarray, design: np.ndarray, data: np.ndarray, n_permutations: int, seed: int
) -> np.ndarray:
    """Partial scores of a model of which the part that controls do not explain is relabelled.

    Parameters
    ----------
    model : array of shape (n_pairs,)
        Upper triangle; ranks for rank correlations.
    design : array of shape (n_pairs, 1 + n_controls)
        Of `control_design`.
    data : array of shape (n_data, n_pairs)
        As the model.
    n_permutations : int
    seed : int
        Of the orders of stimuli: the same for every model of as many stimuli.

    Returns
    -------
    array of shape (n_data, n_permutations)
    """
    from scipy.spatial.distance import squareform

    kept, rest = parted(model, design)
    matrix = squareform(rest, checks=False)
    first, second = np.triu_indices(len(matrix), k=1)
    theirs = left_by(design, data)
    theirs = _unit(theirs - theirs.mean(axis=1, keepdims=True))
    # The same as regressing each anew: what the controls span is taken out of the data.
    basis = _basis(design)
    random = generator(seed, "permutation of stimuli")
    scores = np.empty((len(data), n_permutations))
    for start in range(0, n_permutations, _AT_ONCE):
        n = min(_AT_ONCE, n_permutations - start)
        orders = np.stack([random.permutation(len(matrix)) for _ in range(n)])
        relabelled = kept + matrix[orders[:, first], orders[:, second]]
        left = relabelled - (relabelled @ basis) @ basis.T
        scores[:, start : start + n] = theirs @ _unit(left).T
    return scores


def parted(model: np.ndarray, design: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What controls explain of a model, on a line or a curve, and the rest; each (n_pairs,).

    Parameters
    ----------
    model : array of shape (n_pairs,)
    design : array of shape (n_pairs, 1 + n_controls)
    """
    scores = _normal_scores(np.vstack([model, *design.T[1:]]))
    flat = np.column_stack([np.ones(len(model)), *scores[1:]])
    line = scores[0] - left_by(flat, scores[:1])[0]
    spread = line.std()
    curved = design
    if spread > 1e-9:
        scaled = (line - line.mean()) / spread
        curved = np.column_stack([design, *(scaled**degree for degree in _DEGREES)])
    rest = left_by(curved, model[None])[0]
    return model - rest, rest


def nothing_to_relabel(model: np.ndarray, design: np.ndarray) -> bool:
    """Whether what controls do not explain is rounding error, as of few stimuli it is.

    Parameters
    ----------
    model : array of shape (n_pairs,)
    design : array of shape (n_pairs, 1 + n_controls)
    """
    rest = parted(model, design)[1]
    return bool((rest**2).sum() <= LEAST_LEFT * ((model - model.mean()) ** 2).sum())


def _normal_scores(vectors: np.ndarray) -> np.ndarray:
    """The quantiles of a normal distribution that values of each row would be by their ranks."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    scores: np.ndarray = ndtri((rankdata(vectors, axis=1) - 0.5) / vectors.shape[1])
    return scores


def _basis(design: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span those of the design, which may repeat each other."""
    left, sizes, _ = np.linalg.svd(design, full_matrices=False)
    basis: np.ndarray = left[:, sizes > 1e-10 * sizes[0]]
    return basis


def _unit(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: np.ndarray = np.divide(vectors, norms, out=np.zeros(vectors.shape), where=norms > 0)
    return result
