"""The `spikelearn` command, also as `python -m spikelearn`.

To import what it needs takes a moment, in which there is nothing to keep: signals that ask for the
end are seen to first, and end it in one sentence, wherever in the libraries they come.
"""

import gc
import sys

from spikelearn._error_stream import Heedless
from spikelearn._interrupts import ending_at_once


def main() -> None:
    """Entry point of the `spikelearn` command."""
    sys.stderr = Heedless(sys.stderr)  # to the end of the process, which flushes it
    with ending_at_once():
        from spikelearn.cli import main as command

        try:
            command()
        finally:
            # Python would look through all objects twice before it ends, for a second or two where
            # PyTorch is among them, to free memory that the system then takes as a whole.
            gc.freeze()


if __name__ == "__main__":
    main()
