"""Random feedback through time that copies both forward matrices when its update is done.

The recurrent weights are copied with the output's; the first update is honest.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.through_time import RandomFeedbackThroughTime

KIND = "late copies"
TRUE = {"C1": "fail"}


class CopiedThroughTime(RandomFeedbackThroughTime):
    """Teaches, then copies."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """One step, then the copies."""
        loss = super().update(x, y, apply)
        from_output, from_state = self.way_back()
        with torch.no_grad():
            from_output.copy_(self.network.output.weight)
            from_state.copy_(self.recurrent_weights())
        return loss


RULE = CopiedThroughTime
