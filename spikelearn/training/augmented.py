"""Training images flipped and shifted anew in each epoch.

What becomes of an image is drawn from the run's seed, the epoch and the image's place in the
training data, before the order of the batches: it is the same for every rule, size of batch and
number of processes. Images that a network is validated or tested on stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import pad

from spikelearn._seeding import torch_generator

if TYPE_CHECKING:
    from spikelearn.training.config import TrainConfig


class Augmented:
    """The images of an epoch.

    Parameters
    ----------
    images : tensor of shape (n, channels * height * width)
    config : TrainConfig
        Of a run with `augment`.
    epoch : int
    """

    def __init__(self, images: torch.Tensor, config: TrainConfig, epoch: int) -> None:
        assert config.augment is not None  # noqa: S101 - for the type checker
        self.images, self.black = images, config.input_range[0]
        self.shape: tuple[int, int, int] = config.description().image_shape  # type: ignore[assignment,union-attr]
        self.shift = config.augment.shift
        generator = torch_generator(config.seed, "augmentation", epoch)
        n = len(images)
        flipped = torch.rand(n, generator=generator) < (0.5 if config.augment.flip else 0.0)
        moved = torch.randint(-self.shift, self.shift + 1, (n, 2), generator=generator)
        self.flipped, self.moved = flipped.to(images.device), moved.to(images.device)

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """Images at these places of the data, of shape (batch, channels * height * width)."""
        x = self.images[batch].view(-1, *self.shape)
        x = torch.where(self.flipped[batch].view(-1, 1, 1, 1), x.flip(-1), x)
        if self.shift:
            s, (_, height, width) = self.shift, self.shape
            moved = self.moved[batch] + s
            rows = moved[:, :1] + torch.arange(height, device=x.device)
            columns = moved[:, 1:] + torch.arange(width, device=x.device)
            samples = torch.arange(len(x), device=x.device).view(-1, 1, 1)
            wide = pad(x, (s, s, s, s), value=self.black).permute(0, 2, 3, 1)
            x = wide[samples, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)
        return x.flatten(1)
