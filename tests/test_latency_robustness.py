"""Measuring where something is in the way: neighbours, quotas, Ctrl-C, no right to pin.

The truth is known, because the networks are loops of known lengths.
"""

import os
import signal
import subprocess
import time
from collections import Counter, namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
from clocks import FAKE, named
from processes import SECONDS, process, wait_for

from antcost.errors import AntcostError
from antcost.graph.graph import Graph
from antcost.measure.engines import Run, Settings
from antcost.measure.lineup import Lineup
from antcost.measure.machine import (
    Quota,
    busy_seconds,
    core_of,
    cpu_model,
    governor,
    quota,
    simd,
    steal_ticks,
)
from antcost.measure.pinning import least_busy, pinned
from antcost.measure.recording import Recording, load_recording, to_json
from antcost.measure.statistics import latencies
from antcost.measure.timing import Goal, measure
from antcost.sources.network import Network
from antcost.views.latency import latency_table

pytest.importorskip("scipy")
psutil = pytest.importorskip("psutil")

pytestmark = pytest.mark.timing

linux = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or not Path("/proc/stat").exists(),
    reason="needs Linux: CPUs to be pinned to, and /proc",
)
two_cpus = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two CPUs")

TRUTH = 1.5
MEASURE = """
import os, sys
from dataclasses import replace
from clocks import FAKE, named
from antcost.measure.engines import Settings
from antcost.measure.lineup import Lineup
from antcost.measure.recording import to_json
from antcost.measure.timing import Goal, measure

cpus, seconds, group = sys.argv[1:4]
if group:
    open(group + "/cgroup.procs", "w").write(str(os.getpid()))
if cpus:
    os.sched_setaffinity(0, map(int, cpus.split(",")))
loops = {"A": range(48_000), "B": range(32_000)}
fake = replace(FAKE, prepare=lambda graph, settings: lambda: sum(loops[graph.name]))
lineup = Lineup(tuple(map(named, loops)))
print("ready", file=sys.stderr, flush=True)
recording = measure(lineup, fake, Settings(), Goal(0.0001, float(seconds)), 0)
print(to_json(recording))
"""
"""Two loops shorter than a time slice, one 1.5 times as long as the other, for so many seconds."""

