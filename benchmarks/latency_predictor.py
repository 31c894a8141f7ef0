"""How well latencies are predicted from specs, beside two other ways on the same data.

.venv/bin/python benchmarks/latency_predictor.py

About 4 minutes on one core, which should have nothing else to do. The networks that are predicted
are unknown to all three: shipped ones, and random ones of another seed.
"""

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from tabulate import tabulate

import antcost
from antcost.cost.analysis import analyze_graph
from antcost.cost.folding import folded_norms
from antcost.graph.graph import INPUT, Graph, Node
from antcost.graph.layers import Activation, Conv2d, Linear
from antcost.graph.shape import Shape
from antcost.graph.tape import Tape
from antcost.measure.engines import DEFAULT, Engine, Settings, find_engine
from antcost.measure.pinning import pinned
from antcost.measure.profiling import (
    Plan,
    Profile,
    latencies_ns,
    profile,
    reference_ns,
    timed,
)
from antcost.measure.random_networks import random_networks
from antcost.measure.recording import Recording
from antcost.sources.network import Network
from antcost.views.measurement_notes import disturbances

SHIPPED = (
    "antnet_1.4", "antnet_g1", "antnet_g2", "darts_v2", "densenet_121", "e_antnet",
    "efficientnet_b0", "ghostnet", "googlenet", "mnasnet_a1", "mnasnet_b1", "mobilenet_v1",
    "mobilenet_v2_1.4", "mobilenet_v3_large", "mobilenet_v3_small", "nasnet_a_mobile", "resnet_18",
    "resnet_50", "shufflenet_1.5x", "shufflenet_v2_0.5x", "shufflenet_v2_1x", "squeezenext",
)  # fmt: skip
RANDOM = 14
SEED = 1
TESTING_S = 60.0
ALONE_RUNS = 12
NEAR = (0.05, 0.1)
SETTINGS = Settings()


@dataclass(frozen=True, slots=True)
class PredictedNetwork:
    """A network to predict, what the clock says, and what is predicted in each way."""

    name: str
    measured_ns: float
    predicted_ns: Mapping[str, float]

    def error(self, way: str) -> float:
        return self.predicted_ns[way] / self.measured_ns - 1


def test_graphs() -> dict[str, Graph]:
    graphs = {name: antcost.build_graph(antcost.load(name)) for name in SHIPPED}
    return graphs | {f"{network.name} of seed {SEED}": network.graph for network in fresh()}


def fresh() -> Iterator[Network]:
    return islice(random_networks(SEED), RANDOM)


def madds_line(learned: Profile) -> Callable[[Graph], float]:
    """A straight line through the same networks, over their multiply-adds; errors are relative."""
    count = int(learned.device.measured["networks"])
    times = np.array(latencies_ns(learned.recording)[:count])
    madds = np.array([subject.madds for subject in learned.recording.subjects[:count]])
    columns = np.stack([madds, np.ones(count)], axis=1) / times[:, None]
    (slope, intercept), *_ = np.linalg.lstsq(columns, np.ones(count), rcond=None)
    return lambda graph: float(slope * analyze_graph(graph).madds + intercept)


