"""Processes of their own for tests, which end with the test: commands, and a Dask cluster."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

SECONDS = 120


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A process that does not outlive the block, nor do those that it has started."""
    with subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_hear_ctrl_c,
    ) as running:
        try:
            yield running
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


def _hear_ctrl_c() -> None:
    """Where tests run in the background of a shell, processes are deaf to it from the start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(what: Callable[[], Any], running: subprocess.Popen[str]) -> None:
    """Wait until it is true; fail if the process ends before, or after a long time."""
    end = time.monotonic() + SECONDS
    while not what():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < end, "took too long"
        time.sleep(0.01)


@contextmanager
def dask_cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A scheduler and two workers on this machine: the address and the workers."""
    pytest.importorskip("distributed")
    file = folder / "scheduler.json"
    scheduler = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    worker = ["worker", "--nthreads", "2", "--no-nanny", "--no-dashboard"]
    with ExitStack() as stack:
        running = stack.enter_context(
            process("-m", "dask", *scheduler, "--scheduler-file", str(file))
        )
        wait_for(lambda: file.exists() and file.read_text().endswith("}"), running)
        address = json.loads(file.read_text())["address"].replace("tcp://", "dask://")
        workers = [
            stack.enter_context(
                process(
                    "-m", "dask", *worker, "--scheduler-file", str(file),
                    "--local-directory", str(folder / str(number)),
                )
            )
            for number in range(2)
        ]  # fmt: skip
        yield address, workers
