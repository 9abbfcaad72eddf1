"""Questions of a study, fixed before anything is trained: what is asked, and how it is tested.

learning        Does learning by a rule make a network more like the brain than the same network
                untrained? Of every trained network, seed by seed.
rule            Does a rule make it more like the brain than backpropagation does? Of networks that
                start from the same weights.
equal_accuracy  The same where both are equally accurate: similarity along training is read where
                each first reaches the highest accuracy that both reach.
hierarchy       Does learning bring early layers closer to early regions and late layers to late
                ones? What the late layer gains on the early one in a late region, less the same in
                an early region, less the same untrained.
resolution      Does what learning does depend on the resolution at which images are shown?
variance        How much of a region's dissimilarities do a rule, the one it is compared with (of
                that one: its untrained twin) and models of the images explain, each alone and
                together?
identity        Can the rule be told from activity along training, in networks that the classifier
                has not seen?

Each question has its own correction for the number of its tests, over recordings, regions, networks
and layers. Effects have intervals for other seeds, subjects and stimuli of the same kinds.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from spikelearn._description import Description
from spikelearn._errors import nearest

# Rules that follow the gradient, by the networks that they train: what others are compared with.
GRADIENT_RULES = ("backprop", "surrogate", "backprop_through_time", "eventprop")

LAST = ("last",)
ASKED = {
    "learning": "Does learning make networks more like the brain than they are untrained?",
    "rule": "Do learning rules differ from backpropagation in how brain-like networks become?",
    "equal_accuracy": "Do learning rules differ from backpropagation at equal accuracy?",
    "hierarchy": "Does learning bring early layers closer to early regions, late ones to late?",
    "resolution": "Does what learning does depend on the resolution of the images?",
    "variance": "What do learning rules and images explain of brains, alone and together?",
    "identity": "Can the learning rule be told from activity along training?",
}
# Fields that only some questions have.
_ONLY_OF = {
    "against": ("rule", "equal_accuracy", "variance"),
    "images": ("variance",),
    "early": ("hierarchy",),
    "late": ("hierarchy",),
    "resolutions": ("resolution",),
    "held_out": ("identity",),
    "permutations": ("identity",),
}
_NOT_OF_IDENTITY = ("method", "layers", "recordings", "regions", "random")


class Question(Description):
    """One question of a study; a bare word in a list of questions is what is asked."""

    named_by: ClassVar[tuple[str, ...]] = ("name", "ask")

    ask: Literal[
        "learning", "rule", "equal_accuracy", "hierarchy", "resolution", "variance", "identity"
    ] = Field(description="what is asked")  # fmt: skip
    name: str = Field(
        default="", description="by which its answers stand in tables; what is asked, if left out"
    )
    method: str = Field(default="rsa", description="by which networks are compared with brains")
    layers: tuple[str, ...] | Literal["held_out", "weighted", "each"] = Field(
        default="held_out",
        description="held_out: each network's best layer, chosen on a third of the stimuli and"
        " tested on the others; weighted: all of its layers, weighted on that third; each: every"
        " layer is tested; or names of layers, also first and last, the last before the output;"
        " variance, of which none is chosen, is of the last, if left out",
    )
    recordings: tuple[str, ...] = Field(
        default=(), description="of the study's, of which it is asked; all, if left out"
    )
    regions: tuple[str, ...] = Field(
        default=(), description="in which it is asked; all, if left out"
    )
    random: tuple[Literal["seeds", "subjects", "stimuli"], ...] = Field(
        default=("seeds", "subjects", "stimuli"), min_length=1,
        description="what intervals generalise to",
    )  # fmt: skip
    against: tuple[str, ...] = Field(
        default=GRADIENT_RULES, min_length=1,
        description="the rule that others are compared with: the first of these that trains a"
        " network from the same weights",
    )  # fmt: skip
    early: str = Field(default="", description="the early region; the earliest known, if left out")
    late: str = Field(default="", description="the late region; the latest known, if left out")
    resolutions: tuple[int, ...] = Field(
        default=(16, 32),
        description="sides in pixels to which images are reduced; the others are compared with the"
        " largest",
    )
    images: tuple[str, ...] = Field(
        default=("pixels", "gabor_energy", "mean_luminance", "category"), min_length=1,
        description="models of the images, of which category is left out where there is none",
    )  # fmt: skip
    held_out: Literal["seed", "architecture", "learning_rate"] = Field(
        default="seed",
        description="what networks of which the rule is told have, and those learned from have not",
    )

    permutations: PositiveInt = Field(
        default=99, description="of rules among networks, for the chance of telling them"
    )

    def is_of(self, recording: str) -> bool:
        """Whether it is asked of a recording of the study."""
        return not self.recordings or recording in self.recordings

    @property
    def title(self) -> str:
        """By which its answers stand in tables."""
        return self.name or self.ask

    @property
    def words(self) -> str:
        """The question as a sentence, with the method and the layers where they are not usual."""
        asked = ASKED[self.ask]
        if self.ask == "rule" and self.against != GRADIENT_RULES:
            asked = asked.replace("backpropagation", " or ".join(self.against))
        if self.ask == "resolution":
            sides = [str(side) for side in sorted(self.resolutions)]
            asked = f"{asked[:-1]}, {', '.join(sides[:-1])} or {sides[-1]} pixels?"
        if self.layers == "weighted":
            asked = f"{asked[:-1]}, all layers weighted?"
        return asked if self.method == "rsa" else f"{asked[:-1]}, by {self.method}?"

    @model_validator(mode="before")
    @classmethod
    def _layers_of_variance(cls, given: Any) -> Any:
        """Of variance the last layer, if none is named: what is asked stands in what is written."""
        if isinstance(given, dict) and given.get("ask") == "variance" and "layers" not in given:
            return {**given, "layers": LAST}
        return given

    @field_validator("method")
    @classmethod
    def _known(cls, name: str) -> str:
        from spikelearn.comparison.methods import METHODS

        if name not in METHODS:
            raise ValueError(f"there is no method '{name}'; {nearest(name, METHODS)}")
        return name

    @field_validator("images")
    @classmethod
    def _of_images(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        from spikelearn.studies.image_baselines import BASELINES

        for name in names:
            if name not in BASELINES:
                raise ValueError(
                    f"there is no model of images '{name}'; {nearest(name, BASELINES)}"
                )
        return names

    @field_validator(
        "layers", "recordings", "regions", "random", "against", "resolutions", "images"
    )
    @classmethod
    def _each_once(cls, values: Any) -> Any:
        for value in () if isinstance(values, str) else values:
            if values.count(value) > 1:
                raise ValueError(f"{value} stands twice")
        return values

    @model_validator(mode="after")
    def _fits_what_is_asked(self) -> Question:
        # A description that was written out whole has every field; only others than usual count.
        usual = type(self).model_fields
        given = {name for name in usual if getattr(self, name) != usual[name].default}
        for name, asks in _ONLY_OF.items():
            if name in given and self.ask not in asks:
                raise ValueError(f"'{name}' is of the question {' and '.join(asks)}")
        for name in _NOT_OF_IDENTITY if self.ask == "identity" else ():
            if name in given:
                raise ValueError(f"'{name}' is of questions about brains, not of identity")
        if self.ask == "resolution" and (len(self.resolutions) < 2 or min(self.resolutions) < 1):
            raise ValueError("resolutions are two or more sides in pixels, such as [16, 32]")
        if self.ask == "equal_accuracy" and self.method not in ("rsa", "partial_rsa"):
            raise ValueError(
                "along training dissimilarities are kept, so that equal_accuracy is asked by rsa or"
                " partial_rsa"
            )
        if self.ask == "variance" and self.method != "rsa":
            raise ValueError("variance is parted of dissimilarities: its method is rsa")
        if self.layers == "weighted" and (self.method != "rsa" or self.ask == "variance"):
            raise ValueError(
                "layers are weighted by their dissimilarities as one model: by rsa, and in other"
                " questions than variance, which parts those of a layer"
            )
        if self.ask == "variance" and self.layers == "held_out":
            raise ValueError(
                "variance is parted on stimuli that are not in the fit, and no layer is chosen on"
                " others; name layers, as [last], or ask of each"
            )
        if self.ask == "hierarchy" and self.regions:
            raise ValueError("hierarchy is asked of two regions: name them as early and late")
        if self.ask == "hierarchy" and not isinstance(self.layers, tuple) and "layers" in given:
            raise ValueError("hierarchy is asked of two layers, such as [first, last]")
        if self.ask == "hierarchy" and isinstance(self.layers, tuple) and len(self.layers) != 2:
            raise ValueError("hierarchy is asked of two layers, the early one first")
        return self


def read_questions(given: Any) -> Any:
    """Questions as they are described: a bare word is what is asked."""
    if isinstance(given, str) or not isinstance(given, list | tuple):
        return given
    return [{"ask": one} if isinstance(one, str) else one for one in given]


def check_questions(
    questions: tuple[Question, ...], along_training: bool, recordings: tuple[str, ...] | str
) -> None:
    """Refuse questions of one name, of no recording, and those for which too little is kept.

    Parameters
    ----------
    questions : tuple of Question
    along_training : bool
    recordings : tuple of str or str
        Of the study.

    Raises
    ------
    ValueError
    """
    titles = [question.title for question in questions]
    for question in questions:
        if titles.count(question.title) > 1:
            raise ValueError(
                f"two questions are called {question.title}; give one of them a name of its own"
            )
        for name in () if isinstance(recordings, str) else question.recordings:
            if name not in recordings:
                raise ValueError(
                    f"the question {question.title} is of {name}, which is no recording of the"
                    f" study; {nearest(name, recordings)}"
                )
        if question.ask in ("equal_accuracy", "identity") and not along_training:
            raise ValueError(
                f"the question {question.ask} is of what happens along training, which needs"
                " along_training: true"
            )