class Alone:
    """A look-up table: every kernel of a network timed in a network of its own, then summed.

    A convolution or linear layer takes along the batch norm and the activation behind it. What an
    empty network takes is subtracted from each; layers with several different inputs are left out.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.times_ns: dict[object, float] = {}
        self.seconds = 0.0
        self.empty_ns = self._time(almost_empty())

    def predict(self, graph: Graph) -> float:
        return sum(self._kernel_ns(kernel) for kernel in kernels(graph))

    def _kernel_ns(self, kernel: Sequence[Node]) -> float:
        first = kernel[0]
        if len(set(first.input_shapes)) > 1:
            return 0.0
        key = (first.input_shapes, tuple(node.layer for node in kernel))
        if key not in self.times_ns:
            start = time.perf_counter()
            self.times_ns[key] = max(0.0, self._time(alone(kernel)) - self.empty_ns)
            self.seconds += time.perf_counter() - start
        return self.times_ns[key]

    def _time(self, graph: Graph) -> float:
        run = self.engine.prepare(graph, SETTINGS)
        times = []
        for _ in range(4 + ALONE_RUNS):
            start_ns = time.perf_counter_ns()
            run()
            times.append(time.perf_counter_ns() - start_ns)
        return statistics.median(times[4:])


def alone(kernel: Sequence[Node]) -> Graph:
    """The layers as a network whose image is what the first of them reads."""
    first = kernel[0]
    nodes = (replace(first, inputs=(INPUT,) * len(first.inputs)), *kernel[1:])
    return Graph("alone", first.input_shapes[0], nodes, nodes[-1].name)


def almost_empty() -> Graph:
    net = Tape(Shape((8, 1, 1)))
    return net.graph("empty", net.flatten(net.input))


def kernels(graph: Graph) -> list[list[Node]]:
    """Each layer, with the batch norm and the activation behind it if it is a convolution."""
    norms = folded_norms(graph)
    readers = Counter(name for node in graph.nodes for name in node.inputs)
    last_of: dict[str, list[Node]] = {}
    found = []
    for node in graph.nodes:
        before = last_of.get(node.inputs[0])
        follows = node.name in norms or (
            isinstance(node.layer, Activation) and readers[node.inputs[0]] == 1
        )
        if before is not None and follows:
            before.append(node)
            last_of[node.name] = before
            continue
        found.append([node])
        if isinstance(node.layer, Conv2d | Linear):
            last_of[node.name] = found[-1]
    return found


def compared(learned: Profile, engine: Engine) -> tuple[list[PredictedNetwork], Alone, Recording]:
    """The networks measured, on the clock of the profile, and predicted in three ways."""
    graphs = test_graphs()
    named = [Network(name, analyze_graph(graph)) for name, graph in graphs.items()]
    recording = timed(named, engine, SETTINGS, TESTING_S)
    pace = reference_ns(learned.recording) / reference_ns(recording)
    line = madds_line(learned)
    with pinned(SETTINGS.threads):
        table = Alone(engine)
        networks = [
            PredictedNetwork(
                name,
                measured_ns * pace,
                {
                    "antcost": learned.device.latency_ps(analyze_graph(graph)) / 1000,
                    "MAdds": line(graph),
                    "alone": table.predict(graph),
                },
            )
            for (name, graph), measured_ns in zip(
                graphs.items(), latencies_ns(recording), strict=True
            )
        ]
    return networks, table, recording


WAYS = {
    "antcost": "antcost device profile",
    "MAdds": "a line over MAdds",
    "alone": "each kernel alone, summed",
}


def summary(networks: Sequence[PredictedNetwork], seconds: Mapping[str, float]) -> list[list[str]]:
    rows = []
    for way, title in WAYS.items():
        errors = [abs(network.error(way)) for network in networks]
        near = [sum(error <= limit for error in errors) / len(errors) for limit in NEAR]
        rows.append([
            title,
            f"{100 * statistics.median(errors):.1f}",
            *(f"{100 * share:.0f}" for share in near),
            f"{100 * max(errors):.0f}",
            f"{seconds[way]:.0f}",
        ])  # fmt: skip
    return rows


def main() -> None:
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    engine = find_engine(DEFAULT, SETTINGS)
    start = time.perf_counter()
    learned = profile(engine, SETTINGS, Plan())
    profiling_s = time.perf_counter() - start
    networks, table, recording = compared(learned, engine)
    seconds = {"antcost": profiling_s, "MAdds": learned.recording.seconds, "alone": table.seconds}
    print(f"{learned.device.name}, learned from {Plan().networks} random networks\n")
    headers = ["prediction", "median error %", "within 5 %", "within 10 %", "largest %", "seconds"]
    print(tabulate(summary(networks, seconds), headers, tablefmt="github", disable_numparse=True))
    print(f"\n{len(networks)} networks, measured in {recording.seconds:.0f} s")
    rows = [
        [
            network.name,
            f"{network.measured_ns / 1e6:.2f}",
            *(f"{100 * network.error(way):+.1f} %" for way in WAYS),
        ]
        for network in networks
    ]
    headers = ["network", "measured ms", *WAYS.values()]
    print("\n" + tabulate(rows, headers, tablefmt="github", disable_numparse=True))
    for one, what in ((learned.recording, "learning"), (recording, "testing")):
        for line in disturbances(one):
            print(f"While {what}: {line}")


if __name__ == "__main__":
    main()
