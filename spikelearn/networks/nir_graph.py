"""A NIR graph as what a network is made of: nodes with a state, and linear maps between them.

Nested graphs are taken apart; chains of linear nodes become one sparse matrix a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nir
import numpy as np
from scipy import sparse

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError

WITH_STATE = (nir.LIF, nir.CubaLIF, nir.IF, nir.LI, nir.CubaLI, nir.I)
ALWAYS_ON = None  # the source of what a bias adds
_MOST_VALUES = 30_000_000  # of a node: maps of more outgrow memory


@dataclass(frozen=True)
class Term:
    """What one node with a state sends another: y += matrix @ x of `delay_s` ago."""

    source: str | None  # `ALWAYS_ON` for a bias, whose x is 1
    matrix: sparse.csr_array  # (target size, source size)
    delay_s: float


@dataclass(frozen=True)
class Graph:
    """Nodes with a state by name, inputs and their sizes, and what each node receives."""

    nodes: dict[str, Any]
    inputs: dict[str, int]
    sizes: dict[str, int]
    terms: dict[str, list[Term]]


def read_graph(graph: nir.NIRGraph) -> Graph:
    """Take a graph apart.

    Raises
    ------
    SpikelearnError
        For nodes that are neither linear nor neurons, for loops without neurons, and where shapes
        do not fit together.
    """
    nodes, edges = _flat(graph)
    before: dict[str, list[str]] = {name: [] for name in nodes}
    for source, target in dict.fromkeys(edges):
        if source not in nodes or target not in nodes:
            raise SpikelearnError(f"the graph has an edge {source} -> {target} to no node")
        before[target].append(source)
    walk = _Walk(nodes, before)
    stateful = {name: node for name, node in nodes.items() if isinstance(node, WITH_STATE)}
    terms = {name: walk.into(name) for name in stateful}
    inputs = {
        name: walk.size(name)
        for name, node in nodes.items()
        if isinstance(node, nir.Input) and not before[name]
    }
    sizes = {name: walk.size(name) for name in stateful}
    return Graph(stateful, inputs, sizes, terms)


def _flat(graph: nir.NIRGraph, prefix: str = "") -> tuple[dict[str, Any], list[tuple[str, str]]]:
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    enter: dict[str, str] = {}
    leave: dict[str, str] = {}
    for name, node in graph.nodes.items():
        full = prefix + name
        if not isinstance(node, nir.NIRGraph):
            nodes[full] = node
            continue
        inner_nodes, inner_edges = _flat(node, f"{full}.")
        nodes |= inner_nodes
        edges += inner_edges
        for kind, ends in ((nir.Input, enter), (nir.Output, leave)):
            ports = [n for n, inner in node.nodes.items() if isinstance(inner, kind)]
            if len(ports) != 1:
                raise SpikelearnError(
                    f"the graph within '{full}' has {len(ports)} nodes of type {kind.__name__};"
                    " one is needed"
                )
            ends[full] = f"{full}.{ports[0]}"
    for edge in graph.edges:
        source, target = (prefix + end for end in edge)
        edges.append((leave.get(source, source), enter.get(target, target)))
    return nodes, edges


class _Walk:
    """From each node backwards, through linear nodes, to those with a state."""

    def __init__(self, nodes: dict[str, Any], before: dict[str, list[str]]) -> None:
        self.nodes, self.before = nodes, before
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.found: dict[str, list[Term]] = {}
        self.open: set[str] = set()
        for name, node in nodes.items():
            _require_numbers(name, node)
        self._propagate_shapes()

    def _propagate_shapes(self) -> None:
        """Shapes of what nodes put out, from the inputs and the weights onwards."""
        for name, node in self.nodes.items():
            shape: Any = None
            if isinstance(node, nir.Input) and not self.before[name]:
                shape = np.atleast_1d(np.asarray(next(iter(node.input_type.values()))))
            elif isinstance(node, nir.Affine | nir.Linear):
                shape = np.asarray(node.weight).shape[-2:-1]
            elif isinstance(node, WITH_STATE) and np.asarray(node.r).size > 1:
                shape = np.asarray(node.r).shape
            if shape is not None:
                self.shapes[name] = _whole_shape(name, shape)
        while True:
            new = {
                name: _shape_out(name, self.nodes[name], self.shapes[source])
                for name, sources in self.before.items()
                if name not in self.shapes
                for source in sources
                if source in self.shapes
            }
            if not new:
                return
            self.shapes |= new

    def size(self, name: str) -> int:
        if name not in self.shapes:
            raise SpikelearnError(f"node '{name}': the graph does not say how many values it has")
        return int(np.prod(self.shapes[name]))

    def into(self, name: str) -> list[Term]:
        """All that a node receives."""
        return _merged([term for source in self.before[name] for term in self.out_of(source)])

    def out_of(self, name: str) -> list[Term]:
        """All that a node sends on."""
        node = self.nodes[name]
        if isinstance(node, WITH_STATE) or (isinstance(node, nir.Input) and not self.before[name]):
            return [Term(name, sparse.eye_array(self.size(name), format="csr"), 0.0)]
        if name in self.found:
            return self.found[name]
        if name in self.open:
            raise SpikelearnError(f"node '{name}' is in a loop without neurons")
        self.open.add(name)
        received = self.into(name)
        self.open.discard(name)
        self.found[name] = terms = self._through(name, node, received)
        return terms

    def _through(self, name: str, node: Any, received: list[Term]) -> list[Term]:
        if isinstance(node, nir.Input | nir.Output | nir.Flatten):
            return received
        if isinstance(node, nir.Delay):
            return [part for term in received for part in _delayed(node, term)]
        shape = next((self.shapes[s] for s in self.before[name] if s in self.shapes), None)
        matrix, bias = _as_map(name, node, shape)
        sent = []
        for term in received:
            if matrix.shape[1] != term.matrix.shape[0]:
                raise SpikelearnError(
                    f"node '{name}' takes {counted(matrix.shape[1], 'value')}, but receives"
                    f" {term.matrix.shape[0]}"
                )
            sent.append(Term(term.source, sparse.csr_array(matrix @ term.matrix), term.delay_s))
        if bias is not None and np.any(bias):
            sent.append(Term(ALWAYS_ON, sparse.csr_array(bias[:, None]), 0.0))
        return sent


def _merged(terms: list[Term]) -> list[Term]:
    """Terms of one source and delay as one."""
    merged: dict[tuple[str | None, float], Term] = {}
    for term in terms:
        key = (term.source, term.delay_s)
        matrix = term.matrix
        if key in merged:
            if merged[key].matrix.shape != matrix.shape:
                raise SpikelearnError("the inputs of a node have different sizes")
            matrix = sparse.csr_array(merged[key].matrix + matrix)
        merged[key] = Term(term.source, matrix, term.delay_s)
    return list(merged.values())


def _delayed(node: nir.Delay, term: Term) -> list[Term]:
    delays = np.broadcast_to(np.ravel(node.delay), (term.matrix.shape[0],))
    return [
        Term(
            term.source,
            sparse.csr_array(sparse.diags_array((delays == delay).astype(float)) @ term.matrix),
            term.delay_s + float(delay),
        )
        for delay in np.unique(delays)
    ]


def _whole_shape(name: str, shape: Any) -> tuple[int, ...]:
    """The shape as whole numbers; one that no array can have is refused."""
    numbers = np.asarray(shape, dtype=float)
    if np.any(numbers < 1) or np.any(numbers % 1) or np.prod(numbers) > _MOST_VALUES:
        raise SpikelearnError(
            f"node '{name}': a shape must be of positive whole numbers, for at most"
            f" {_MOST_VALUES:,} values, found {np.asarray(shape).tolist()!r:.60}"
        )
    return tuple(int(n) for n in numbers)


def _require_numbers(name: str, node: Any) -> None:
    """Refuse a node whose parameters or shapes are no numbers: a file may hold anything there."""
    for field, value in vars(node).items():
        if field in ("metadata", "padding"):  # texts, too
            continue
        for one in value.values() if isinstance(value, dict) else [value]:
            if not isinstance(one, np.ndarray | np.generic):
                continue
            array = np.asarray(one)
            if array.dtype.kind not in "iufb":
                found = array.flat[0] if array.size else array.dtype
                raise SpikelearnError(
                    f"node '{name}': {field} must hold numbers, found {found!r:.60}"
                )
            finite = np.isfinite if isinstance(value, dict) else lambda a: ~np.isnan(a)
            if not np.all(finite(array)):
                raise SpikelearnError(f"node '{name}': {field} must be finite, found {array!s:.60}")


def _shape_out(name: str, node: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(node, nir.Flatten):
        return (int(np.prod(shape)),)
    if isinstance(node, nir.Conv1d | nir.Conv2d | nir.SumPool2d | nir.AvgPool2d):
        return _Window.of(name, node, shape).out_shape
    return shape


def _as_map(
    name: str, node: Any, shape: tuple[int, ...] | None
) -> tuple[sparse.csr_array, np.ndarray | None]:
    """Matrix (values out, values in) and bias of a linear node."""
    if isinstance(node, nir.Affine | nir.Linear):
        weight = np.asarray(node.weight, dtype=np.float64)
        if weight.ndim != 2:
            raise SpikelearnError(f"node '{name}': weights must be a matrix, found {weight.shape}")
        bias = np.ravel(node.bias).astype(np.float64) if isinstance(node, nir.Affine) else None
        return sparse.csr_array(weight), bias
    if shape is None:
        raise SpikelearnError(f"node '{name}' receives nothing")
    size = int(np.prod(shape))
    if isinstance(node, nir.Scale):
        return sparse.diags_array(
            np.broadcast_to(np.ravel(node.scale), (size,)).astype(float)
        ), None
    if isinstance(node, nir.Conv1d | nir.Conv2d | nir.SumPool2d | nir.AvgPool2d):
        return _Window.of(name, node, shape).matrix()
    raise SpikelearnError(
        f"node '{name}' of type {type(node).__name__} cannot be simulated; neurons are"
        f" {', '.join(t.__name__ for t in WITH_STATE)}"
    )


@dataclass(frozen=True)
class _Window:
    """A kernel that moves over images: convolution, and pooling, which is one."""

    in_shape: tuple[int, int, int]  # channels, height, width
    weight: np.ndarray  # (channels out, channels in a group, kernel height, kernel width)
    bias: np.ndarray | None
    stride: tuple[int, int]
    padding: tuple[int, int]  # above and to the left
    dilation: tuple[int, int]
    out_size: tuple[int, int]

    @classmethod
    def of(cls, name: str, node: Any, shape: tuple[int, ...]) -> _Window:
        flat = isinstance(node, nir.Conv1d)  # an image of one row
        wanted = 2 if flat else 3
        if len(shape) == wanted + 1 and shape[0] == 1:  # a batch of one was traced
            shape = shape[1:]
        if len(shape) != wanted:
            raise SpikelearnError(
                f"node '{name}' takes channels and {'length' if flat else 'height and width'},"
                f" found an input of shape {shape}"
            )
        channels, height, width = (shape[0], 1, shape[1]) if flat else shape

        def pair(value: Any, neutral: int) -> tuple[int, int]:
            numbers = [int(n) for n in np.ravel(value)]
            if flat:
                return neutral, numbers[-1]
            return (numbers[0], numbers[-1])

        stride = pair(node.stride, 1)
        if isinstance(node, nir.SumPool2d | nir.AvgPool2d):
            kernel = pair(node.kernel_size, 1)
            share = 1.0 if isinstance(node, nir.SumPool2d) else 1.0 / float(np.prod(kernel))
            weight, bias = np.full((channels, 1, *kernel), share), None
            dilation = (1, 1)
        else:
            weight = np.asarray(node.weight, dtype=np.float64)
            weight = weight[:, :, None] if flat else weight
            bias = np.broadcast_to(np.ravel(node.bias), weight.shape[:1]).astype(np.float64)
            dilation = pair(node.dilation, 1)
            if weight.shape[1] * int(node.groups) != channels:
                raise SpikelearnError(
                    f"node '{name}' takes"
                    f" {counted(weight.shape[1] * int(node.groups), 'channel')}, but"
                    f" receives {channels}"
                )
        span = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        given = node.padding.decode() if isinstance(node.padding, bytes) else node.padding
        if isinstance(given, str):
            padding = (span[0] // 2, span[1] // 2) if given == "same" else (0, 0)
            total = span if given == "same" else [0, 0]
        else:
            padding = pair(given, 0)
            total = [2 * p for p in padding]
        rows, columns = (
            (n + t - s - 1) // step + 1
            for n, t, s, step in zip((height, width), total, span, stride, strict=True)
        )
        if min(rows, columns) < 1:
            raise SpikelearnError(f"node '{name}': the kernel does not fit into its input {shape}")
        image = (channels, height, width)
        return cls(image, weight, bias, stride, padding, dilation, (rows, columns))

    @property
    def out_shape(self) -> tuple[int, ...]:
        rows, columns = self.out_size
        flat = self.in_shape[1] == 1 and rows == 1 and self.weight.shape[2] == 1
        return (len(self.weight), columns) if flat else (len(self.weight), rows, columns)

    def matrix(self) -> tuple[sparse.csr_array, np.ndarray | None]:
        channels, height, width = self.in_shape
        rows, columns = self.out_size
        out, within, ky, kx, y, x = np.indices((*self.weight.shape, rows, columns)).reshape(6, -1)
        a_group = len(self.weight) * self.weight.shape[1] // channels  # channels out of a group
        from_channel = out // a_group * self.weight.shape[1] + within
        from_y = y * self.stride[0] + ky * self.dilation[0] - self.padding[0]
        from_x = x * self.stride[1] + kx * self.dilation[1] - self.padding[1]
        inside = (from_y >= 0) & (from_y < height) & (from_x >= 0) & (from_x < width)
        to = (out * rows + y) * columns + x
        source = (from_channel * height + from_y) * width + from_x
        values = self.weight[out, within, ky, kx]
        matrix = sparse.csr_array(
            (values[inside], (to[inside], source[inside])),
            shape=(len(self.weight) * rows * columns, channels * height * width),
        )
        bias = None if self.bias is None else np.repeat(self.bias, rows * columns)
        return matrix, bias
