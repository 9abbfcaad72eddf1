"""The same update by public libraries, on the same weights and batch, for rule_cost.py.

None of them is needed to run the benchmarks: what is not installed is not timed.

    torch             backpropagation             its own layers, the same network
    biotorch 0.0.16   feedback alignment          https://github.com/jsalbert/biotorch
    jpc 1.0.0         strict predictive coding    https://github.com/thebuckleylab/jpc

    pip install --no-deps biotorch
    pip install git+https://github.com/thebuckleylab/jpc

Each is given its best: where a library compiles, the whole update is compiled as one function and
timed after its first calls. All run on the one thread that spikelearn gets.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

# XLA would take all cores; it reads these when it is first imported.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")

# An update, and the gradients of the layers' weights that it leaves.
Step = Callable[[], Any]
Gradients = Callable[[], list[np.ndarray]]


def installed(*packages: str) -> bool:
    """Whether all these packages can be imported."""
    return all(importlib.util.find_spec(name) is not None for name in packages)


def pytorch_backpropagation(rule: Any, x: torch.Tensor, y: torch.Tensor) -> tuple[Step, Gradients]:
    """Backpropagation by PyTorch's own layers with the same weights."""
    from spikelearn.networks.to_torch import to_torch

    module = to_torch(rule.network).train()
    images = x.view(len(x), *rule.network.layers[0].in_shape)
    weights = [p for name, p in module.named_parameters() if name.endswith("weight")]

    def step() -> None:
        module.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(module(images), y).backward()

    def gradients() -> list[np.ndarray]:
        step()
        return [p.grad.numpy() for p in weights if p.grad is not None]

    return step, gradients


def biotorch_feedback_alignment(rule: Any, x: torch.Tensor, y: torch.Tensor) -> tuple[Step, None]:
    """Feedback alignment by biotorch's layers; their feedback weights are their own."""
    from biotorch.layers.fa import Linear

    layers: list[torch.nn.Module] = []
    for layer in rule.network:
        n_out, n_in = layer.weight.shape
        layers += [Linear(n_in, n_out), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])

    def step() -> None:
        network.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(network(x), y).backward()

    return step, None


def jpc_predictive_coding(rule: Any, x: torch.Tensor, y: torch.Tensor) -> tuple[Step, Gradients]:
    """Strict predictive coding by jpc: forward initialisation, gradient steps, weights' gradient.

    A layer of jpc's maps values below to a prediction, W phi(v) + b, as ours do.
    """
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import jpc
    import optax

    model = []
    for index, layer in enumerate(rule.network):
        n_out, n_in = layer.weight.shape
        linear = eqx.nn.Linear(n_in, n_out, key=jax.random.PRNGKey(0))
        weight, bias = (jnp.asarray(p.detach().numpy()) for p in (layer.weight, layer.bias))
        linear = eqx.tree_at(lambda part: (part.weight, part.bias), linear, (weight, bias))
        model.append(eqx.nn.Sequential([eqx.nn.Lambda(jax.nn.relu), linear] if index else [linear]))
    images = jnp.asarray(x.numpy())
    targets = jax.nn.one_hot(jnp.asarray(y.numpy()), rule.network.layers[-1].out_shape[0])
    # Its energy is a mean over the batch; the rate is for each sample's.
    optimiser = optax.sgd(rule.rate * len(x))

    @eqx.filter_jit
    def update(model: Any, images: Any, targets: Any) -> Any:
        activities = jpc.init_activities_with_ffwd(model=model, input=images)
        state = optimiser.init(activities)
        for _ in range(rule.n_steps):
            found = jpc.update_pc_activities(
                params=(model, None),
                activities=activities,
                optim=optimiser,
                opt_state=state,
                output=targets,
                input=images,
            )
            activities, state = found["activities"], found["opt_state"]
        return jpc.compute_pc_param_grads(
            params=(model, None), activities=activities, y=targets, x=images
        )

    def step() -> Any:
        return jax.block_until_ready(update(model, images, targets))

    def gradients() -> list[np.ndarray]:
        return [np.asarray(part.layers[-1].weight) for part in step()[0]]

    return step, gradients


# Library, the packages it needs, kinds of networks, the rule of ours that is the same, and its
# update.
Peer = tuple[str, tuple[str, ...], tuple[str, ...], str, Callable[..., Any]]
PEERS: list[Peer] = [
    ("torch", ("torch",), ("mlp", "cnn"), "backprop", pytorch_backpropagation),
    ("biotorch", ("biotorch",), ("mlp",), "feedback_alignment", biotorch_feedback_alignment),
    ("jpc", ("jpc", "jax"), ("mlp",), "predictive_coding", jpc_predictive_coding),
]
