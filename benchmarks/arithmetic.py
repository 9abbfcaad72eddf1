"""How many multiplications an update of each rule asks for, by the algorithm of its paper.

Counted are products of a batch with something of the shape of weights: a pass forwards through a
layer, a pass backwards, and the product of signal and activity that makes the update; with m the
multiplications of a layer for one sample, each costs m a sample. Backpropagation needs 3 m a layer,
and 2 m of the first, whose input gets no error. A recurrent layer does all of this at every step of
the sequence, but no error passes to the inputs or to before the first step. Elementwise work and
random numbers are left out, so that these counts are what is least for a rule, and a time above
them is what the rest costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spikelearn.networks.layers import Layer


@dataclass(frozen=True)
class Sizes:
    """Multiplications a sample of the layers of a network, and of parts of it."""

    layers: list[Layer]
    batch: int
    steps: int = 1  # of a sequence

    def of(self, layer: Layer) -> int:
        """One pass through a layer."""
        shape: Any = getattr(layer, "shape", None)  # of a convolution
        if shape is None:
            return layer.weight.numel()
        # What is averaged before the nonlinearity is made by one larger kernel for each square.
        kernels = math.prod(layer.weight.shape[:2])
        return kernels * shape.square_side**2 * math.prod(shape.drive_shape[1:])

    def everywhere(self, layer: Layer) -> int:
        """One pass through a layer of which every place counts by itself, and no average."""
        shape: Any = getattr(layer, "shape", None)
        positions = 1 if shape is None else math.prod(shape.kernel_sides)
        return layer.weight.numel() * positions

    @property
    def all(self) -> int:
        """All layers."""
        return sum(map(self.of, self.layers))

    @property
    def upper(self) -> int:
        """All but the first: those that errors pass on their way down."""
        return sum(map(self.of, self.layers[1:]))

    @property
    def hidden(self) -> int:
        """All but the last."""
        return sum(map(self.of, self.layers[:-1]))

    @property
    def middle(self) -> int:
        """All but the first and the last."""
        return sum(map(self.of, self.layers[1:-1]))

    @property
    def output(self) -> int:
        """The last."""
        return self.of(self.layers[-1])

    @property
    def classes(self) -> int:
        """Units of the output layer."""
        return int(self.layers[-1].out_shape[0])

    @property
    def units(self) -> list[int]:
        """Units of the hidden layers."""
        return [math.prod(layer.out_shape) for layer in self.layers[:-1]]

    @property
    def cell(self) -> int:
        """A recurrent layer, at all steps."""
        return self.steps * self.of(self.layers[0])

    @property
    def recurrence(self) -> int:
        """What a recurrent layer sends to itself, at all steps but one."""
        layer: Any = self.layers[0]
        return (self.steps - 1) * layer.weight.shape[0] * layer.hidden


Count = Callable[[Any, Sizes], float]
COUNTS: dict[str, Count] = {}


def counts(*names: str) -> Callable[[Count], Count]:
    """Enter a count for rules of these names."""

    def enter(count: Count) -> Count:
        COUNTS.update(dict.fromkeys(names, count))
        return count

    return enter


@counts(
    "backprop",
    "feedback_alignment",
    "sign_symmetric_uniform",
    "sign_symmetric_fixed",
    "sign_symmetric_random",
    "kolen_pollack",
)
def one_pass_each_way(rule: Any, n: Sizes) -> float:
    return 2 * n.all + n.upper


@counts("direct_feedback_alignment")
def error_to_every_layer(rule: Any, n: Sizes) -> float:
    return 2 * n.all + n.classes * sum(n.units)


@counts("weight_mirror")
def mirror(rule: Any, n: Sizes) -> float:
    # The answers to noise are of every place, before averages.
    noise = rule.n_noise / n.batch / rule.every
    return one_pass_each_way(rule, n) + noise * 2 * sum(map(n.everywhere, n.layers[1:]))


@counts("target_propagation", "difference_target_propagation")
def targets(rule: Any, n: Sizes) -> float:
    inverted = n.upper if rule.top == "inverse" else n.middle
    # Noisy pass up, reconstruction, its product; then one layer's transport, and g(t) and g(h) of
    # the others, which an affine inverse gets in one product.
    ways = 2 if rule.difference and rule.inverse_activation != "identity" else 1
    down = ways * inverted + (n.output if rule.top == "gradient" else 0)
    return 2 * n.all + rule.n_feedback * 3 * inverted + down


@counts("difference_target_propagation_ldrl")
def targets_by_local_differences(rule: Any, n: Sizes) -> float:
    # Noise up, noise down, and a product for either.
    return 2 * n.all + rule.n_feedback * 4 * n.upper + n.upper


@counts("deep_feedback_control")
def controller(rule: Any, n: Sizes) -> float:
    # What every control does to the output is a pass forwards; Q learns from a noisy pass.
    learning = n.upper + n.classes * sum(n.units) if rule.feedback == "learned" else 0
    return 2 * n.all + n.classes * n.upper + n.classes * sum(n.units) + learning


@counts("predictive_coding", "predictive_coding_nudged", "predictive_coding_mupc")
def relaxation(rule: Any, n: Sizes) -> float:
    # A prediction and a pass backwards a step; the first layer's prediction stays.
    return 2 * n.all + rule.n_steps * 2 * n.upper


@counts("predictive_coding_centred")
def relaxation_both_ways(rule: Any, n: Sizes) -> float:
    return 3 * n.all + 2 * rule.n_steps * 2 * n.upper


@counts("predictive_coding_incremental")
def relaxation_with_learning(rule: Any, n: Sizes) -> float:
    return n.all + rule.n_steps * (2 * n.all + n.upper)


@counts("predictive_coding_fixed_prediction")
def errors_alone(rule: Any, n: Sizes) -> float:
    return 2 * n.all + (len(n.layers) - 1) * n.upper


@counts("predictive_coding_zil")
def error_on_its_way(rule: Any, n: Sizes) -> float:
    return 2 * n.all + (len(n.layers) - 1) * 2 * n.upper


@counts("forward_forward", "forward_forward_symba")
def two_labels(rule: Any, n: Sizes) -> float:
    # Right and wrong label; hard negatives ask the softmax, after a pass with the neutral label.
    softmax = n.hidden + 2 * n.output if rule.has_softmax else 0
    return 2 * 2 * n.hidden + softmax


@counts("forward_forward_channelwise")
def one_local_pass(rule: Any, n: Sizes) -> float:
    # Every channel's share in the goodness of each class, and the signal back.
    channels = sum(layer.out_shape[0] for layer in n.layers[:-1])
    return 2 * n.all + 2 * n.classes * channels


@counts("weight_perturbation")
def weight_noise(rule: Any, n: Sizes) -> float:
    # The first layer's answer to the noise serves both signs.
    return n.all + rule.n_directions * (n.all + n.upper)


@counts("node_perturbation", "activity_normalised_node_perturbation")
def node_noise(rule: Any, n: Sizes) -> float:
    return 2 * n.all + rule.n_directions * (2 if rule.antithetic else 1) * n.upper


@counts("decorrelated_node_perturbation")
def decorrelated_node_noise(rule: Any, n: Sizes) -> float:
    squares = [layer.fan_in**2 for layer in n.layers]
    cubes = sum(layer.fan_in**3 for layer in n.layers) / n.batch
    passes = sum(squares) + rule.n_directions * 2 * sum(squares[1:])
    return node_noise(rule, n) + passes + sum(squares) + cubes


@counts("forward_gradient")
def tangent_pass(rule: Any, n: Sizes) -> float:
    return 2 * n.all + rule.n_directions * (n.upper if rule.perturb == "activities" else 2 * n.all)


@counts("pepita")
def two_presentations(rule: Any, n: Sizes) -> float:
    return 3 * n.all + n.classes * math.prod(n.layers[0].in_shape)


@counts("local_pred", "local_sim", "local_predsim", "local_predsim_bio")
def local_heads(rule: Any, n: Sizes) -> float:
    total = 2.0 * n.all
    for layer, units in zip(n.layers, n.units, strict=False):
        scores = rule.code_size if rule.bio else n.classes
        if rule.bio:
            total += scores * n.classes
        if rule.weight_of_sim < 1:
            total += 3 * scores * min(units, rule.decoder_inputs)
        if rule.weight_of_sim > 0:
            features = layer.out_shape[0] if layer.weight.ndim > 2 else units
            head = layer.out_shape[0] ** 2 * units // layer.out_shape[0]
            kernel = 9 if layer.weight.ndim > 2 else 1
            codes = n.batch * scores + scores * n.classes if rule.bio else 0
            total += 2 * n.batch * features + codes + (0 if rule.bio else 3 * kernel * head)
    return total


@counts(
    "equilibrium_propagation",
    "equilibrium_propagation_centred",
    "equilibrium_propagation_holomorphic",
    "contrastive_hebbian",
    "coupled_learning",
)
def settling(rule: Any, n: Sizes) -> float:
    estimate = getattr(rule, "estimate", "two states")
    copies = 2
    if estimate == "holomorphic" and rule.n_points > 2:
        real = 2 - rule.n_points % 2  # 1, and -1 if it is among the points
        copies = real + 2 * ((rule.n_points - 1) // 2)  # of half the circle, real and imaginary
    # A step: what comes from below, and from above. The input's drive and product serve all.
    once = n.all + n.all - n.upper
    return once + (2 * (rule.free_steps + copies * rule.nudged_steps) + copies) * n.upper


@counts("bcm", "winner_take_all", "softhebb", "krotov_hopfield")
def unlabelled(rule: Any, n: Sizes) -> float:
    # Every patch is a sample: units compete at every place, and averages come after.
    return 2 * sum(map(n.everywhere, n.layers[:-1])) + n.output


@counts("oja", "sanger")
def principal_components(rule: Any, n: Sizes) -> float:
    competing = sum(u**2 for u in n.units)
    decay = sum(u**2 * w.fan_in for u, w in zip(n.units, n.layers, strict=False)) / n.batch
    return unlabelled(rule, n) + competing + decay


@counts("random_features")
def readout(rule: Any, n: Sizes) -> float:
    return sum(map(n.everywhere, n.layers)) + n.output


@counts("backprop_through_time", "random_feedback_through_time")
def one_pass_each_way_in_time(rule: Any, n: Sizes) -> float:
    return 2 * n.cell + n.recurrence + 3 * n.output


@counts("eprop")
def no_way_back_in_time(rule: Any, n: Sizes) -> float:
    return 2 * n.cell + 3 * n.output


@counts("local_losses_through_time")
def output_at_every_step(rule: Any, n: Sizes) -> float:
    guesses = min(rule.n_guesses or n.steps, n.steps)
    return 2 * n.cell + guesses * 3 * n.output


@counts("node_perturbation_through_time")
def node_noise_in_time(rule: Any, n: Sizes) -> float:
    # What the rows send is the same with noise and without.
    return 2 * n.cell + 2 * n.output + rule.n_directions * 2 * (n.recurrence + n.output)


@counts("predictive_coding_through_time")
def relaxation_in_time(rule: Any, n: Sizes) -> float:
    # Predictions are fixed: an error passes one step of the sequence back at each of relaxation,
    # and reaches one state more.
    reached = sum(min(k, n.steps - 1) for k in range(rule.n_steps))
    return 2 * n.cell + 3 * n.output + reached * n.recurrence / max(n.steps - 1, 1)
