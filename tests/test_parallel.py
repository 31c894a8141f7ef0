"""Calls give the same results in one process, in several and on a cluster."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("joblib")

from processes import dask_cluster

from antcost.errors import AntcostError
from antcost.search.parallel import run_calls
from antcost.search.rerank import load_function


def difference(x: int, y: int) -> int:
    return x - y


def mistaken(x: int) -> None:
    raise AntcostError(f"{x} is wrong")


def killed(x: int) -> None:
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_call_comes_with_its_result(workers: int) -> None:
    found = dict(run_calls(difference, [(x, 5) for x in range(40)], workers=workers))
    assert found == {x: x - 5 for x in range(40)}


def test_no_calls_have_no_results() -> None:
    assert list(run_calls(difference, [], workers=2)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_who_has_enough_may_stop(workers: int) -> None:
    results = run_calls(difference, [(x, 0) for x in range(100)], workers=workers)
    taken = [next(results)[0] for _ in range(5)]
    results.close()
    assert len(set(taken)) == 5


@pytest.mark.parametrize("workers", [1, 2])
def test_a_mistake_is_told_as_it_is(workers: int) -> None:
    with pytest.raises(AntcostError, match=r"^3 is wrong$"):
        list(run_calls(mistaken, [(3,)], workers=workers))


def test_a_killed_worker_is_a_line() -> None:
    with pytest.raises(AntcostError, match="a worker process was killed"):
        list(run_calls(killed, [(1,), (2,)], workers=2))
    assert len(list(run_calls(difference, [(1, 1), (2, 2)], workers=2))) == 2


@pytest.mark.parametrize(
    "cluster", ["dask", "dask://", "dask://host", "dask://host:x", "dask://h:1/x", "http://h:1"]
)
def test_addresses_that_make_no_sense(cluster: str) -> None:
    with pytest.raises(AntcostError, match="expected dask://host:port or ray://host:port"):
        list(run_calls(difference, [(1, 1)], cluster=cluster))


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("antcost.search.parallel.CONNECT_S", 0.5)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"dask://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(AntcostError, match=f"{address} cannot be reached: "):
            list(run_calls(difference, [(1, 1)], cluster=address))


def test_somebody_who_does_not_greet(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("antcost.search.parallel.CONNECT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"dask://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(AntcostError, match=f"{address} cannot be reached: timed out"):
            list(run_calls(difference, [(1, 1)], cluster=address))


def test_a_cluster_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(AntcostError, match=r"ray:// needs Ray: pip install 'ray\[client\]'"):
        list(run_calls(difference, [(1, 1)], cluster="ray://127.0.0.1:1"))


def test_a_cluster_makes_the_calls(tmp_path: Path) -> None:
    with dask_cluster(tmp_path) as (address, _):
        calls = [(x, 1) for x in range(20)]
        assert dict(run_calls(max, calls, cluster=address)) == {x: max(x, 1) for x in range(20)}
        with pytest.raises(AntcostError, match="expected MODULE:FUNCTION"):
            list(run_calls(load_function, [("mine",)], cluster=address))
