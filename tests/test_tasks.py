"""Tasks give the same results in one process, in several and on a cluster, and only once."""

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("joblib")

from antcost.errors import AntcostError, Problem, SpecError
from antcost.search import tasks as tasks_module
from antcost.search.clusters import connected
from antcost.search.tasks import MAX_AHEAD, Task, clear_store, is_kept, kept_path, run_tasks


def square(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload["x"] ** 2).encode()


def noted(payload: dict[str, Any]) -> bytes:
    """Leave a note that the task has run."""
    Path(payload["notes"], str(payload["x"])).touch()
    return square(payload)


def mistaken(payload: dict[str, Any]) -> bytes:
    raise SpecError([Problem("a.yaml:3", "stages", "is wrong")])


def killed(payload: dict[str, Any]) -> bytes:
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def squares(count: int) -> list[Task]:
    return [Task(square, {"x": x}) for x in range(count)]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_comes_with_its_result(workers: int) -> None:
    found = list(run_tasks(squares(40), workers=workers))
    assert sorted(task.payload["x"] for task, _ in found) == list(range(40))
    assert all(int(result) == task.payload["x"] ** 2 for task, result in found)


def test_the_id_is_of_the_call_and_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(square, {"x": 1, "y": [None, 2.5]})
    others = [
        Task(square, {"x": 1, "y": [None, 2.25]}),
        Task(square, {"y": [None, 2.5], "x": 1}),
        Task(noted, task.payload),
    ]
    assert task.id == Task(square, {"x": 1, "y": [None, 2.5]}).id
    assert len({task.id, *(other.id for other in others)}) == 4
    before = task.id
    monkeypatch.setattr(tasks_module, "__version__", "0.0.0")
    assert task.id != before


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_finished_does_not_run_again(tmp_path: Path, workers: int) -> None:
    store, notes = tmp_path / "store", tmp_path / "notes"
    store.mkdir()
    notes.mkdir()
    tasks = [Task(noted, {"x": x, "notes": str(notes)}) for x in range(6)]
    first = list(run_tasks(tasks[:4], workers=workers, store=store))
    assert len(first) == 4
    assert all(kept_path(task, store).read_bytes() == result for task, result in first)
    for note in notes.iterdir():
        note.unlink()
    again = list(run_tasks(tasks, workers=workers, store=store))
    assert sorted(note.name for note in notes.iterdir()) == ["4", "5"]
    assert [task for task, _ in again[:4]] == tasks[:4]
    assert all(int(result) == task.payload["x"] ** 2 for task, result in again)
    clear_store(tasks, store)
    assert not store.exists()


def test_only_results_are_cleared(tmp_path: Path) -> None:
    tasks = squares(3)
    list(run_tasks(tasks, store=tmp_path))
    (tmp_path / "mine.txt").touch()
    clear_store(tasks[:2], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt", tasks[2].id}


def test_results_do_not_pile_up(tmp_path: Path) -> None:
    tasks = [Task(noted, {"x": x, "notes": str(tmp_path)}) for x in range(100)]
    results = run_tasks(tasks, workers=2)
    next(results)
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) <= 2 * MAX_AHEAD + 1
    assert len(list(results)) == 99
    assert len(list(tmp_path.iterdir())) == 100


def test_who_has_enough_may_stop(tmp_path: Path) -> None:
    results = run_tasks(squares(100), workers=2, store=tmp_path)
    taken = [next(results)[0] for _ in range(5)]
    results.close()
    assert [is_kept(task, tmp_path) for task in taken] == [True] * 5


@pytest.mark.parametrize("workers", [1, 2])
def test_a_mistake_is_told_as_it_is(workers: int) -> None:
    with pytest.raises(AntcostError, match=r"^a\.yaml:3: stages: is wrong$"):
        list(run_tasks([*squares(3), Task(mistaken, None), *squares(3)], workers=workers))


def test_a_killed_worker_is_a_line_and_the_rest_is_kept(tmp_path: Path) -> None:
    tasks = squares(10)
    with pytest.raises(AntcostError, match="a worker process was killed"):
        list(run_tasks([*tasks, Task(killed, None)], workers=2, store=tmp_path))
    assert any(is_kept(task, tmp_path) for task in tasks)
    assert len(list(run_tasks(tasks, workers=2, store=tmp_path))) == 10


def test_another_version_is_refused() -> None:
    with pytest.raises(AntcostError, match=r"a worker has antcost .*, and this is antcost 0\.0\.0"):
        tasks_module._call(0, squares(1)[0], "0.0.0")


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(AntcostError, match="missing: cannot be written: No such file"):
        list(run_tasks(squares(2), store=tmp_path / "missing"))


@pytest.mark.parametrize(
    "cluster",
    ["dask", "dask://", "dask://host", "dask://host:99999", "dask://host:x", "dask://h:1/x",
     "http://host:1", "dask://[::1", "ray://:1"],
)  # fmt: skip
def test_addresses_that_make_no_sense(cluster: str) -> None:
    with pytest.raises(AntcostError, match="expected dask://host:port or ray://host:port"):
        list(run_tasks(squares(2), cluster=cluster))


@pytest.mark.parametrize("scheme", ["dask", "ray"])
def test_nobody_there(scheme: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"{scheme}://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(AntcostError, match=f"{address} cannot be reached: Connection refused"):
            list(run_tasks(squares(2), cluster=address))


def test_somebody_else_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antcost.search.clusters.CONNECT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"dask://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(AntcostError, match="cannot be reached: timed out"), connected(address):
            pass


def test_a_cluster_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"ray://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(AntcostError, match=r"ray:// needs Ray: pip install 'ray\[client\]'"):
            list(run_tasks(squares(2), cluster=address))
