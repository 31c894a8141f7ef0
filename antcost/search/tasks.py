"""Independent tasks: in this process, in a pool of processes, or on a cluster that is there.

One path for all of them, so that the same run gives the same results anywhere; with a store, what
is finished is never computed again.
"""

import json
import os
import signal
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError

from antcost.errors import AntcostError
from antcost.search.clusters import connected
from antcost.version import __version__

MAX_AHEAD = 6
"""How many results for each worker may be on their way, or wait here until somebody takes them."""


@dataclass(frozen=True, slots=True)
class Task:
    """A call of a pure function of a module, on plain values such as JSON has; it returns bytes."""

    function: Callable[[Any], bytes]
    payload: Any

    @property
    def id(self) -> str:
        """The same for the same call in the same version of antcost, and for no other.

        The order of keys in the payload counts, as it does in a search file.
        """
        name = f"{self.function.__module__}.{self.function.__qualname__}"
        content = json.dumps([__version__, name, self.payload], separators=(",", ":"))
        return sha256(content.encode()).hexdigest()


def run_tasks(
    tasks: Iterable[Task],
    *,
    workers: int = 1,
    cluster: str | None = None,
    store: Path | None = None,
) -> Generator[tuple[Task, bytes], None, None]:
    """Yield each task with its result, as they are finished.

    They run in this process if there is one worker, in a pool of processes if there are several,
    and on all workers of the cluster ("dask://host:port", "ray://host:port") if there is one. Only
    some are under way at a time, so results do not pile up.

    `store` is a folder that exists. Every result is in it, whole, before it is yielded; results
    that are there already come first, and their tasks do not run. Only this process writes.

    Raises AntcostError for a cluster that cannot be used, for a worker that was lost too often,
    and with what a task itself raised. What is in the store then stays there.
    """
    waiting = []
    for task in tasks:
        if store is not None and is_kept(task, store):
            yield task, kept_path(task, store).read_bytes()
        else:
            waiting.append(task)
    with closing(_results(waiting, workers, cluster)) as results:
        for task, result in results:
            if store is not None:
                _keep(result, kept_path(task, store))
            yield task, result


def kept_path(task: Task, store: Path) -> Path:
    """Where a store has the result of a task."""
    return store / task.id


def is_kept(task: Task, store: Path) -> bool:
    """Whether a store has the result of a task."""
    return kept_path(task, store).is_file()


def clear_store(tasks: Iterable[Task], store: Path) -> None:
    """Remove the results of these tasks from a store, and the folder if nothing else is in it."""
    for task in tasks:
        kept_path(task, store).unlink(missing_ok=True)
        _temporary(kept_path(task, store)).unlink(missing_ok=True)
    if not any(store.iterdir()):
        store.rmdir()


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.tmp")


def _keep(result: bytes, path: Path) -> None:
    temporary = _temporary(path)
    try:
        temporary.write_bytes(result)
        os.replace(temporary, path)
    except OSError as error:
        raise AntcostError(f"{path.parent}: cannot be written: {error.strerror}") from None


def _results(
    tasks: Sequence[Task], workers: int, cluster: str | None
) -> Generator[tuple[Task, bytes], None, None]:
    """Results in order of completion."""
    if not tasks:
        return
    if cluster is not None:
        with connected(cluster) as settings:
            yield from _spread(tasks, settings)
    elif workers > 1:
        yield from _spread(tasks, _pool(workers))
    else:
        for task in tasks:
            yield task, task.function(task.payload)


def _pool(workers: int) -> dict[str, Any]:
    """For joblib: a pool of processes with one thread each, which last no longer than this one."""
    return {
        "backend": "loky",
        "n_jobs": workers,
        "inner_max_num_threads": 1,
        "initializer": _begin,
        "initargs": (os.getpid(),),
    }


def _begin(client: int) -> None:
    """In a process of the pool: Ctrl-C is for the client, and if that is gone, so is the work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(client,), daemon=True).start()


def _end_with(client: int) -> None:
    while os.getppid() == client:
        time.sleep(1)
    os._exit(1)


def _spread(
    tasks: Sequence[Task], settings: dict[str, Any]
) -> Generator[tuple[Task, bytes], None, None]:
    """Results in order of completion, from where joblib runs the tasks with these settings.

    joblib starts a task when one is finished, whether or not its result has been taken. So it gets
    the tasks in portions, and a portion ends early only where too many results wait.
    """
    with parallel_config(**settings):
        parallel = Parallel(batch_size=1, return_as=_return_as(settings["backend"]))
        most = MAX_AHEAD * effective_n_jobs()
    left = iter(enumerate(tasks))
    given = taken = 0

    def portion() -> Iterator[Any]:
        nonlocal given
        while given - taken < most and (numbered := next(left, None)):
            given += 1
            yield delayed(_call)(*numbered, __version__)

    while taken < len(tasks):
        with _abandoned_quietly(_each(parallel(portion()))) as results:
            for index, result in results:
                taken += 1
                yield tasks[index], result


def _return_as(backend: str) -> str:
    """Ray's backend for joblib cannot give results one by one."""
    return "list" if backend == "ray" else "generator_unordered"


def _each(results: Iterable[Any]) -> Generator[Any, None, None]:
    yield from results


def _call(index: int, task: Task, version: str) -> tuple[int, bytes]:
    """The index with the task's result. Raises AntcostError in another version of antcost."""
    if version != __version__:
        raise AntcostError(f"a worker has antcost {__version__}, and this is antcost {version}")
    try:
        return index, task.function(task.payload)
    except AntcostError as error:
        raise AntcostError(str(error)) from None  # which, unlike its subclasses, can be sent


@contextmanager
def _abandoned_quietly(results: Generator[Any, None, None]) -> Iterator[Iterator[Any]]:
    """joblib warns of tasks whose results nobody takes; whoever stops early knows."""
    try:
        yield results
    except TerminatedWorkerError:
        raise AntcostError("a worker process was killed, perhaps for want of memory") from None
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\d+ tasks (have|which)", UserWarning)
            results.close()
