"""Runs work in a process of its own: it can be stopped, whatever it does, and leaves no trace in this one.

On Linux the process is forked, so that it has all that the reader has defined, and it is killed when its time is over
or the reader interrupts. Where a fork is not safe, on other systems and once a GPU is in use (neither CUDA nor torch's
engine for gradients survives it there), the work is done here: it is interrupted once, as by the button for that, and
what belongs to the whole process is put back.
"""

import _thread
import builtins
import contextlib
import faulthandler
import gc
import io
import logging
import math
import multiprocessing
import os
import random
import re
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

MEMORY = 4 * 2**30  # bytes that work may take beyond what this process has: the kernel must outlive it
PATIENCE = 30.0  # seconds after which a process ends itself, should the one that is to stop it be gone
QUEUE = 25.0  # seconds that work may wait for a core, which others use, before that counts as its own time

_is_child = False
_ways_out: list = []  # in a child: the ends of pipes that are its own, and not of its children


class Ended(NamedTuple):
    """What work has sent, and how it ended."""

    sent: list
    how: str = ""  # empty where it came to its end, else "time", or in words
    where: tuple[tuple[str, int], ...] = ()  # the files and lines where it was then, the innermost first
    error: str = ""  # the traceback of an error in it


class _CannotFork(Exception):
    pass


def is_child() -> bool:
    """Whether this is a process in which nothing can do harm."""
    return _is_child


def run(work: Callable[[Callable[[Any], None]], None], seconds: float) -> Ended:
    """Do ``work(send)``, stop it after so many seconds, and return what it has sent, which is plain data.

    In a process of its own, time in which others use the cores does not count; time in which it sleeps does.
    """
    if is_child() or sys.platform == "linux" and not torch.cuda.is_initialized():
        try:
            return _apart(work, seconds)
        except (_CannotFork, OSError):
            pass
    return run_here(work, seconds)


# --- in a child -----------------------------------------------------------------------------------------------------


def _apart(work, seconds) -> Ended:
    outermost = not is_child()
    messages, send = multiprocessing.Pipe(duplex=False)
    places, dump = os.pipe()
    child = None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # an interrupt must not come before we can kill
    try:
        child = _fork()
        if child == 0:
            _be_child(work, send, dump, outermost, seconds)
        if outermost:
            os.setpgid(child, child)  # as it does, whoever comes first
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        send.close()
        return _receive(child, messages, places, seconds)
    finally:
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if outermost else os.kill)(child, signal.SIGKILL)
            os.waitpid(child, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for end in (messages, send):
            end.close()
        os.close(places)
        os.close(dump)


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of threads: the child uses none of them
        return os.fork()


def _be_child(work, send, dump, outermost, seconds) -> None:
    """All that a child does. It never returns."""
    global _is_child
    code = 1
    try:
        while _ways_out:  # or this process would keep open what tells that the one above has ended
            _ways_out.pop().close()
        _ways_out.append(send)
        if outermost:
            # A group of its own: interrupts of the kernel do not reach it, and all of it can be killed.
            os.setpgid(0, 0)
            _is_child = True
            _hold_still()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        faulthandler.enable(dump, all_threads=False)
        faulthandler.register(signal.SIGUSR1, dump, all_threads=False)
        _limit(seconds)
        this = os.getpid()
        work(lambda value: send.send((value,)) if os.getpid() == this else os._exit(1))
        send.send(())
        code = 0
    except BaseException as error:
        with contextlib.suppress(BaseException):
            cannot = isinstance(error, _CannotFork)
            send.send(None if cannot else "".join(traceback.format_exception(error)))
    finally:
        os._exit(code)


def _hold_still() -> None:
    """Cut the ties to the process that this is a copy of: its threads are not there, its sockets and files not ours."""
    signal.set_wakeup_fd(-1)
    sys.settrace(None)
    sys.setprofile(None)
    gc.freeze()  # objects of the other process are not ours to finish
    warnings.simplefilter("ignore")
    logging.disable()
    np.seterr(all="ignore")
    if "IPython" in sys.modules:
        from IPython.utils.capture import capture_output

        capture_output(stdout=False, stderr=False).__enter__()  # figures are not shown
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), io.StringIO(), io.StringIO()
    builtins.input = _no_input
    sys.breakpointhook = sys.__breakpointhook__
    torch.set_num_threads(1)  # the other threads of torch are not there
    torch.set_num_threads = lambda nthreads: None
    torch.inference_mode(False).__enter__()
    torch.set_grad_enabled(True)
    try:
        torch.ones((), requires_grad=True).backward()
    except RuntimeError as error:  # where there is a GPU, backward has threads for it
        raise _CannotFork from error


