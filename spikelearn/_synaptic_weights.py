"""Weights synapse by synapse: what a simulation gives of synapses that are no full matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError

# What would change the matrix is not among them: it is made anew each time, and what was changed
# would be lost.
_OF_MATRIX = frozenset(
    {"T", "all", "any", "argmax", "argmin", "astype", "copy", "cumsum", "diagonal", "dot",
     "flatten", "max", "mean", "min", "nonzero", "ravel", "reshape", "round", "size", "std", "sum",
     "tolist", "transpose", "var"}
)  # fmt: skip


class SynapticWeights(NDArrayOperatorsMixin):
    """Weights of the synapses between two populations, one by one.

    In arithmetic, comparisons, indexing and all that reads it as an array, it is the matrix of
    shape (source size, target size): the sums over the synapses of each pair, 0 where there is
    none. So are `mean`, `sum`, `T` and what else tells of an array and changes nothing. The matrix
    is made when it is asked for; `values` are the weights of the synapses that there are, and
    `network.with_weights` takes the synapses as they are.

    Parameters
    ----------
    pre, post : int arrays of shape (n_synapses,)
        Source and target neuron of each synapse; a pair that stands there twice has two.
    values : array of shape (n_synapses,)
        Their weights.
    shape : tuple of two ints
        Sizes of the source and of the target population.

    Raises
    ------
    SpikelearnError
        If the arrays differ in length, or name neurons that there are not.

    Examples
    --------
    >>> import numpy as np
    >>> from spikelearn.spikes import SynapticWeights
    >>> weights = SynapticWeights([0, 0, 1], [1, 1, 0], [0.5, 0.25, 1.0], (2, 2))
    >>> weights.values.tolist()
    [0.5, 0.25, 1.0]
    >>> np.asarray(weights).tolist()
    [[0.0, 0.75], [1.0, 0.0]]
    >>> float(weights.mean()), float(weights.values.mean())
    (0.4375, 0.5833333333333334)
    """

    def __init__(self, pre: Any, post: Any, values: Any, shape: tuple[int, int]) -> None:
        self.pre, self.post = (np.asarray(end, dtype=np.int32) for end in (pre, post))
        self.values = np.asarray(values, dtype=np.float64)
        self.shape = (int(shape[0]), int(shape[1]))
        if not self.pre.shape == self.post.shape == self.values.shape == (self.values.size,):
            raise SpikelearnError(
                "pre, post and values must be lists of one length, found shapes"
                f" {self.pre.shape}, {self.post.shape} and {self.values.shape}"
            )
        ends = (("pre", self.pre, self.shape[0]), ("post", self.post, self.shape[1]))
        for end, neurons, size in ends:
            if neurons.size and not 0 <= neurons.min() <= neurons.max() < size:
                raise SpikelearnError(
                    f"{end} must lie in 0 to {size - 1}, found {neurons.min()} to {neurons.max()}"
                )

    @property
    def ndim(self) -> int:
        """Dimensions of the matrix."""
        return 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the weights."""
        return self.values.dtype

    @property
    def n_synapses(self) -> int:
        """How many synapses there are."""
        return self.values.size

    def matrix(self) -> np.ndarray:
        """Weights as an array of the shape, summed over the synapses of each pair."""
        places = self.pre.astype(np.int64) * self.shape[1] + self.post
        sums = np.bincount(places, self.values, minlength=self.shape[0] * self.shape[1])
        return sums.reshape(self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("the matrix of weights by synapse is made anew; it is always a copy")
        return self.matrix().astype(self.dtype if dtype is None else dtype, copy=False)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [np.asarray(i) if isinstance(i, SynapticWeights) else i for i in inputs]
        return getattr(ufunc, method)(*plain, **options)

    def __getitem__(self, key: Any) -> Any:
        return self.matrix()[key]

    def __getattr__(self, name: str) -> Any:
        if name not in _OF_MATRIX:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        return getattr(self.matrix(), name)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        n_source, n_target = self.shape
        return (
            f"<weights of {counted(self.n_synapses, 'synapse')} from {n_source} to"
            f" {counted(n_target, 'neuron')}>"
        )
