"""What has spikes and no membrane."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from spikelearn._description import Description


class SpikeSource(Description):
    """Neurons whose spikes the stimulus gives."""

    model: Literal["spike_source"] = "spike_source"
    size: int = Field(ge=1)
