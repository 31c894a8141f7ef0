"""Engines with known times for tests, and recordings that were never measured."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from antcost.cost.analysis import analyze_graph
from antcost.graph.graph import Graph
from antcost.graph.shape import Shape
from antcost.graph.tape import Tape
from antcost.measure.conditions import Conditions
from antcost.measure.engines import Engine, Run, Settings
from antcost.measure.recording import Recording, Subject, Visit
from antcost.sources.network import Network

NS = 10**6


def fixed_work(graph: Graph, settings: Settings) -> Run:
    """Work in proportion to the multiply-adds, about 0.3 ms for MobileNetV2."""
    numbers = range(analyze_graph(graph).madds // 10_000)
    return lambda: sum(numbers)


def named(name: str) -> Network:
    """A network of this name, of a single weight."""
    tape = Tape(Shape((1,)))
    return Network(name, analyze_graph(tape.graph(name, tape.linear(tape.input, 1))))


FAKE = Engine("fake", (), "pip install fake", ("fp32",), fixed_work)

CONDITIONS = Conditions(
    date="2026-01-02T03:04:05+00:00", system="Linux", versions={"antcost": "0"}, cpu="A CPU",
    simd=("avx2",), cpus=4, pinned_to=(3,), not_pinned=None, governor=None, load=0.1,
    others_cpus=0.0, quota_cpus=None, throttled_ns=0, steal_ticks=0,
)  # fmt: skip


def recorded(times_ms: Sequence[Sequence[Sequence[Sequence[float]]]], **changes: Any) -> Recording:
    """A recording of these runs: of each session, each round, each network, some in a row."""
    visits = [
        visit(session, number, subject, runs)
        for session, rounds in enumerate(times_ms)
        for number, networks in enumerate(rounds)
        for subject, runs in enumerate(networks)
    ]
    names = "ABCDEFGH"[: len(times_ms[0][0])]
    subjects = tuple(
        Subject(f"Net {name}", f"nets/{name.lower()}.yaml", 100 * i + 100, 10 * i + 10, 1000)
        for i, name in enumerate(names)
    )
    recording = Recording(
        subjects=subjects, reference=0, baseline=0, engine="fake", settings=Settings(),
        conditions=CONDITIONS, target=0.02, limit_s=60.0, seed=0, seconds=12.0, stopped="target",
        fresh=True,
        visits=tuple(visits),
    )  # fmt: skip
    return replace(recording, **changes)


def visit(
    session: int, number: int, subject: int, runs_ms: Sequence[float], lost_ms: float = 0.0
) -> Visit:
    """Runs that lost the CPU for so long each."""
    wall = tuple(round(ms * NS) for ms in runs_ms)
    cpu = tuple(round((ms - lost_ms) * NS) for ms in runs_ms)
    return Visit(session, number, subject, 0, wall, cpu, 0, 0)
