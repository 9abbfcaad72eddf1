"""Training beside the page, by the toolkit's own loop: played, paused, and made epoch by epoch.

The loop tells after each epoch how far it is, and there it waits while nobody plays. What is
measured is measured on copies, so that the run is that of the same recipe anywhere else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.explorer.computing import told
from spikelearn.explorer.learning import DATA, LearningSetting
from spikelearn.explorer.newest import Newest, Superseded, Turn
from spikelearn.explorer.while_used import WhileUsed

if TYPE_CHECKING:
    from spikelearn.rules.rule import Rule
    from spikelearn.training.images import Split

FRAME_S = 0.08  # of an epoch at least, that one sees it
SIDE = 48  # points of a plane along each axis


@dataclass(frozen=True)
class Frame:
    """What is seen of a run after an epoch; 0 is before training.

    Attributes
    ----------
    setting : LearningSetting
    epoch : int
    accuracy : float
        On the validation examples.
    angles_deg : dict of str to float
        Between the rule's update and backpropagation's gradient, by layer, in degrees; NaN where
        the rule leaves a layer alone.
    fields : array of shape (units, inputs)
        Weights of the first layer.
    plane : array of shape (SIDE, SIDE), optional
        Of points of a plane: how likely the second class is, by the network; row by row from below.
    points : (array, array), optional
        Places of training examples in the plane, as inputs of the network, and their classes.
    test_accuracy : float, optional
        At the end; the weights are then those of the chosen epoch.
    weights : dict of str to array
        At the end: all that was trained, by name.
    notes : tuple of str
        What was warned of.
    error : str
        Why there is nothing further.
    """

    setting: LearningSetting
    epoch: int = 0
    accuracy: float = math.nan
    angles_deg: dict[str, float] = field(default_factory=dict)
    fields: np.ndarray | None = None
    plane: np.ndarray | None = None
    points: tuple[np.ndarray, np.ndarray] | None = None
    test_accuracy: float | None = None
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    error: str = ""


class Trainer:
    """Trains by the newest setting it was given.

    Parameters
    ----------
    deliver : callable
        Takes each frame, on another thread.
    """

    def __init__(self, deliver: Callable[[Frame], None]) -> None:
        self._deliver = deliver
        self._playing, self._steps = False, 0
        self._newest: Newest[LearningSetting] = Newest(self._train)

    def want(self, setting: LearningSetting) -> None:
        """Begin this run, and end what was trained before."""
        self._newest.wake(self._no_steps)
        self._newest.want(setting)

    def play(self, playing: bool = True) -> None:
        """Go on epoch after epoch, or hold after the one that is being made."""

        def change() -> None:
            self._playing = playing

        self._newest.wake(change)

    def step(self) -> None:
        """Make one more epoch."""

        def change() -> None:
            self._steps += 1

        self._newest.wake(change)

    def close(self) -> None:
        """End what is trained."""
        self._newest.close()

    def _no_steps(self) -> None:
        self._steps = 0

    def _may_go_on(self) -> bool:
        if self._playing:
            return True
        if self._steps:
            self._steps -= 1
            return True
        return False

    def _train(self, setting: LearningSetting, turn: Turn) -> None:
        def give(frame: Frame) -> None:
            turn.check()
            self._deliver(frame)

        try:
            with one_thread(), told() as notes:
                self._run(setting, turn, give, notes)
        except Superseded:
            raise
        except SpikelearnError as error:
            give(Frame(setting, error=str(error)))
        except Exception as error:  # the page lives on, and says what happened
            give(Frame(setting, error=f"this cannot be trained ({type(error).__name__}: {error})"))

    def _run(
        self,
        setting: LearningSetting,
        turn: Turn,
        give: Callable[[Frame], None],
        notes: list[str],
    ) -> None:
        from spikelearn.training.examples import examples
        from spikelearn.training.learning_curve import COSINE, alignment
        from spikelearn.training.loop import train
        from spikelearn.training.measures import layer_weights

        config = setting.config()
        (training, validation, _), _ = examples(config, config.complete())
        seen: list[Frame] = []

        def frame(epoch: int, rule: Rule, accuracy: float, **more: Any) -> Frame:
            cosines = alignment(rule, validation)
            angles = {
                name.removeprefix(COSINE): math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
                if math.isfinite(cosine) else math.nan
                for name, cosine in cosines.items()
            }  # fmt: skip
            return Frame(
                setting, epoch, accuracy, angles, layer_weights(rule.network)[0].numpy().copy(),
                *_plane(setting, rule, training), notes=tuple(notes), **more,
            )  # fmt: skip

        def after_epoch(epoch: int, rule: Rule, accuracy: float) -> None:
            seen.append(frame(epoch, rule, accuracy))
            give(seen[-1])
            turn.pause(FRAME_S if epoch else 0.0)
            if epoch < config.epochs:
                turn.wait(self._may_go_on)

        run = train(config, None, lambda fraction, words: turn.check(), after_epoch)
        from spikelearn.training.checked_runs import weights_of

        weights = {name: value.numpy().copy() for name, value in weights_of(run.rule).items()}
        give(
            frame(
                int(run.summary["best_epoch"]), run.rule, run.summary["validation_accuracy"],
                test_accuracy=float(run.summary["test_accuracy"]), weights=weights,
            )
        )  # fmt: skip


def _plane(
    setting: LearningSetting, rule: Rule, training: Split
) -> tuple[np.ndarray | None, tuple[np.ndarray, np.ndarray] | None]:
    """What a network says of the points of a plane, and the training examples in it."""
    import torch

    from spikelearn.training.measures import predict

    data = DATA[setting.dataset]
    if not data.in_plane:
        return None, None
    axis = torch.linspace(*data.input_range, SIDE)
    up, right = torch.meshgrid(axis, axis, indexing="ij")
    scores = predict(rule, torch.stack([right.ravel(), up.ravel()], dim=1))
    likely = scores.softmax(1)[:, 1].reshape(SIDE, SIDE).numpy()
    return likely.astype(np.float32), (training.x.numpy(), training.y.numpy())


def _on_one_thread() -> AbstractContextManager[None]:
    from spikelearn.training.on_threads import on_threads

    return on_threads(1)


# While any page trains, torch computes on one thread, as training does: runs side by side would
# otherwise set each other's number of threads.
one_thread = WhileUsed(_on_one_thread)
