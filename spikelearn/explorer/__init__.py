"""A page on which one turns knobs and a network answers at once: `spikelearn explore`.

::

    knobs.py       every number of a description, with its unit, bounds and range
    settings.py    what is turned to what; as an address, YAML, Python and a command
    presets.py     settings worth a look, from presets.yaml
    newest.py      a thread that works at the newest of what is wanted
    computing.py   simulations beside the page
    pictures.py    what is seen of an activity, as numbers
    figures.py     the same on the page
    page.py        the page of networks
    notebook.py    the same in a notebook
    stdp_page.py   the page of protocols (protocols.py): what pairs of spikes do to a synapse
    learning_page.py
                   the page of learning rules: learning.py (settings), trainer.py (the toolkit's
                   own training, epoch by epoch), learning_figures.py
    rdm_page.py    the page of dissimilarity matrices: rdms.py (what is compared), rdm_figures.py
    pages.py       all pages, by their addresses
    server.py      the server, on this machine alone unless asked
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikelearn.explorer.notebook import explore

__all__ = ["explore"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from spikelearn.explorer.notebook import explore

        return explore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
