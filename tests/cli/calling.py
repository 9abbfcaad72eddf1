"""Calls a command as a user does."""

from __future__ import annotations

from typing import Any

from typer.testing import CliRunner

from spikelearn.cli import app


def call(*arguments: object) -> Any:
    """What the command with these arguments prints, and how it ends."""
    return CliRunner().invoke(app, [str(a) for a in arguments])
