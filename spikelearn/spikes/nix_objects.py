"""The objects of a NIX file (https://github.com/G-Node/nix/wiki), written and read by HDF5 itself.

An entity is a group with a name, a type, an id and two dates; what is said of it are the properties
of a section of metadata, and a section inherits those of the section it is linked to. nixio makes
the same objects in twenty times the time, which in a file of a thousand neurons is ten seconds.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import h5py
import numpy as np

# Of the layout, which nixio checks.
VERSION = (1, 2, 1)
# What Neo says of a property that is an empty list.
_EMPTY = "EMPTYLIST"
_TEXT = h5py.string_dtype()
# Sections may be linked to sections, in a damaged file in a circle.
_LINKS = 8


class Entity(NamedTuple):
    """An entity that was made, and the id by which groups name it as their member."""

    group: h5py.h5g.GroupID
    id: str


class Objects:
    """Makes the objects of a file.

    Parameters
    ----------
    file : h5py.File
        Open for writing, and empty.
    seed : str
        From which the ids follow: the same content gives the same file.
    created : datetime
        When it was made.
    """

    def __init__(self, file: h5py.File, seed: str, created: datetime.datetime):
        self._seed, self._made = seed, 0
        self._created = created.astimezone(datetime.UTC).strftime("%Y%m%dT%H%M%S")
        # As it stands in the file, and as Python's texts are handed over.
        self._text, self._texts = h5py.h5t.py_create(_TEXT, logical=True), h5py.h5t.py_create(_TEXT)
        self._scalar = h5py.h5s.create(h5py.h5s.SCALAR)
        # Members are read in the order in which they were made.
        self._ordered = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
        self._ordered.set_link_creation_order(
            h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED
        )
        # Small values stand in the header of their data set: one place on the disk, not two.
        self._compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        self._compact.set_layout(h5py.h5d.COMPACT)
        self._plain = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        for made in (self._compact, self._plain):
            made.set_obj_track_times(False)
        root = file["/"].id
        for name, value in (("format", "nix"), ("id", self._id()), *self._dates()):
            self.attribute(root, name, value)
        file.attrs["version"] = np.array(VERSION, dtype=np.int32)
        self.data, self.metadata = self.group(root, "data"), self.group(root, "metadata")

    def _id(self) -> str:
        self._made += 1
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._seed} {self._made}"))

    def _dates(self) -> tuple[tuple[str, str], ...]:
        return ("created_at", self._created), ("updated_at", self._created)

    def name(self, kind: str) -> str:
        """A name that no other object has, beginning with its kind, as Neo gives them."""
        return f"{kind}.{self._id().replace('-', '')}"

    def group(self, where: h5py.h5g.GroupID, name: str) -> h5py.h5g.GroupID:
        """A group for members, in their order."""
        return h5py.h5g.create(where, name.encode(), gcpl=self._ordered)

    def attribute(self, where: Any, name: str, value: str | float) -> None:
        """Note a text or a number on an object.

        Parameters
        ----------
        where : GroupID or DatasetID
        name : str
        value : str or float
        """
        if isinstance(value, str):
            made = h5py.h5a.create(where, name.encode(), self._text, self._scalar)
            made.write(np.asarray(value, dtype=_TEXT), mtype=self._texts)
        else:
            made = h5py.h5a.create(where, name.encode(), h5py.h5t.NATIVE_DOUBLE, self._scalar)
            made.write(np.asarray(value, dtype=np.float64))

    def entity(self, where: h5py.h5g.GroupID, name: str, kind: str) -> Entity:
        """An entity: a group that says its name, type, id and dates.

        Parameters
        ----------
        where : GroupID
            List of such entities.
        name, kind : str
            Its name and type.
        """
        made = Entity(self.group(where, name), self._id())
        for key, value in (("name", name), ("type", kind), ("entity_id", made.id), *self._dates()):
            self.attribute(made.group, key, value)
        return made

    def values(self, where: h5py.h5g.GroupID, name: str, values: Any) -> h5py.h5d.DatasetID:
        """A data set of an array.

        Parameters
        ----------
        where : GroupID
        name : str
        values : array
            Numbers or texts.
        """
        values = np.ascontiguousarray(values)
        text = values.dtype.kind in "OU"
        if text:
            values = values.astype(_TEXT)
        kind = self._text if text else h5py.h5t.py_create(values.dtype, logical=True)
        small = values.nbytes <= 1024
        made = h5py.h5d.create(
            where, name.encode(), kind, h5py.h5s.create_simple(values.shape),
            self._compact if small else self._plain,
        )  # fmt: skip
        if values.size:
            made.write(h5py.h5s.ALL, h5py.h5s.ALL, values, mtype=self._texts if text else None)
        return made

    def properties(
        self, section: Entity, said: Mapping[str, Any], units: Mapping[str, str] | None = None
    ) -> None:
        """Note what is said of an entity in its section of metadata.

        Parameters
        ----------
        section : Entity
        said : mapping of str to text, number or array of one dimension
        units : mapping of str to str, optional
            Units of some of them.
        """
        there = self.group(section.group, "properties")
        for name, value in said.items():
            array = np.atleast_1d(
                np.asarray(value, dtype=_TEXT if isinstance(value, str) else None)
            )
            made = self.values(there, name, array)
            own = [("name", name), ("entity_id", self._id()), *self._dates()]
            if units and name in units:
                own.append(("unit", units[name]))
            if not array.size:
                own.append(("definition", _EMPTY))
            for key, noted in own:
                self.attribute(made, key, noted)

    def section(self, where: h5py.h5g.GroupID, name: str, kind: str) -> Entity:
        """The section of metadata of an entity: in that of the one it belongs to, or at the top.

        Parameters
        ----------
        where : GroupID
            List of sections.
        name, kind : str
            Of the entity.
        """
        return self.entity(where, name, f"{kind}.metadata")

    def array(
        self, arrays: h5py.h5g.GroupID, name: str, kind: str, values: Any, unit: str
    ) -> Entity:
        """A data array of a block.

        Parameters
        ----------
        arrays : GroupID
            The block's list of them.
        name, kind : str
        values : array
        unit : str
        """
        made = self.entity(arrays, name, kind)
        self.attribute(made.group, "unit", unit)
        self.values(made.group, "data", values)
        return made

    def labels(self, array: Entity, labels: Sequence[str]) -> None:
        """Name the places of an array of one dimension."""
        dimension = self.group(self.group(array.group, "dimensions"), "1")
        self.attribute(dimension, "dimension_type", "set")
        self.values(dimension, "labels", np.array(list(labels), dtype=object))

    def sampled(self, array: Entity, period: float, unit: str, offset: float = 0.0) -> None:
        """Say that the places of an array follow one another in time.

        Parameters
        ----------
        array : Entity
        period : float
            From one to the next.
        unit : str
            Of the period.
        offset : float
            Of the first.
        """
        dimension = self.group(self.group(array.group, "dimensions"), "1")
        said: dict[str, str | float] = {
            "dimension_type": "sample", "sampling_interval": period, "unit": unit,
            "offset": offset, "label": "time",
        }  # fmt: skip
        for key, value in said.items():
            self.attribute(dimension, key, value)


def link(target: Entity, where: h5py.h5g.GroupID, name: str | None = None) -> None:
    """Let an entity be a member of a group, too.

    Parameters
    ----------
    target : Entity
    where : GroupID
    name : str, optional
        What it is there; its id if left out, as in lists.
    """
    h5py.h5o.link(target.group, where, (name or target.id).encode())


def as_text(value: Any) -> str:
    """Text of an attribute or property, however it was stored."""
    return value.decode() if isinstance(value, bytes) else str(value)


def said_of(entity: h5py.Group, known: dict[int, dict[str, Any]] | None = None) -> dict[str, Any]:
    """The properties of an entity's metadata, those that it inherits among them.

    Texts and numbers are plain; lists of several are arrays.

    Parameters
    ----------
    entity : h5py.Group
    known : dict, optional
        What was read of sections that others are linked to, which gets those of this one: thousands
        of spike trains may inherit from one.
    """
    known = {} if known is None else known
    section = entity.get("metadata")
    found = {} if section is None else _properties(section)
    for _ in range(_LINKS):
        section = None if section is None else section.get("link")
        if section is None:
            break
        place = h5py.h5o.get_info(section.id).addr
        if place not in known:
            known[place] = _properties(section)
        found = {**known[place], **found}
    return found


def _properties(section: h5py.Group) -> dict[str, Any]:
    return {name: _plain(stored[()]) for name, stored in section.get("properties", {}).items()}


def _plain(values: Any) -> Any:
    values = np.asarray(values)
    if values.size != 1:
        return values
    one = values.ravel()[0]
    return as_text(one) if isinstance(one, bytes | str) else one.item()


def members(where: h5py.Group, kind: str, name: str) -> Iterator[h5py.Group]:
    """Entities of a type among the members of a group, in their order.

    Parameters
    ----------
    where : h5py.Group
    kind : str
        Their type.
    name : str
        Of the list of members, as multi_tags.
    """
    for entity in where.get(name, {}).values():
        if as_text(entity.attrs.get("type", "")) == kind:
            yield entity
