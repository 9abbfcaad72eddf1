"""The table of `compare`: a DataFrame whose `.plot()` draws the similarities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.plotting import PlotAccessor

if TYPE_CHECKING:
    from collections.abc import Callable


class _Plot(PlotAccessor):
    """`table.plot()` draws similarities; with arguments of pandas it is what that has."""

    def __call__(self, *given: Any, **settings: Any) -> Any:
        """Draw; see `spikelearn.plot.similarity`, and `DataFrame.plot` with x, y or kind."""
        if given or set(settings) - {"ax", "region"}:
            return super().__call__(*given, **settings)
        from spikelearn.plot import similarity

        return similarity(self._parent, **settings)  # type: ignore[attr-defined]


class SimilarityTable(pd.DataFrame):
    """A table of `compare`; see there for its columns. `plot()` draws it."""

    @property
    def plot(self) -> _Plot:
        """What draws the table."""
        return _Plot(self)

    @property
    def _constructor(self) -> Callable[..., SimilarityTable]:
        return SimilarityTable
