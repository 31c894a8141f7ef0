"""A cluster that is there, for joblib: connecting, and what a user can get wrong about it."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, urlsplit

from antcost.errors import AntcostError

CONNECT_S = 10


@contextmanager
def connected(cluster: str) -> Iterator[dict[str, Any]]:
    """What joblib has to be told to run on "dask://host:port" or "ray://host:port".

    Raises AntcostError if the address makes no sense, or nothing answers there within seconds.
    """
    address = _address(cluster)
    connect = {"dask": _dask, "ray": _ray}[address.scheme]
    try:
        with socket.create_connection((address.hostname, address.port), CONNECT_S) as connection:
            if address.scheme == "dask":
                connection.recv(
                    1
                )  # a scheduler greets, and Dask's own client waits for it for ever
    except OSError as error:
        raise _unreachable(cluster, error.strerror or str(error)) from None
    with connect(cluster, address) as settings:
        yield settings


def _address(cluster: str) -> SplitResult:
    try:
        address = urlsplit(cluster)
        complete = address.hostname and address.port and not (address.path or address.query)
    except ValueError:
        complete = None
    if not complete or address.scheme not in ("dask", "ray"):
        raise AntcostError(
            f"--cluster: expected dask://host:port or ray://host:port, got {cluster!r:.100}"
        )
    return address


def _unreachable(cluster: str, reason: str) -> AntcostError:
    return AntcostError(f"--cluster: {cluster} cannot be reached: {reason}")


@contextmanager
def _dask(cluster: str, address: SplitResult) -> Iterator[dict[str, Any]]:
    try:
        from distributed import CancelledError, Client, KilledWorker
    except ModuleNotFoundError:
        raise AntcostError("dask:// needs Dask: pip install 'antcost[cluster]'") from None
    try:
        client = Client(  # type: ignore[no-untyped-call]  # Dask's is not annotated
            f"tcp://{address.netloc}", timeout=CONNECT_S, set_as_default=False
        )
    except (OSError, ValueError):
        raise _unreachable(cluster, "what answers there is no Dask scheduler") from None
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # errors are raised, too
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_S)
        except TimeoutError:
            raise AntcostError(f"--cluster: {cluster} has no workers") from None
        try:
            yield {"backend": "dask", "client": client, "n_jobs": -1}
        except (CancelledError, KilledWorker) as lost:
            raise AntcostError(f"--cluster: {cluster}: {str(lost).splitlines()[0]}") from None


@contextmanager
def _ray(cluster: str, address: SplitResult) -> Iterator[dict[str, Any]]:
    try:
        import ray
        from ray.util.joblib import register_ray
    except ModuleNotFoundError:
        raise AntcostError("ray:// needs Ray: pip install 'ray[client]'") from None
    try:
        ray.init(cluster)
    except ConnectionError:
        raise _unreachable(cluster, "what answers there is no Ray head") from None
    register_ray()
    try:
        yield {"backend": "ray", "n_jobs": -1}
    except ray.exceptions.RayError as lost:
        raise AntcostError(f"--cluster: {cluster}: {str(lost).splitlines()[0]}") from None
    finally:
        ray.shutdown()