def _no_input(prompt: object = "") -> str:
    raise EOFError("input() has nobody to ask while a check runs: use the arguments")


def _limit(seconds: float) -> None:
    import resource

    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or used + MEMORY < hard:
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(math.ceil(seconds + PATIENCE))  # should nobody be left to kill it


def _receive(child: int, messages, places: int, seconds: float) -> Ended:
    sent: list[Any] = []
    deadline = time.monotonic() + seconds
    while (left := deadline + min(_queued(child), QUEUE) - time.monotonic()) > 0:
        if not messages.poll(min(left, 0.2)):  # an interrupt may come without a signal to this thread: look up for it
            continue
        try:
            message = messages.recv()
        except Exception:  # it is gone, or has written what is none
            return Ended(sent, _how(child), _places(places))
        if message is None:
            raise _CannotFork
        if isinstance(message, str):
            return Ended(sent, error=message)
        if not message:
            return Ended(sent)
        sent.append(message[0])
    os.kill(child, signal.SIGUSR1)
    return Ended(sent, "time", _places(places, 0.5))


def _queued(child: int) -> float:
    """The seconds that a process would have run and had no core. 0 where the kernel does not say."""
    try:
        with open(f"/proc/{child}/schedstat") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def _how(child: int) -> str:
    ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert ended is not None  # only WNOHANG gives None
    if ended.si_code == os.CLD_EXITED:
        return f"exit status {ended.si_status}"
    return f"signal {ended.si_status}, {signal.strsignal(ended.si_status)}"


def _places(pipe: int, seconds: float = 0.01) -> tuple[tuple[str, int], ...]:
    """Files and lines, from what ``faulthandler`` has written. It needs no part of Python to be in order."""
    os.set_blocking(pipe, False)
    deadline, text = time.monotonic() + seconds, b""
    while time.monotonic() <= deadline:
        with contextlib.suppress(BlockingIOError):
            text += os.read(pipe, 2**16)
            deadline = time.monotonic() + 0.02  # it comes in many pieces
        time.sleep(0.002)
    return tuple(
        (file, int(line)) for file, line in re.findall(r'File "(.*)", line (\d+) in ', text.decode(errors="replace"))
    )


# --- here -----------------------------------------------------------------------------------------------------------


def run_here(work: Callable[[Callable[[Any], None]], None], seconds: float) -> Ended:
    """As ``run``, in this process. Raises: KeyboardInterrupt, if that is the reader's."""
    sent: list[Any] = []
    late: list[bool] = []

    def interrupt():
        late.append(True)
        _thread.interrupt_main()

    timer, handler = threading.Timer(seconds, interrupt), signal.getsignal(signal.SIGINT)
    in_main = threading.current_thread() is threading.main_thread()  # no other one can be interrupted
    if in_main:
        if handler is signal.SIG_IGN:  # as in what a shell has started in the background
            signal.signal(signal.SIGINT, signal.default_int_handler)
        timer.start()
    try:
        with _put_back():
            work(sent.append)
    except KeyboardInterrupt as error:
        if not late:
            raise
        frames = traceback.extract_tb(error.__traceback__)
        return Ended(sent, "time", tuple((frame.filename, frame.lineno) for frame in reversed(frames) if frame.lineno))
    finally:
        timer.cancel()
        if in_main and handler is signal.SIG_IGN:
            signal.signal(signal.SIGINT, handler)
    return Ended(sent)


@contextlib.contextmanager
def _put_back():
    """What belongs to the whole process is afterwards as it was."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    trace, environment = sys.gettrace(), dict(os.environ)
    with warnings.catch_warnings(), np.errstate(), contextlib.redirect_stdout(io.StringIO()):
        try:
            torch.set_grad_enabled(True)
            yield
        finally:
            for restore, state in zip((random.setstate, np.random.set_state, torch.set_rng_state), states):
                restore(state)
            torch.set_default_dtype(dtype)
            torch.set_grad_enabled(gradients)
            sys.settrace(trace)
            os.environ.clear()
            os.environ.update(environment)
