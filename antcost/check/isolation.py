"""Tools in processes of their own: none meets what another has patched, printed or left behind."""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from multiprocessing import forkserver
from multiprocessing.connection import Connection

from antcost.check.tools import TOOLS, ToolReport
from antcost.errors import AntcostError
from antcost.graph.graph import Graph

_SERVER = multiprocessing.get_context("forkserver")


@dataclass(frozen=True, slots=True)
class Job:
    """A tool that is to count a network."""

    tool: str
    graph: Graph


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a job: a report, or the problem; and what the tool warned of."""

    version: str = ""
    report: ToolReport | None = None
    problem: str = ""
    warnings: tuple[str, ...] = ()


def answers(jobs: Sequence[Job]) -> Iterator[tuple[Job, Answer]]:
    """Yield jobs and answers as they are ready, from as many processes as there are cores.

    A script that calls this needs `if __name__ == "__main__":`, as for all of multiprocessing.
    """
    _start_server()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        futures = {pool.submit(_in_process, job): job for job in jobs}
        try:
            yield from ((futures[future], future.result()) for future in as_completed(futures))
        finally:
            pool.shutdown(cancel_futures=True)


def _start_server() -> None:
    """Start the process that the others are forked from, deaf to Ctrl-C, which is for us."""
    _SERVER.set_forkserver_preload(["antcost.backends.torch_module", "torch.utils.flop_counter"])
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        forkserver.ensure_running()
        signal.signal(signal.SIGINT, before)


def _in_process(job: Job) -> Answer:
    receiver, sender = _SERVER.Pipe(duplex=False)
    process = _SERVER.Process(target=_answer_to, args=(sender, job), daemon=True)
    process.start()
    sender.close()
    try:
        answer: Answer = receiver.recv()
    except EOFError:
        process.join()
        return Answer(problem=f"its process ended with exit code {process.exitcode}")
    process.join()
    return answer


def _answer_to(sender: Connection, job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sender.send(answer(job))


def answer(job: Job) -> Answer:
    """Let the tool count a fresh module in eval mode; its noise is silenced, its warnings kept."""
    tool = TOOLS[job.tool]
    try:
        installed = version(tool.package)
    except PackageNotFoundError:
        return Answer(problem=f"not installed: {tool.install}")
    with _kept_warnings() as kept:
        report, problem = _count(job)
    return Answer(installed, report, problem, tuple(dict.fromkeys(kept)))


def _count(job: Job) -> tuple[ToolReport | None, str]:
    import torch

    from antcost.backends.torch_module import torch_module

    torch.set_num_threads(1)
    tool = TOOLS[job.tool]
    try:
        module = torch_module(job.graph).eval()
        return tool.count(module, torch.zeros(1, *job.graph.input.dims)), ""
    except AntcostError as error:
        return None, str(error)
    except ImportError as error:
        return None, f"cannot be imported ({error}): {tool.install}"
    except Exception as error:
        return None, f"fails with {' '.join(f'{type(error).__name__} {error}'.split())}"


@contextlib.contextmanager
def _kept_warnings() -> Iterator[list[str]]:
    """Silence what is printed, and collect the texts of warnings and of logged ones."""
    kept: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: kept.append(record.getMessage())  # type: ignore[method-assign]
    root = logging.getLogger()
    root.addHandler(handler)
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(StringIO()),
        contextlib.redirect_stderr(StringIO()),
    ):
        warnings.simplefilter("always")
        yield kept
    root.removeHandler(handler)
    kept.extend(str(warning.message) for warning in caught)
