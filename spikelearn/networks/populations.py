"""A population of a network: a spike source, or neurons of a model, told apart by `model`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainValidator, SerializeAsAny
from pydantic_core import PydanticKnownError

from spikelearn.networks.neurons import NEURON_MODELS, NeuronModel, SpikeSource


def _population(given: Any) -> SpikeSource | NeuronModel:
    """A population as it is, or made of its fields.

    Raises
    ------
    ValueError
        Where no model is named, or one that is not in `NEURON_MODELS`, or the model refuses the
        fields: pydantic then says which of them.
    """
    known: dict[str, type[SpikeSource | NeuronModel]] = {"spike_source": SpikeSource}
    known |= NEURON_MODELS
    if isinstance(given, SpikeSource | NeuronModel):
        name = given.model
        if not isinstance(given, known.get(name, ())):
            raise ValueError(f"model '{name}' is not in spikelearn.networks.neurons.NEURON_MODELS")
        return given
    if not isinstance(given, dict):
        raise PydanticKnownError("model_attributes_type")
    if "model" not in given:
        raise PydanticKnownError("union_tag_not_found", {"discriminator": "'model'"})
    name = given["model"]
    if not isinstance(name, str) or name not in known:
        names = ", ".join(f"'{name}'" for name in known)
        context = {"discriminator": "'model'", "tag": str(name), "expected_tags": names}
        raise PydanticKnownError("union_tag_invalid", context)
    model = known[name]
    if issubclass(model, NeuronModel) and not model.in_files:
        raise ValueError(
            f"equations are code, which no file may bring; make a {model.__name__} of them in"
            " Python"
        )
    return model.model_validate(given)


# By looking the model up when a network is made, not when this is imported: a model that is put
# into the dictionary later, by a program or a test, is known too.
Population = SerializeAsAny[Annotated[SpikeSource | NeuronModel, PlainValidator(_population)]]
