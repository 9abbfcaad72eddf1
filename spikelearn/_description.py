"""`Description`: what every description has, of a network, a stimulus, a training run or a study.

A description is checked when it is made and never changes; `changed` makes another one, which is
checked as a whole again. Fields have the type that they are declared with:

- an unknown field is refused with the nearest names;
- a number is not text ("10"), true or false, NaN or infinity; a whole number may be written 5.0,
  never 5.5; what is true or false is not 1 or 0;
- a number of NumPy counts as a number, and an array as a list where a list is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, ClassVar, NoReturn, Self, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from spikelearn._arguments import MOST_DIGITS, in_few, is_number, too_long
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._files import validate, validation_sentence
from spikelearn._paths import content_with, locations
from spikelearn._same_content import is_same

_NOT_GIVEN: Any = object()


class FixedMapping(dict[str, Any]):
    """A dictionary that is part of a description, and does not change."""

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise SpikelearnError(
            "a mapping in a description does not change; `changed(path, value)` of the description"
            " makes another one"
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self) -> Any:
        return type(self), (dict(self),)

    def __copy__(self) -> Self:
        return self


def _with_nearest(model: type[Description], error: ValidationError) -> ValidationError:
    """The same mistakes, unknown fields with the names that are nearest."""
    known = model.model_fields
    lines: list[InitErrorDetails] = []
    for line in error.errors(include_url=False):
        kind: Any = line["type"]
        if kind == "extra_forbidden" and len(line["loc"]) == 1:
            name = str(line["loc"][0])
            hint = model.elsewhere.get(name) or nearest(name, known)
            kind = PydanticCustomError("unknown_field", f"there is no such field; {hint}")
        elif kind in _KNOWN_ERRORS and (words := _own_words(model, kind, line["loc"])):
            kind = PydanticCustomError("field_words", words)
        elif kind not in _KNOWN_ERRORS:
            kind = PydanticCustomError(kind, line["msg"])
        details: InitErrorDetails = {"type": kind, "loc": line["loc"], "input": line["input"]}
        if isinstance(kind, str):
            details["ctx"] = line.get("ctx", {})
        lines.append(details)
    return ValidationError.from_exception_data(error.title, lines)


def _own_words(model: type[Description], kind: str, loc: tuple[Any, ...]) -> Any:
    """What a field takes, in words of the description, where it, or an entry of it, is wrong."""
    # What is too short for its wrong entries is told by these.
    told = ("value_error", "assertion_error", "too_short")
    if kind in told or not all(isinstance(p, int) for p in loc[1:]):
        return None
    return model.field_words.get(str(loc[0])) if loc else None


_KNOWN_ERRORS = set(core_schema.ErrorType.__args__)  # type: ignore[attr-defined]


def _without_numpy(value: Any) -> Any:
    """Fields as they were given, with numbers of NumPy as those of Python; arrays stay."""
    # A number with a unit, as Brian2 has them, is an array of a kind of its own, and stays.
    if isinstance(value, np.generic) or (type(value) is np.ndarray and not value.ndim):
        return value.item()
    if isinstance(value, dict):
        return {_without_numpy(key): _without_numpy(item) for key, item in value.items()}
    if type(value) in (list, tuple) and any(_may_hold_numpy(item) for item in value):
        return type(value)(_without_numpy(item) for item in value)
    return value


def _may_hold_numpy(value: Any) -> bool:
    return isinstance(value, np.generic | np.ndarray | list | tuple | dict)


def _listed(model: type[BaseModel], fields: Any) -> Any:
    """Fields in which an array stands for a list of values, such as sizes of layers, with lists."""
    if not isinstance(fields, dict) or not any(type(v) is np.ndarray for v in fields.values()):
        return fields
    taking = {name for name, field in model.model_fields.items() if _is_tuple(field.annotation)}
    return {
        name: value.tolist() if type(value) is np.ndarray and name in taking else value
        for name, value in fields.items()
    }


def _is_tuple(annotation: Any) -> bool:
    """Whether a field takes a tuple, perhaps among others, and no array."""
    parts = get_args(annotation)
    if annotation is tuple or get_origin(annotation) is tuple:
        return True
    return annotation is not np.ndarray and any(_is_tuple(part) for part in parts)


def _strict(schema: Any) -> Any:
    """A schema of pydantic whose numbers and truths are strict."""
    if isinstance(schema, list | tuple):
        return type(schema)(_strict(part) for part in schema)
    if not isinstance(schema, dict):
        return schema
    inner = {
        key: value if key in ("default", "serialization", "metadata") else _strict(value)
        for key, value in schema.items()
    }
    kind = schema.get("type")
    if kind in ("float", "bool", "int"):
        inner["strict"] = True
    if kind == "int":
        return core_schema.no_info_before_validator_function(_whole, inner)
    return inner


def _whole(value: Any) -> Any:
    """5 for 5.0; all else as it is, but for what is too long to be a number of anything."""
    if too_long(value):
        raise ValueError(f"a whole number has at most {MOST_DIGITS} digits")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def require_numbers(values: Any) -> None:
    """Refuse what is no number in an array or in nested lists.

    NumPy would take text, truths and None among numbers for numbers.

    Raises
    ------
    ValueError
        Naming the first.
    """
    if isinstance(values, np.ndarray):
        if values.size and values.dtype.kind not in "iuf":
            raise ValueError(f"must hold numbers, found {in_few(values.flat[0])}")
        return
    for value in values:
        if isinstance(value, list | tuple | np.ndarray):
            require_numbers(value)
        elif not is_number(value) or too_long(value):
            raise ValueError(f"must hold numbers, found {in_few(value)}")


class Description(BaseModel):
    """A frozen part of a description; see the file's docstring for what its fields take."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True
    )

    # Fields by the first of which that is set a selector knows an entry of a list.
    named_by: ClassVar[tuple[str, ...]] = ("name",)
    # What fields take, by name, where the library's words ("a valid integer") say too little.
    field_words: ClassVar[Mapping[str, str]] = {}
    # Where names stand that are no fields of it, though users look for them here.
    elsewhere: ClassVar[Mapping[str, str]] = {}

    def __init__(self, **fields: Any) -> None:
        """Make it of its fields, by name; the first mistake is told in one sentence."""
        try:
            self.__pydantic_validator__.validate_python(fields, self_instance=self)
        except ValidationError as error:
            sentence = validation_sentence(error)
            raise SpikelearnError(f"{type(self).__name__}: {sentence}") from error

    # No other than pydantic's own: within others, descriptions are made without it.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        """The fields, each strict about its type."""
        return _strict(handler(source))

    @model_validator(mode="wrap")
    @classmethod
    def _by_name(cls, given: Any, handler: Any) -> Any:
        """The description; its mistakes with the names that are nearest to unknown ones."""
        try:
            made = handler(_listed(cls, _without_numpy(given)))
        except ValidationError as error:
            raise _with_nearest(cls, error) from None
        for name, value in made.__dict__.items():
            if type(value) is dict:
                made.__dict__[name] = FixedMapping(value)
            elif isinstance(value, np.ndarray) and value.flags.writeable:
                made.__dict__[name] = value.view()  # whoever gave the array may go on writing
                made.__dict__[name].flags.writeable = False
        return made

    def changed(self, path: str | Mapping[str, Any], value: Any = _NOT_GIVEN) -> Self:
        """Another description that differs in what `path` names; all of it is checked again.

        `spikelearn._paths` says how paths are written: names with dots between them, and entries
        of lists by what they are, as in `projections[inhibitory->*].weight_mv`. All that match
        change.

        Parameters
        ----------
        path : str or mapping
            Where; or several places with their values, which change together.
        value : object
            What is there then; left out where `path` is a mapping.

        Raises
        ------
        SpikelearnError
            Where nothing is called so, with the nearest names, or the value does not fit there.

        Examples
        --------
        >>> import spikelearn as sl
        >>> network = sl.load_model("lif_neuron")
        >>> network.changed("populations.neuron.tau_m_ms", 10).populations["neuron"].tau_m_ms
        10.0
        """
        if isinstance(path, Mapping):
            if value is not _NOT_GIVEN:
                raise SpikelearnError("several places come with their values, and no further one")
            values = dict(path)
        elif value is _NOT_GIVEN:
            raise SpikelearnError(f"give a value for '{path}', too")
        else:
            values = {path: value}
        for key in values:
            if not isinstance(key, str):
                raise SpikelearnError(f"a path must be text, such as 'sizes[1]', found {key!r}")
        places = locations(self, values)
        return validate(type(self), content_with(self, places), self.described())

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy; with other values for the fields that `update` names, it is checked again.

        Parameters
        ----------
        update : mapping, optional
            New values by the names of fields; `changed` reaches what lies within them.
        deep : bool
            Whether arrays are copied, too.

        Raises
        ------
        SpikelearnError
            For an unknown field, or a value that it does not take.
        """
        copy = super().model_copy(deep=deep)
        if not update:
            return copy
        content = {**dict(copy), **(copy.model_extra or {}), **update}
        return validate(type(self), content, self.described())

    def copy(self, *, update: Mapping[str, Any] | None = None, **others: Any) -> Self:
        """As `model_copy`."""
        return self.model_copy(update=update, **others)

    def __eq__(self, other: object) -> bool:
        """Whether it is of the same kind with the same fields, arrays among them."""
        if type(other) is not type(self):
            return NotImplemented
        mine, theirs = self.__dict__, other.__dict__
        try:
            equal = mine == theirs  # quick, also of long lists
        except ValueError:  # there are arrays
            equal = is_same(mine, theirs)
        return equal and self.model_extra == other.model_extra

    def __hash__(self) -> int:
        """Of what is quickly read; descriptions that are equal have one."""
        simple = (v for v in self.__dict__.values() if isinstance(v, str | int | float))
        return hash((type(self), *simple))

    def _repr_html_(self) -> str:
        """For a notebook: its name, and a table of the fields that say something."""
        from spikelearn._html_tables import html_table

        said = {
            name: getattr(self, name)
            for name, one in type(self).model_fields.items()
            if name in self.model_fields_set or one.is_required()
        }
        text = said.pop("description", "")
        rows = [(name, str(value)) for name, value in said.items() if name not in self.named_by]
        heading = f"<p><b>{escape(self.described())}</b> {escape(str(text))}</p>"
        return heading + html_table(("field", "value"), rows)

    def __setattr__(self, name: str, value: Any) -> None:
        known = self.settable()
        hint = f"use changed({name!r}, value)" if name in known else nearest(name, known)
        raise SpikelearnError(
            f"{self.described()}: a description does not change, so that '{name}' cannot be set;"
            f" {hint}"
        )

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def described(self) -> str:
        """What a sentence calls it."""
        name = self.named()
        return type(self).__name__ if name is None else f"{type(self).__name__} '{name}'"

    def named(self) -> str | None:
        """The name by which a selector knows it as an entry of a list."""
        for field in self.named_by:
            name = getattr(self, field, None)
            if isinstance(name, str) and name:
                return name
        return None

    def settable(self) -> tuple[str, ...]:
        """Names of the fields that it may have."""
        return tuple(type(self).model_fields)

    def seen(self, name: str) -> Any:
        """The value of a field, for selectors; None where it has no such field."""
        return getattr(self, name, None) if name in self.settable() else None