BUSY = "import os, sys; os.sched_setaffinity(0, [int(sys.argv[1])])\nwhile True: pass"
CPU_LEFT = 0.3


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Processes find the modules of the tests, and what a test puts into its folder."""
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parent}{os.pathsep}{tmp_path}")


def measuring(
    cpus: Sequence[int] = (), seconds: float = 3.0, group: Path | None = None
) -> AbstractContextManager["subprocess.Popen[str]"]:
    return process("-c", MEASURE, ",".join(map(str, cpus)), str(seconds), str(group or ""))


def result(running: "subprocess.Popen[str]", folder: Path) -> Recording:
    out, err = running.communicate(timeout=SECONDS)
    assert running.returncode == 0, err
    file = folder / "r.json"
    file.write_text(out)
    return load_recording(file)


def notes(recording: Recording) -> str:
    return "\n".join(map(str, latency_table(recording).notes))


def assert_right(recording: Recording) -> None:
    """The truth is in the interval, give or take a tenth, and the other way round is not."""
    found = latencies(recording)[1].speed_up
    assert found.low / 1.1 < TRUTH < found.high * 1.1, found
    assert found.low > 1 / TRUTH, found


@linux
@two_cpus
def test_a_busy_neighbour(tmp_path: Path) -> None:
    """Whoever keeps another CPU busy is seen, and changes no ratio."""
    ours, other = sorted(os.sched_getaffinity(0))[:2]
    with process("-c", BUSY, str(other)), measuring([ours]) as running:
        recording = result(running, tmp_path)
    seen = recording.conditions
    assert_right(recording)
    assert seen.pinned_to == (ours,)
    assert seen.others_cpus is not None
    assert seen.others_cpus > 0.4
    assert ("Other work kept" in notes(recording)) == (seen.others_cpus > 0.1 * (seen.cpus or 1))


@linux
def test_a_busy_process_on_the_same_cpu(tmp_path: Path) -> None:
    """Visits that it disturbed are counted and flagged, and the ratio keeps its truth."""
    cpu = min(os.sched_getaffinity(0))
    with process("-c", BUSY, str(cpu)), measuring([cpu], 4) as running:
        recording = result(running, tmp_path)
    assert_right(recording)
    assert max(row.disturbed for row in latencies(recording)) > 0.1
    assert "Disturbed in more than 10 % of the visits" in notes(recording)


@linux
def test_one_cpu_only(tmp_path: Path) -> None:
    cpu = max(os.sched_getaffinity(0))
    with measuring([cpu]) as running:
        recording = result(running, tmp_path)
    assert_right(recording)
    assert recording.conditions.pinned_to == (cpu,)


@linux
def test_a_process_that_is_stopped_now_and_then(tmp_path: Path) -> None:
    """Held back for 40 ms of 100, as by a quota, but by signals."""
    with measuring() as running:
        assert running.stderr is not None
        running.stderr.readline()
        for _ in range(25):
            os.kill(running.pid, signal.SIGSTOP)
            time.sleep(0.04)
            os.kill(running.pid, signal.SIGCONT)
            time.sleep(0.06)
        recording = result(running, tmp_path)
    assert_right(recording)
    longest = max(max(visit.wall_ns) for visit in recording.visits)
    assert longest > 30e6
    assert max(row.disturbed for row in latencies(recording)) > 0.02


@pytest.fixture
def quota_group() -> Iterator[Path]:
    """A control group that allows 0.3 CPUs; of version 1 or 2, if we may make one."""
    mount = Path("/sys/fs/cgroup")
    name = f"antcost-test-{os.getpid()}"
    old, new = mount / "cpu" / name, mount / name
    group = old if old.parent.is_dir() else new
    limits = {
        old: {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "30000"},
        new: {"cpu.max": "30000 100000"},
    }
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control groups can be made here: {error}")
    try:
        for file, text in limits[group].items():
            if not (group / file).exists():
                pytest.skip(f"{group.parent} has no {file}")
            (group / file).write_text(text)
        yield group
    finally:
        group.rmdir()


@linux
def test_a_quota_of_cpu_time(quota_group: Path, tmp_path: Path) -> None:
    with measuring(seconds=4, group=quota_group) as running:
        recording = result(running, tmp_path)
    assert_right(recording)
    seen = recording.conditions
    assert seen.quota_cpus == CPU_LEFT
    assert seen.throttled_ns is not None
    assert seen.throttled_ns > 0
    assert "A quota of 0.3 CPUs held everything back for " in notes(recording)


# What the system says, from files as Linux writes them


def files(root: Path, texts: Mapping[str, str]) -> Path:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


OLD_STAT = "nr_periods 10\nnr_throttled 3\nthrottled_time 250000000\n"
NEW_STAT = "usage_usec 7\nnr_periods 10\nnr_throttled 3\nthrottled_usec 250000\n"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({}, Quota()),
        (
            {
                "proc/self/cgroup": "0::/app\n",
                "sys/fs/cgroup/app/cpu.max": "150000 100000\n",
                "sys/fs/cgroup/app/cpu.stat": NEW_STAT,
            },
            Quota(1.5, 250_000_000),
        ),
        (
            {
                "proc/self/cgroup": "0::/slice/app\n",
                "sys/fs/cgroup/slice/app/cpu.max": "max 100000\n",
                "sys/fs/cgroup/slice/cpu.max": "50000 100000\n",
            },
            Quota(0.5, None),
        ),
        (
            {
                "proc/self/cgroup": "3:memory:/far\n2:cpu,cpuacct:/app\n",
                "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us": "25000\n",
                "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu,cpuacct/app/cpu.stat": OLD_STAT,
            },
            Quota(0.25, 250_000_000),
        ),
        (
            {
                "proc/self/cgroup": "2:cpu:/\n0::/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            Quota(None, None),
        ),
        (
            {
                "proc/self/cgroup": "0::/docker/0123abc\n",
                "sys/fs/cgroup/cpu.max": "200000 100000\n",
                "sys/fs/cgroup/cpu.stat": "usage_usec nonsense\n",
            },
            Quota(2.0, None),
        ),
    ],
)
def test_quotas_of_both_versions(tmp_path: Path, texts: dict[str, str], expected: Quota) -> None:
    """Of our own group, of those above it, and in a container, whose path is the host's."""
    assert quota(files(tmp_path, texts)) == expected


