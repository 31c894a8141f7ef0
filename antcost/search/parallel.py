"""Calls in this process, in a pool of processes, or on an existing cluster, all by joblib."""

import logging
import re
import signal
import socket
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError

from antcost.errors import AntcostError

CONNECT_S = 10
AHEAD = 4
"""Calls for each worker that are given to Ray at once."""


def run_calls(
    function: Callable[..., Any],
    arguments: Sequence[tuple[Any, ...]],
    *,
    workers: int = 1,
    cluster: str | None = None,
) -> Iterator[tuple[int, Any]]:
    """Yield the number of each call and what it returns, in the order in which they finish.

    They run on all workers of the cluster ("dask://host:port", "ray://host:port") if there is one,
    else in this process or in a pool of processes. Raises AntcostError for a cluster that cannot be
    used and for a worker that was killed, and whatever a call raises.
    """
    calls = [delayed(_numbered)(number, function, *each) for number, each in enumerate(arguments)]
    with _backend(workers, cluster) as settings, parallel_config(**settings):
        if settings["backend"] != "ray":
            yield from _closing_quietly(
                Parallel(batch_size=1, return_as="generator_unordered")(calls)
            )
            return
        step = AHEAD * effective_n_jobs()  # this backend only returns lists
        for start in range(0, len(calls), step):
            yield from Parallel(batch_size=1)(calls[start : start + step])


def _numbered(number: int, function: Callable[..., Any], *arguments: Any) -> tuple[int, Any]:
    return number, function(*arguments)


def _closing_quietly(results: Generator[Any, None, None]) -> Iterator[Any]:
    """Yield the results; joblib warns of those that are never taken, such as after Ctrl-C."""
    try:
        for result in results:  # noqa: UP028  # `yield from` would close it outside of this block
            yield result
    except TerminatedWorkerError:
        raise AntcostError("a worker process was killed, perhaps for want of memory") from None
    finally:
        with warnings.catch_warnings(action="ignore"):
            results.close()


@contextmanager
def _backend(workers: int, cluster: str | None) -> Iterator[dict[str, Any]]:
    """Yield the settings for joblib; Ctrl-C is for this process, not for those of its pool."""
    if cluster is None:
        yield {
            "backend": "loky",
            "n_jobs": workers,
            "initializer": signal.signal,
            "initargs": (signal.SIGINT, signal.SIG_IGN),
        }
        return
    if not re.fullmatch(r"(dask|ray)://[^\s/?#]+:\d+", cluster):
        raise AntcostError(
            f"--cluster: expected dask://host:port or ray://host:port, got {cluster!r:.100}"
        )
    scheme, _, address = cluster.partition("://")
    try:
        with _dask(address) if scheme == "dask" else _ray(cluster):
            yield {"backend": scheme, "n_jobs": -1}
    except (OSError, OverflowError, UnicodeError) as error:  # the others: no such port or name
        raise AntcostError(
            f"--cluster: {cluster} cannot be reached: {_first_line(error)}"
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


@contextmanager
def _dask(address: str) -> Iterator[None]:
    try:
        from distributed import CancelledError, Client, KilledWorker
    except ModuleNotFoundError:
        raise AntcostError("dask:// needs Dask: pip install 'antcost[cluster]'") from None
    host, _, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), CONNECT_S) as connection:
        connection.recv(1)  # a scheduler greets, and Dask's own client waits for it for ever
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # errors are raised, too
    with Client(f"tcp://{address}", timeout=CONNECT_S):  # type: ignore[no-untyped-call]
        try:
            yield
        except (CancelledError, KilledWorker) as lost:
            raise AntcostError(f"--cluster: {_first_line(lost)}") from None


@contextmanager
def _ray(cluster: str) -> Iterator[None]:
    try:
        import ray
        from ray.util.joblib import register_ray
    except ModuleNotFoundError:
        raise AntcostError("ray:// needs Ray: pip install 'ray[client]'") from None
    register_ray()
    with ray.init(cluster):
        try:
            yield
        except ray.exceptions.RayError as lost:
            raise AntcostError(f"--cluster: {_first_line(lost)}") from None
