"""How fast antcost counts beside fvcore and torch, as ratios in one run.

.venv/bin/python benchmarks/counting.py
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tabulate import tabulate

import antcost

HERE = Path(__file__).parent
ROUNDS = 9
CALLS = 10
LIBRARIES = "import typer, pydantic.fields, importlib.metadata, yaml, tabulate"
BIN = Path(sys.executable).parent
COMMANDS = {
    "antcost table --spec specs/antnet_g2.yaml": [
        str(BIN / "antcost"), "table", "--spec", str(HERE.parent / "specs" / "antnet_g2.yaml"),
    ],
    "the same network in fvcore (benchmarks/fvcore_antnet_g2.py)": [
        sys.executable, str(HERE / "fvcore_antnet_g2.py")
    ],
    "importing antcost's four libraries, nothing else": [sys.executable, "-c", LIBRARIES],
}  # fmt: skip


def run_process(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak MiB of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def whole_process() -> None:
    """Each command in turn, so that the drift of the machine meets all of them."""
    rounds = [[run_process(c) for c in COMMANDS.values()] for _ in range(ROUNDS + 1)][1:]
    rows = []
    for name, *runs in zip(COMMANDS, *rounds, strict=True):
        walls, peaks = zip(*runs, strict=True)
        ratio = statistics.median(run[0] / own[0][0] for run, own in zip(runs, rounds, strict=True))
        rows.append((name, statistics.median(walls), ratio, max(peaks)))
    headers = ("whole process", "median s", "x antcost", "peak MiB")
    print(tabulate(rows, headers, floatfmt=("", ".2f", ".1f", ".0f")), end="\n\n")


def seconds(function: Callable[[], int]) -> float:
    """Mean of a few calls in a row."""
    start = time.perf_counter()
    for _ in range(CALLS):
        assert function() == 601_548_544
    return (time.perf_counter() - start) / CALLS


def in_process() -> None:
    """MobileNetV2, already loaded, to its totals: by antcost and by torch's own counter."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from torch_networks import mobilenet_v2

    spec, module, image = antcost.load("mobilenet_v2"), mobilenet_v2(), torch.zeros(1, 3, 224, 224)

    def count_with_torch() -> int:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            module(image)
        return counter.get_total_flops()

    counters: Mapping[str, Callable[[], int]] = {
        "antcost, from the loaded spec": lambda: antcost.analyze(spec).flops,
        "antcost, from the YAML file": lambda: antcost.analyze("mobilenet_v2").flops,
        "torch FlopCounterMode, from the module": count_with_torch,
    }
    rounds = [[seconds(c) for c in counters.values()] for _ in range(ROUNDS + 1)][1:]
    rows = []
    for name, *runs in zip(counters, *rounds, strict=True):
        ratio = statistics.median(run / own[0] for run, own in zip(runs, rounds, strict=True))
        rows.append((name, 1000 * statistics.median(runs), ratio))
    headers = ("MobileNetV2 to totals, in process", "median ms", "x antcost")
    print(tabulate(rows, headers, floatfmt=("", ".2f", ".1f")))


if __name__ == "__main__":
    whole_process()
    in_process()