def test_what_linux_says_of_cpus(tmp_path: Path) -> None:
    root = files(tmp_path, {
        "proc/cpuinfo": "processor: 0\nmodel name\t: A CPU @ 2 GHz\nflags\t: fpu avx2 avx512f\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
        "sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0,2\n",
    })  # fmt: skip
    assert (cpu_model(root), simd(root)) == ("A CPU @ 2 GHz", ("avx2", "avx512f"))
    assert (governor(0, root), governor(1, root)) == ("performance", None)
    assert (core_of(0, root), core_of(1, root)) == ("0,2", "1")
    nothing = tmp_path / "nothing"
    assert (cpu_model(nothing), simd(nothing)) == (None, ())


def test_arm_has_its_own_words(tmp_path: Path) -> None:
    root = files(tmp_path, {"proc/cpuinfo": "Features\t: fp asimd asimddp sve\n"})
    assert simd(root) == ("asimd", "asimddp", "sve")


Times = namedtuple("Times", "user nice system idle iowait irq softirq steal guest guest_nice")
TIMES = [Times(1, 2, 3, 40, 5, 6, 7, steal, 1, 0) for steal in (0.25, 0.5, 1)]


@linux
def test_times_of_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guests are part of the user's time; others may have taken some of only two CPUs."""
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu=False: TIMES if percpu else TIMES[0])
    second = os.sysconf("SC_CLK_TCK")
    assert busy_seconds() == 1 + 2 + 3 + 6 + 7
    assert steal_ticks() == 1.75 * second
    assert steal_ticks((0, 2, 17)) == 1.25 * second


def test_the_least_busy_cpus_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPUs 0 and 2 share a core: 2 is idle itself, but comes after one CPU of each core."""
    cores = {0: "0,2", 1: "1", 2: "0,2", 3: "3", 4: "4"}
    monkeypatch.setattr("antcost.measure.pinning.core_of", cores.__getitem__)
    monkeypatch.setattr(psutil, "cpu_percent", lambda seconds, percpu: [1.0, 5.0, 0.0, 2.0])
    assert least_busy({0, 1, 2, 3}) == [0, 3, 1, 2]
    monkeypatch.setattr(psutil, "cpu_percent", lambda seconds, percpu: [9.0, 0.0, 0.0, 0.0])
    assert least_busy({1, 2, 3, 4}) == [1, 2, 3, 4]


# What is not allowed, or not there


LOOPS: dict[str, Run] = {}
LOOPING = replace(FAKE, prepare=lambda graph, settings: LOOPS[graph.name])


def looping(name: str, length: int, hook: Callable[[], object] = lambda: None) -> Network:
    """A network whose run is a loop."""

    def run() -> None:
        hook()
        sum(range(length))

    LOOPS[name] = run
    return named(name)


def measured(*networks: Network, threads: int = 1, limit_s: float = 0.5) -> Recording:
    return measure(Lineup(networks), LOOPING, Settings(threads), Goal(0.001, limit_s), 0)


def test_no_permission_to_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, cpus: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
    recording = measured(looping("A", 3000), looping("B", 2000))
    assert recording.conditions.pinned_to == ()
    assert recording.conditions.not_pinned == "cannot be pinned: Operation not permitted"
    assert "Not pinned to a CPU" in notes(recording)


def test_a_system_without_any_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As macOS: no affinity, no /proc, and no time that a hypervisor takes."""
    mac = namedtuple("mac", "user nice idle system")(1.0, 0.0, 3.0, 1.0)
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    monkeypatch.setattr("antcost.measure.machine.read", lambda path: "")
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu=False: [mac] if percpu else mac)
    recording = measured(looping("A", 3000), looping("B", 2000))
    seen = recording.conditions
    assert seen.not_pinned == "this system cannot pin"
    assert (seen.quota_cpus, seen.throttled_ns, seen.steal_ticks) == (None,) * 3
    assert seen.others_cpus == 0.0
    assert {visit.steal_ticks for visit in recording.visits} == {None}
    file = tmp_path / "r.json"
    file.write_text(to_json(recording))
    assert load_recording(file) == recording


@linux
def test_more_threads_than_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = min(os.sched_getaffinity(0))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {cpu})
    recording = measured(looping("A", 3000), threads=2)
    assert recording.conditions.not_pinned == "2 threads on 1 CPU"


# Ctrl-C, slow networks, engines that fail


