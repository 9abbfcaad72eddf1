"""What families of rules have no place for in their theory, by the parts of `rule.parts_of`.

A rule whose `refuses` names a part refuses networks that have it, with the sentence.
"""

from __future__ import annotations

_NO_ENERGY = (
    "its states rest in an energy of products of pairs of states, and no such energy has statistics"
    " of a whole layer in it"
)
ENERGY = {
    "batch normalisation": _NO_ENERGY,
    "group normalisation": _NO_ENERGY,
    "dropout": "its two phases compare states of one network at rest",
}

PERTURBATION = {
    "batch normalisation": "it learns from the loss of each sample under noise of its own, and a"
    " batch's statistics carry the noise of every sample into the loss of all others",
    "group normalisation": "its noise is on weights, biases and drives, and says nothing of the"
    " scale and the shift that a normalisation learns",
}

_TWO_PASSES = (
    "hidden layers learn from the difference of their activity in two passes, which is no error"
    " that the scale and the shift of a normalisation could descend"
)
PEPITA = {
    "batch normalisation": _TWO_PASSES,
    "group normalisation": _TWO_PASSES,
    "dropout": "it has dropout of its own, with one mask in both passes: option 'keep'",
}

_OWN_SLOPE = (
    "it controls each neuron by the slope of its own nonlinearity, which neurons that share a mean"
    " and a variance have not"
)
DEEP_FEEDBACK_CONTROL = {
    "batch normalisation": _OWN_SLOPE,
    "group normalisation": _OWN_SLOPE,
}

_NO_ERROR = (
    "its hidden layers have no error by which a scale and a shift could learn; it scales what they"
    " receive by itself"
)
HEBBIAN = {
    "batch normalisation": _NO_ERROR,
    "group normalisation": _NO_ERROR,
    "dropout": "its hidden units learn from how they answer beside one another, without an error"
    " that leaving some of them out would spread",
    "residual layers": "its units learn what they receive by what their own weights make of it, of"
    " which what comes one to one is no part",
}

_ORDER = "its layers learn from the order of first spikes, and know no error by which"
CONVOLUTIONAL_STDP = {
    "batch normalisation": f"{_ORDER} a scale and a shift could learn",
    "dropout": f"{_ORDER} leaving some neurons out would be spread; who learns is left to them",
    "residual layers": "its weights lie between nothing and a strongest one, and what comes one to"
    " one by no weight of theirs is no part of what they learn",
}

ONLINE = {
    "batch normalisation": "it learns in every step, and the statistics of a batch are of all steps"
    " of the stimulus; take norm: weights",
}
