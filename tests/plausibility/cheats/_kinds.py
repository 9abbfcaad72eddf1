"""Kinds of cheats, and which of them no audit of this design can catch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What cheats have in common.

    Attributes
    ----------
    what : str
        What they do.
    beyond : str
        What cheats of the kind no experiment of the audit can show, and why; empty where it has
        to find them all.
    """

    what: str
    beyond: str = ""


KINDS: dict[str, Kind] = {
    "copied weights": Kind("feedback is a copy of the forward weights, made in the open"),
    "late copies": Kind("copies that are made after an update, now and then, or little by little"),
    "other ways to the weights": Kind("weights read by hooks, references, states, or other views"),
    "through the synapses": Kind("weights read forwards, by patterns that are no activity"),
    "automatic differentiation": Kind("gradients across layers under another name"),
    "out of torch": Kind(
        "NumPy, bytes, memory addresses, files, functions with a backward pass of their own",
        "of what is computed outside torch only the effects can be seen, not the way there: what"
        " is no effect of a change from outside cannot be told",
    ),
    "threads and processes": Kind(
        "the update is computed elsewhere",
        "another process, or a thread that was there before, computes where no operation is seen",
    ),
    "random streams": Kind("weights that are never read but drawn again"),
    "weights that the rule writes": Kind(
        "weights moved past the optimiser, overwritten, or borrowed for the way back"
    ),
    "finite differences": Kind("the gradient by trying, in as many states as there are units"),
    "part of the truth": Kind("a share of the gradient, in noise, in one layer, in some samples"),
    "biases": Kind("honest weights, dishonest biases"),
    "labels": Kind("labels in an unsupervised rule"),
    "remembered batches": Kind("batches, labels and samples that are kept for later"),
    "taught by another network": Kind("a second network learns by backpropagation and teaches"),
    "watched": Kind(
        "honest where it looks as if somebody were watching",
        "a rule that knows an audit by something that the audit has not thought of varying is"
        " honest for as long as it lasts",
    ),
    "derivatives": Kind("slopes of the neurons, found without asking for them"),
    "locality": Kind("activity of others, in a number"),
    "time": Kind("what comes later in time, used before"),
    "hidden in numbers": Kind("noise and sizes of numbers under which an effect is none"),
    "declared": Kind("claims that are not true"),
    "learned nothing": Kind("nothing was learned that a handicap could spoil"),
    "rewrites the audit": Kind(
        "the rule changes the code that measures it",
        "a rule runs in the process that measures it; whoever may change any code can change this",
    ),
}