def test_ctrl_c_keeps_the_rounds_that_are_complete() -> None:
    calls = iter(range(10**6))

    def interrupt() -> None:
        if next(calls) == 200:
            raise KeyboardInterrupt

    recording = measured(looping("A", 30_000), looping("B", 20_000, interrupt), limit_s=60)
    assert recording.stopped == "interrupted"
    rounds = Counter((visit.session, visit.round) for visit in recording.visits)
    assert set(rounds.values()) == {2}
    assert sum(rounds.values()) > 10


def test_ctrl_c_before_the_first_round_is_passed_on() -> None:
    calls = iter(range(10**6))

    def interrupt() -> None:
        if next(calls) == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured(looping("A", 1000, interrupt))


ENGINE = """
from pathlib import Path
from clocks import FAKE, fixed_work
from dataclasses import replace

calls = 0

def prepare(graph, settings):
    work = fixed_work(graph, settings)
    def run():
        global calls
        calls += 1
        if calls == {after}:
            Path({file!r}).touch()
        work()
    return run

COUNTING = replace(FAKE, name="counting", prepare=prepare)
"""


def counting_engine(folder: Path, after: int) -> Path:
    """An installed package with an engine that touches a file at its run of this number."""
    started = folder / "started"
    (folder / "counting.py").write_text(ENGINE.format(after=after, file=str(started)))
    info = folder / "counting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[antcost.engines]\ncounting = counting:COUNTING\n")
    return started


def test_ctrl_c_on_the_command_line(tmp_path: Path) -> None:
    started, output = counting_engine(tmp_path, after=300), tmp_path / "r.json"
    command = ("-m", "antcost", "latency", "mobilenet_v2", "antnet_g2", "--engine", "counting")
    with process(*command, "--target", "0.001%", "-o", str(output)) as running:
        wait_for(started.exists, running)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=SECONDS)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert "; interrupted; the widest interval is ±" in out
    recording = load_recording(output)
    assert recording.stopped == "interrupted"
    assert notes(recording) in out


def test_ctrl_c_while_networks_are_prepared(tmp_path: Path) -> None:
    started = counting_engine(tmp_path, after=1)
    engine = tmp_path / "counting.py"
    engine.write_text(engine.read_text().replace("        work()", "        while True: work()"))
    output = tmp_path / "r.json"
    command = ("-m", "antcost", "latency", "antnet_g2", "--engine", "counting")
    with process(*command, "-o", str(output)) as running:
        wait_for(started.exists, running)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=SECONDS)
    assert (running.returncode, out) == (130, "")
    assert err == "interrupted before anything was measured\n"
    assert not output.exists()


@pytest.mark.parametrize(("takes_s", "fresh"), [(0.0, True), (0.1, False)])
def test_what_is_quickly_prepared_is_prepared_for_each_session(takes_s: float, fresh: bool) -> None:
    prepared = []

    def prepare(graph: Graph, settings: Settings) -> Run:
        time.sleep(takes_s)
        prepared.append(graph.name)
        return LOOPS[graph.name]

    lineup = Lineup((looping("A", 3000), looping("B", 2000)))
    engine = replace(FAKE, prepare=prepare)
    recording = measure(lineup, engine, Settings(), Goal(0.9, 2.0), 0)
    sessions = len({visit.session for visit in recording.visits})
    assert recording.fresh == fresh
    assert len(prepared) == (2 * sessions if fresh else 2)
    assert sessions >= 10
    first = [prepared[2 * session] for session in range(sessions if fresh else 1)]
    assert set(first) == set("AB" if fresh else "A")


def test_a_slow_network_has_one_round_at_least() -> None:
    sleepy = looping("A", 10, lambda: time.sleep(0.12))
    recording = measured(sleepy, looping("B", 10), limit_s=0.1)
    assert recording.stopped == "time"
    assert len(recording.visits) == 2
    assert "Only 1 session" in notes(recording)
    assert latencies(recording)[1].speed_up.high == inf


def test_a_network_that_cannot_run_ends_it_before_anything_is_timed() -> None:
    def fail() -> None:
        raise ValueError("no kernel")

    with pytest.raises(AntcostError, match=r"^B: fake: no kernel$"):
        measured(looping("A", 10), looping("B", 10, fail))


@linux
def test_affinity_is_put_back_after_an_error() -> None:
    before = os.sched_getaffinity(0)
    with pytest.raises(ZeroDivisionError), pinned(1):
        raise ZeroDivisionError
    assert os.sched_getaffinity(0) == before
