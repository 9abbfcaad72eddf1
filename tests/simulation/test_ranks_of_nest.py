"""What each of several ranks makes in NEST: together the whole, and no synapse twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from spikelearn._cores import cores
from spikelearn._errors import SpikelearnError
from spikelearn._threads import at_most
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.grid.network import GridNetwork, to_grid
from spikelearn.simulation.memory import Run, needed_bytes
from spikelearn.simulation.nest import kernel
from spikelearn.simulation.nest.inputs import Feed
from spikelearn.simulation.nest.network import clock_of, make
from spikelearn.simulation.nest.ranks import ALONE, Ranks, ranks_of
from spikelearn.stimuli import poisson_spikes
from spikelearn.stimuli.stimulus import Stimulus

needs_nest = pytest.mark.skipif(find_spec("nest") is None, reason="NEST is not installed")


class Speaking:
    """A communicator on which the other ranks say what they are given to say."""

    def __init__(self, said: list[Any]) -> None:
        self.said = said

    def allgather(self, mine: Any) -> list[Any]:
        return [mine, *self.said]

    def Allreduce(self, mine: np.ndarray, whole: np.ndarray) -> None:
        whole[:] = mine + self.said[0]


class Recording:
    """A communicator on which the other ranks have recorded these numbers."""

    def __init__(self, recorded: list[list[int]]) -> None:
        self.recorded = recorded

    def allgather(self, mine: int) -> list[int]:
        return [mine, *map(len, self.recorded)]

    def Allgatherv(self, mine: np.ndarray, whole: Any) -> None:
        numbers, counts = whole
        assert counts == self.allgather(mine.size)
        numbers[:] = np.concatenate([mine, *self.recorded])


def test_every_node_is_at_home_on_one_rank() -> None:
    for number in (1, 2, 3, 7):
        for first, size in ((1, 1), (5, 2), (8, 23)):
            nodes = first + np.arange(size)
            all_places = []
            for rank in range(number):
                ranks = Ranks(number, rank)
                places = np.arange(size)[ranks.places(first, size)]
                np.testing.assert_array_equal(nodes[places], nodes[ranks.at_home(nodes)])
                assert (nodes[places] % number == rank).all()
                assert places.size <= ranks.share(size)
                all_places.extend(places)
            assert sorted(all_places) == list(range(size))


def test_what_is_recorded_is_put_together() -> None:
    two = Ranks(2, 0, Speaking([2]))
    assert (two.least(3), two.least(1)) == (2, 1)
    assert Ranks(2, 0, Speaking([True])).any(False)
    assert not Ranks(2, 0, Speaking([False])).any(False)
    values = np.array([[1.0, 0.0, -3.0], [0.0, 0.5, 0.0]])
    Ranks(2, 0, Speaking([np.array([0, 7.0, 0, 0, 0, 2.0])])).add_up(values)
    np.testing.assert_array_equal(values, [[1.0, 7.0, -3.0], [0.0, 0.5, 2.0]])
    three = Ranks(3, 0, Recording([[], [8, 1]]))
    np.testing.assert_array_equal(three.gathered(np.array([5, 4, 6])), [5, 4, 6, 8, 1])
    np.testing.assert_array_equal(three.gathered(np.empty(0)), [8, 1])
    assert ALONE.gathered(values) is values
    assert (ALONE.least(3), ALONE.any(True)) == (3, True)


def grid(seed: int = 1, **fields: Any) -> GridNetwork:
    """Sources, currents that spikes jump, drawn delays, background, noise, of odd numbers."""
    cell = {"model": "lif", "v_threshold_mv": 10.0, "refractory_ms": 1.0}
    current = {"model": "exponential", "tau_ms": 3.0}
    described: dict[str, Any] = {
        "populations": {
            "in": {"model": "spike_source", "size": 3},
            "one": {**cell, "size": 1},
            "n": {**cell, "size": 11, "v_init_mv": np.linspace(0.0, 9.0, 11)},
        },
        "projections": [
            {"source": "in", "target": "n", "weight_mv": 2.0, "synapse": current},
            {"source": "n", "target": "one", "weight_mv": -1.5, "delay_ms": 1.5},
            {"source": "n", "target": "n", "synapse": current,
             "weight_mv": {"distribution": "normal", "mean": 1.0, "sd": 0.5},
             "delay_ms": {"distribution": "uniform", "low": 0.3, "high": 2.0},
             "connectivity": {"kind": "fixed_probability", "probability": 0.4}},
        ],
        "background": [{"target": "n", "rate_hz": 900.0, "weight_mv": 4.0, "synapse": current}],
        "noise": [{"target": "n", "unit": "mv", "mean": 2.0, "sd": 3.0, "interval_ms": 1.0}],
        **fields,
    }  # fmt: skip
    network = SpikingNetwork(name="x", **described)
    given = poisson_spikes(3, 90.0, 20.0, 0.1, np.random.default_rng(seed))
    return to_grid(network, Stimulus(spikes={"in": given}), 20.0, 0.1, seed, ())


def made_on(nest: Any, of: GridNetwork, ranks: Ranks) -> dict[str, Any]:
    """What a rank makes: synapses among neurons, and what each neuron gets from outside.

    NEST runs on one process here, where every node is at home.
    """
    nest.ResetKernel()
    made = make(nest, of, clock_of(of), ranks)
    Feed(of, made, 0).feed(200)
    found: dict[str, Any] = {"synapses": Counter(), "background": {}, "noise": {}}
    outside = {
        id_: (kind, generator)
        for kind, nodes in (("background", made.backgrounds[0]), ("noise", made.drives["n"]))
        for id_, generator in zip(nodes.tolist(), nodes, strict=True)
    }
    among = [n for name in ("one", "n") for n in made.neurons[name].tolist()]
    among += made.sources["in"].tolist()
    onto = nest.GetConnections(target=made.neurons["one"] + made.neurons["n"])
    told = ["source", "target", "weight", "delay", "receptor"]
    for c in onto.get(told, output="pandas").itertuples():
        if c.source in outside:
            kind, generator = outside[c.source]
            values = generator.get(
                ["spike_times", "spike_multiplicities"] if kind == "background"
                else ["amplitude_times", "amplitude_values"]
            )  # fmt: skip
            numbers = {k: np.asarray(v, dtype=float).ravel().tolist() for k, v in values.items()}
            found[kind][c.target] = (numbers, c.weight, c.delay, c.receptor)
        elif c.source in among:
            # Nodes have other numbers where there are fewer generators: by their place.
            found["synapses"][among.index(c.source), among.index(c.target), *c[3:]] += 1
    found["first"] = made.neurons["n"].tolist()[0]
    return found


@needs_nest
def test_ranks_make_the_whole_together_and_nothing_twice() -> None:
    of = grid()
    with kernel.empty_kernel() as nest:
        whole = made_on(nest, of, ALONE)
        parts = [made_on(nest, of, Ranks(3, rank, _Alike())) for rank in range(3)]
    assert sum(whole["synapses"].values()) > 60
    assert len(whole["background"]) == len(whole["noise"]) == 11
    together, fillers = Counter[Any](), 0
    for rank, part in enumerate(parts):
        first = part["first"]
        mine = {n for n in range(first - 1, first + 11) if n % 3 == rank}
        # NEST makes nothing of one that ends elsewhere, as it does here.
        elsewhere = [s for s in part["synapses"] if first - 1 + s[1] not in mine]
        assert len(elsewhere) <= 1
        fillers += len(elsewhere)
        together += Counter({s: n for s, n in part["synapses"].items() if s not in elsewhere})
        for kind in ("background", "noise"):
            assert set(part[kind]) == mine - {first - 1}
            for n, values in part[kind].items():
                assert values == whole[kind][n - first + whole["first"]]
    assert together == whole["synapses"]
    assert fillers == 2  # the population of one neuron is at home on one of three ranks


class _Alike:
    """Other ranks that say what this one says."""

    def allgather(self, mine: Any) -> list[Any]:
        return [mine] * 3


def test_ranks_that_simulate_something_else_are_refused() -> None:
    of = grid()
    from spikelearn.simulation.nest.ranks import _key

    same = _key(grid())
    Ranks(2, 0, Speaking([same])).check_same(of)
    others = {
        "seed": grid(seed=2),
        "duration": replace(of, n_steps=100),
        "weights": grid(background=[{"target": "n", "rate_hz": 900.0, "weight_mv": 4.5,
                                     "synapse": {"model": "exponential", "tau_ms": 3.0}}]),
        "recorded": replace(of, record_potential=("n",)),
        "noise": grid(noise=[]),
    }  # fmt: skip
    for name, other in others.items():
        with pytest.raises(SpikelearnError, match="rank 1 of them has another network"):
            Ranks(2, 0, Speaking([_key(other)])).check_same(of)
        assert name
    with pytest.raises(SpikelearnError, match="ranks 1, 3 of them have another network"):
        Ranks(4, 0, Speaking(["x", same, "y"])).check_same(of)
    ALONE.check_same(of)


def test_ranks_of_a_machine_share_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr("spikelearn.simulation.nest.ranks._cores", lambda: {0, 1, 2, 3})
    monkeypatch.setattr("spikelearn.simulation.nest.ranks.cores", lambda: 4)
    monkeypatch.setattr("spikelearn._threads.cores", lambda: 4)
    here = socket.gethostname()

    class Beside(Speaking):
        def allgather(self, mine: Any) -> list[Any]:
            return super().allgather(mine) if isinstance(mine, tuple) else [mine, mine]

    def threads(*others: tuple[str, list[int]]) -> int:
        return Ranks(1 + len(others), 0, Beside(list(others))).threads()

    assert threads((here, [0, 1, 2, 3])) == 2  # all run on all
    assert threads((here, [4, 5, 6, 7])) == 4  # bound to cores of their own
    assert threads(("elsewhere", [0, 1, 2, 3])) == 4
    assert threads(*[(here, [0, 1, 2, 3])] * 9) == 1
    with at_most(3):  # as the user says
        assert threads((here, [0, 1, 2, 3])) == 3
    assert ALONE.threads() == cores() or ALONE.threads() == 4


@needs_nest
def test_processes_that_nest_does_not_join_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    nest = kernel.import_nest()
    if nest.GetKernelStatus("num_processes") > 1:
        pytest.skip("NEST runs on several ranks")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    network = SpikingNetwork(name="x", populations={"n": {"model": "lif", "v_threshold_mv": 1.0,
                                                          "size": 1}})  # fmt: skip
    with pytest.raises(SpikelearnError, match=r"2 processes were started together.*built with"):
        simulate(network, None, 5.0, 0.1, "nest")
    assert ranks_of(nest) is ALONE


def test_the_way_to_mpi4py_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    class OnTwo:
        def GetKernelStatus(self, name: str) -> int:
            return {"num_processes": 2}[name]

    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(SpikelearnError, match="pip install mpi4py"):
        ranks_of(OnTwo())

    class Mpi:
        class MPI:
            class COMM_WORLD:
                Get_size = staticmethod(lambda: 1)

    monkeypatch.setitem(sys.modules, "mpi4py", Mpi)  # type: ignore[arg-type]
    with pytest.raises(SpikelearnError, match="mpi4py on 1: they use two kinds of MPI"):
        ranks_of(OnTwo())


def test_the_memory_of_a_machine_holds_all_its_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    dense = {"source": "n", "target": "n", "weight_mv": 0.1, "delay_ms": 1.0}
    network = SpikingNetwork(
        name="x",
        populations={"n": {"model": "lif", "size": 20_000, "v_threshold_mv": 1.0}},
        projections=[dense],
    )
    sizes = {}
    for number, here in ((1, 1), (4, 4), (4, 1)):
        monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", str(number))
        monkeypatch.setenv("OMPI_COMM_WORLD_LOCAL_SIZE", str(here))
        for backend in ("nest", "native"):
            sizes[backend, number, here] = needed_bytes(Run(network, backend, 1, 100, 0.1))
    alone = sizes["nest", 1, 1]
    assert sizes["nest", 4, 1] < alone < sizes["nest", 4, 4] < 4 * alone
    assert len({size for (backend, *_), size in sizes.items() if backend == "native"}) == 1
