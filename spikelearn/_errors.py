"""Errors a user can act on.

Every message is one sentence: what was wrong, where, and what would be right. The command line
prints it without a traceback and exits with status 1; Python users catch `SpikelearnError`.
"""


class SpikelearnError(ValueError):
    """Input that cannot be used; the message says what would be right."""


class DataUnavailableError(SpikelearnError):
    """A data set is neither at hand nor downloadable; the message says where to put it."""


class UnsupportedFeatureError(SpikelearnError):
    """A backend cannot do what a network asks for; the message names those that can."""
