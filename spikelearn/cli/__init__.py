"""The command line: thin commands over the rooms of the corridor.

demo.py         shows everything once
simulation.py   simulate, convert
exploring.py    explore
spike_files.py  stats, export
inspecting.py   inspect
responding.py   respond
learning.py     train, check
audit.py        audit
comparing.py    compare
study.py        study run|new|list|show|copy
sweep.py        sweep run|simulate|train|list
cluster.py      cluster script
runs.py         runs list|show|compare|prune
recordings.py   recordings list|show
listing.py      download, and what there is: rules, models, stimuli ... list|show|copy
lessons.py      lessons list|copy
"""

# Each enters its commands; `spikelearn --help` shows them in this order.
from spikelearn.cli import demo  # isort: split

from spikelearn.cli import simulation  # isort: split

from spikelearn.cli import exploring  # isort: split

from spikelearn.cli import spike_files  # isort: split

from spikelearn.cli import responding  # isort: split

from spikelearn.cli import learning  # isort: split

from spikelearn.cli import audit  # isort: split

from spikelearn.cli import comparing  # isort: split

from spikelearn.cli import study  # isort: split

from spikelearn.cli import sweep  # isort: split

from spikelearn.cli import cluster  # isort: split

from spikelearn.cli import runs  # isort: split

from spikelearn.cli import recordings  # isort: split

from spikelearn.cli import inspecting  # isort: split

from spikelearn.cli import listing  # isort: split

from spikelearn.cli import lessons  # isort: split

from spikelearn.cli._app import app
from spikelearn.cli._launched import one_of_the_ranks

__all__ = [
    "app",
    "audit",
    "cluster",
    "comparing",
    "demo",
    "exploring",
    "inspecting",
    "learning",
    "lessons",
    "listing",
    "main",
    "recordings",
    "responding",
    "runs",
    "simulation",
    "spike_files",
    "study",
    "sweep",
]


def main() -> None:
    """Entry point of the `spikelearn` command."""
    with one_of_the_ranks():
        app()
