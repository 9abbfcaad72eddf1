"""`explore` in a notebook; importing it needs no Panel, calling it does."""

from __future__ import annotations

from typing import Any


def explore(model: Any = "brunel2000", stimulus: str | None = None) -> Any:
    """Turn the knobs of a network inside a notebook; on a page of its own: `spikelearn explore`.

    Parameters
    ----------
    model : SpikingNetwork, str, Path or mapping
        As `simulate` takes it.
    stimulus : str, optional
        The name of what it is shown, or a file.

    Returns
    -------
    panel.Column
        Shown where a notebook's cell ends with it.

    Raises
    ------
    SpikelearnError
        Where there is no such network or stimulus, or Panel is not installed.

    Examples
    --------
    >>> import spikelearn as sl
    >>> page = sl.explore("lif_neuron", "step_current")
    >>> type(page).__name__
    'Column'
    """
    from spikelearn.explorer.server import require_panel

    require_panel()
    from spikelearn.explorer.page import in_notebook

    return in_notebook(model, stimulus)
