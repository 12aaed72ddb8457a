"""Runs programs: their complaint becomes one sentence, and an interrupt ends them all."""
import os
import signal
import subprocess
import threading

from .errors import SweepError

_running = set()
_lock = threading.Lock()
_stopped = threading.Event()


class Interrupted(SweepError):
    """The program was ended because the sweep is being stopped."""


def run(command, cwd=None, env=None, messages=False):
    """Runs a command (a list) and returns its standard output as bytes, and what it said on
    standard error behind it when messages is set.

    Children get a process group of their own: Ctrl-C reaches this program alone, which then ends
    them through stop_all(), so that none is reported as a failed point.
    """
    command = [str(word) for word in command]
    with _lock:
        if _stopped.is_set():
            raise Interrupted("the sweep is being stopped")
        try:
            child = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     start_new_session=True)
        except OSError as error:
            raise SweepError(f"{command[0]} cannot be started: {error.strerror}.") from error
        _running.add(child)
    try:
        out, err = child.communicate()
    finally:
        with _lock:
            _running.discard(child)
    if _stopped.is_set():
        raise Interrupted("the sweep is being stopped")
    if child.returncode != 0:
        raise SweepError(complaint(command, child.returncode, err))
    return out + err if messages else out


def complaint(command, status, err):
    """One line: which program, and the last thing that it said."""
    lines = [line.strip() for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("Svt[info]", "frame="))]
    name = os.path.basename(command[0])
    ended = f"ended by signal {-status}" if status < 0 else f"exit code {status}"
    return f"{name} failed ({ended}): {' '.join((said or lines or ['it said nothing'])[-2:])[:300]}"


def stop_all():
    """Ends what runs and lets nothing new begin."""
    with _lock:
        _stopped.set()
        children = list(_running)
    for child in children:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def allow_again():
    """Takes stop_all() back; for tests and for programs that sweep twice."""
    _stopped.clear()
