"""What training takes of memory, before anything is built or read: weights, examples, batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn._counts import counted
from spikelearn._room import Part, bounded, in_number, require_memory
from spikelearn.networks.model_sizes import model_size
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.memory import check_size
from spikelearn.stimuli.datasets import EVENT_DATASETS
from spikelearn.training.config import STDPConfig
from spikelearn.training.measures import EVALUATION_BATCH

if TYPE_CHECKING:
    from spikelearn.training.config import TrainConfig

# Bytes of a weight: itself, its gradient, what the optimiser and the rule keep of it, the best
# epoch's, and copies while a checkpoint is written. Measured with Adam and feedback alignment.
_WEIGHT = 40
# Of a unit in each step of each example of a batch: its activity, its derivative and its error; and
# of the examples that are evaluated together, its activity and what it is made of.
_UNIT, _EVALUATED_UNIT = 24, 8
_INPUT = 8  # of a value of an example: as it is, and as the network takes it
_COUNT = 2  # of the number of spikes of an input in a step, likewise
_PROCESS = 250e6  # of a further process: Python with what training imports


def needed_parts(
    config: TrainConfig | STDPConfig, n_examples: int = 0, ranks: int = 1
) -> list[Part]:
    """What training by the loop needs, by part; nothing of STDP, which is simulated.

    Parameters
    ----------
    config : TrainConfig or STDPConfig
    n_examples : int
        Of training, validation and test together, where that is known.
    ranks : int
        Processes that share the training: each has all weights, and the examples in common.
    """
    description = config.description()
    if isinstance(config, STDPConfig) or isinstance(description, SpikingNetwork):
        return []
    size = model_size(description)
    of_unit = max(_UNIT * bounded(config.batch_size), _EVALUATED_UNIT * EVALUATION_BATCH)
    examples = bounded(n_examples) * bounded(description.n_inputs)
    events = config.dataset in EVENT_DATASETS
    others = [Part(f"{ranks - 1} further processes", (ranks - 1) * _PROCESS,
                   "use fewer ranks")] if ranks > 1 else []  # fmt: skip
    return [
        Part(counted(size.n_weights, 'weight'), _WEIGHT * size.n_weights * ranks,
             "make the layers of the model smaller"),
        Part(f"the activity of {counted(size.n_units, 'unit')} in batches of"
             f" {in_number(config.batch_size)} examples and {counted(size.n_steps, 'step')}",
             of_unit * size.n_units * size.n_steps,
             "use a smaller batch_size, or fewer steps"),
        Part(f"{in_number(n_examples)} examples",
             examples * (_COUNT * size.n_steps if events else _INPUT),
             "use fewer training examples (n_train, --images)"),
        *others,
    ]  # fmt: skip


def check_memory(config: TrainConfig | STDPConfig, n_examples: int = 0, ranks: int = 1) -> None:
    """Refuse a training that the free memory does not hold.

    Parameters
    ----------
    config : TrainConfig or STDPConfig
    n_examples : int
        Of training, validation and test together, where that is known.
    ranks : int
        Processes that share the training.

    Raises
    ------
    NoRoomError
    """
    if isinstance(config, STDPConfig):
        part_ms = config.chunk * (config.present_ms + config.rest_ms)
        check_size(config.description(), config.backend, part_ms, config.dt_ms)
        return
    parts = needed_parts(config, n_examples, ranks)
    require_memory(f"training '{config.model}' by {config.rule}", parts)
