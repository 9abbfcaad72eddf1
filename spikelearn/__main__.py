"""The `spikelearn` command, also as `python -m spikelearn`.

To import what it needs takes a moment, in which there is nothing to keep: signals that ask for the
end are seen to first, and end it in one sentence, wherever in the libraries they come.
"""

import sys

from spikelearn._error_stream import Heedless
from spikelearn._interrupts import ending_at_once


def main() -> None:
    """Entry point of the `spikelearn` command."""
    sys.stderr = Heedless(sys.stderr)  # to the end of the process, which flushes it
    with ending_at_once():
        from spikelearn.cli import main as command

        command()


if __name__ == "__main__":
    main()
