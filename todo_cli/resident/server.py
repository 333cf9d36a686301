"""The resident process, which has imported everything and forks a worker for each command.

It holds a socket and a few waiting workers, runs no command itself, and keeps no state of a command for the next one.
"""

from __future__ import annotations

import fcntl
import gc
import marshal
import os
import resource
import selectors
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from todo_cli.handoff import protocol
from todo_cli.handoff.client import peer_user, receive_exactly

IDLE_SECONDS = 600.0
"""The idle time after which the resident exits."""
CHECK_SECONDS = 30.0
"""The interval of checks that the socket exists, which a logout removes, and that the program is unchanged."""
WAITING_WORKERS = 3
BACKLOG = 128
ACCEPT_PAUSE = 0.05


class _Ended(Exception):  # noqa: N818 - not an error
    """The resident was asked to exit."""


@dataclass(slots=True)
class Worker:
    """A forked process and the socket for its client and reports; `waits` is true while it can accept a client.

    `server` is the packed server to which it connects ahead of its client, if any.
    """

    pid: int
    control: socket.socket
    waits: bool = True
    server: bytes | None = None
    connected_at: float | None = None
    has_client: bool = False
    client_pid: int = 0
    has_served: bool = False


def run(idle_seconds: float = IDLE_SECONDS) -> NoReturn:
    """Run the resident of this user and installation until it has been idle for long, unless one is running."""
    _detach()
    place = protocol.folder()
    if place is None:
        os._exit(1)
    path = protocol.socket_path(place)
    with _only_one(place, f"{path}.lock") as alone:
        if alone:
            _serve(path, idle_seconds)
    os._exit(0)  # skip the exit handlers of libraries, which are for processes that ran a command


def _detach() -> None:
    """Detach from the terminal, the working directory and the descriptors of the command that started this process."""
    with suppress(OSError):
        os.setsid()
    os.chdir("/")
    os.umask(0o077)
    os.closerange(3, _most_descriptors())


def _most_descriptors() -> int:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 65536 if most == resource.RLIM_INFINITY else min(most, 65536)


@contextmanager
def _only_one(place: str, path: str) -> Iterator[bool]:
    """Hold the lock of the resident on this path, and remove it at the end; yield False if another one holds it."""
    if not protocol.is_private(place):
        yield False
        return
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        yield False
        return
    # A resident that exited while this process opened the file has removed it.
    is_current = _same_file(path, os.fstat(lock))
    try:
        yield is_current
    finally:
        if is_current and _same_file(path, os.fstat(lock)):
            with suppress(OSError):
                os.unlink(path)
        os.close(lock)


def _same_file(path: str, known: os.stat_result) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == (known.st_dev, known.st_ino)


def _serve(path: str, idle_seconds: float) -> None:
    from todo_cli.resident.warmup import warm_up

    environment = protocol.same_at_start(os.environb)
    encodings = [(stream.encoding, stream.errors or "strict") for stream in (sys.stdin, sys.stdout, sys.stderr)]
    unbuffered = bool(getattr(sys.stdout, "write_through", False))
    scratch = f"{path}.scratch"
    shutil.rmtree(scratch, ignore_errors=True)  # left by a killed resident
    warm_up(scratch)
    from todo_cli.cli.signals import own_process
    from todo_cli.resident.worker import Origin

    own_process()
    origin = Origin(protocol.identity(), environment, encodings, unbuffered)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _end)
    with suppress(OSError):
        os.unlink(path)  # left by a killed resident
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(BACKLOG)
    listener.setblocking(False)
    resident = Resident(listener, path, origin, scratch, idle_seconds)
    gc.collect()
    gc.freeze()  # prevents workers from copying pages when the collector marks objects
    try:
        resident.serve()
    except _Ended:
        pass
    finally:
        resident.end_waiting()
        shutil.rmtree(scratch, ignore_errors=True)
        if _same_file(path, resident.socket_file):
            os.unlink(path)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _Ended


class Resident:
    """Accepts clients, hands each to a worker, and keeps spare workers waiting."""

    def __init__(self, listener: socket.socket, path: str, origin: object, scratch: str, idle_seconds: float) -> None:
        from todo_cli.resident.freshness import Installation

        self._listener = listener
        self._path = path
        self.socket_file = os.lstat(path)
        self._origin = origin
        self._scratch = scratch
        self._idle_seconds = idle_seconds
        self._installation = Installation()
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._workers: dict[int, Worker] = {}
        self._started = time.time()
        self._served = 0
        self._last_used = time.monotonic()

    def serve(self) -> None:
        """Serve clients until there is a reason to exit."""
        while True:
            while sum(each.waits and each.server is None for each in self._workers.values()) < WAITING_WORKERS:
                self._fork()
            if not (ready := self._selector.select(min(CHECK_SECONDS, self._idle_seconds))):
                if self._is_superfluous():
                    return
                self._wake_orphans()
                continue
            # Workers first, so that no client is given to one that has exited.
            for key, _ in sorted(ready, key=lambda each: each[0].fileobj is self._listener):
                if key.fileobj is self._listener:
                    if not self._accept():
                        return
                else:
                    self._read_report(self._workers[key.fd])

    def _is_superfluous(self) -> bool:
        busy = any(worker.has_client for worker in self._workers.values())
        idle = time.monotonic() - self._last_used >= self._idle_seconds
        if idle and not busy:
            return True
        return not _same_file(self._path, self.socket_file) or not self._installation.is_unchanged()

    def _wake_orphans(self) -> None:
        """Continue stopped workers (Ctrl-Z) whose client was killed meanwhile, so that they exit."""
        for worker in self._workers.values():
            if worker.has_client and _has_ended(worker.client_pid):
                os.kill(worker.pid, signal.SIGCONT)

    def end_waiting(self) -> None:
        """Kill the workers without a client; the others complete their commands."""
        for worker in self._workers.values():
            if not worker.has_client:
                with suppress(OSError):
                    os.kill(worker.pid, signal.SIGKILL)
                    os.waitpid(worker.pid, 0)

    def _accept(self) -> bool:
        """Hand a client to a worker; return False if the program on disk is no longer the one in memory."""
        try:
            connection, _ = self._listener.accept()
        except OSError:
            time.sleep(ACCEPT_PAUSE)  # perhaps no descriptors are left; the client runs its command itself
            return True
        with connection:
            if peer_user(connection) != os.geteuid():
                return True
            if not self._installation.is_unchanged():
                return False
            with suppress(OSError):
                connection.setblocking(False)
                connection.send(protocol.HELLO)
                connection.setblocking(True)
                self._hand_over(connection)
        return True

    def _hand_over(self, connection: socket.socket) -> None:
        from todo_cli.resident.worker import peer_pid

        status = marshal.dumps(self._status())
        while True:
            waiting = [worker for worker in self._workers.values() if worker.waits]
            worker = max(waiting, key=lambda each: each.server is not None) if waiting else self._fork()
            worker.waits, worker.has_client, worker.client_pid = False, True, peer_pid(connection)
            try:
                socket.send_fds(worker.control, [status], [connection.fileno()])
            except OSError:  # it was killed, which is noticed in the next round
                worker.has_client = False
                continue
            return

    def _status(self) -> dict[str, object]:
        from todo_cli.resident.ahead import host_of

        return {
            "pid": os.getpid(),
            "workers": [worker.pid for worker in self._workers.values()],
            "since": self._started,
            "served": self._served,
            "memory": _memory(),
            "spare": next(
                (
                    (host_of(worker.server), worker.connected_at)
                    for worker in self._workers.values()
                    if worker.server and worker.connected_at and worker.waits
                ),
                None,
            ),
        }

    def _read_report(self, worker: Worker) -> None:
        """Process a report of a worker, or its exit."""
        from todo_cli.resident.worker import READY, SERVED, STOPPED, USED

        try:
            report = worker.control.recv(1)
            if report == USED:
                length = int.from_bytes(receive_exactly(worker.control, protocol.NUMBER), sys.byteorder)
                self._connect_ahead(receive_exactly(worker.control, length))
                return
        except (OSError, EOFError):
            report = b""
        if report == SERVED:
            self._served += 1
            worker.has_served = True
            self._last_used = time.monotonic()
        elif report == READY:
            worker.waits, worker.has_client = True, False
            worker.connected_at = worker.connected_at or time.time()
            spares = [each for each in self._workers.values() if each.server and each.waits]
            if worker.server and len(spares) > 1:
                os.kill(worker.pid, signal.SIGKILL)  # one spare connection is enough
                worker.waits = False
        elif report == STOPPED:
            raise _Ended
        else:
            if worker.has_served:
                self._last_used = time.monotonic()
            self._forget(worker)

    def _forget(self, worker: Worker) -> None:
        self._selector.unregister(worker.control)
        del self._workers[worker.control.fileno()]
        worker.control.close()
        with suppress(ChildProcessError):
            os.waitpid(worker.pid, 0)

    def _connect_ahead(self, server: bytes) -> None:
        """Keep exactly one waiting worker that is connected to this server."""
        for worker in [each for each in self._workers.values() if each.server and not each.has_client]:
            if worker.server == server:
                return
            os.kill(worker.pid, signal.SIGKILL)  # it may be connecting, but has no client
            worker.waits = False
        self._fork(server)

    def _fork(self, server: bytes | None = None) -> Worker:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            _be_worker(theirs, self._origin, self._scratch, server)
        theirs.close()
        worker = Worker(pid, ours, waits=server is None, server=server)
        self._workers[ours.fileno()] = worker
        self._selector.register(ours, selectors.EVENT_READ)
        return worker


def _get_client(control: socket.socket, seconds: float | None) -> tuple[bytes, socket.socket] | None:
    """Receive a message from the resident and the client that it hands over; None if the resident has exited.

    Raises TimeoutError if no message arrives in time.
    """
    control.settimeout(seconds)
    status, attached, *_ = socket.recv_fds(control, 65536, 1)
    return (status, socket.socket(fileno=attached[0])) if attached else None


def _memory() -> int:
    """Return the memory of this process in bytes, on macOS the peak."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _has_ended(pid: int) -> bool:
    """Return whether a process has exited, even if its parent has not reaped it."""
    try:
        os.kill(pid, 0)
        if sys.platform != "linux":
            return False
        with open(f"/proc/{pid}/stat", "rb") as file:  # proc_pid_stat(5)
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except OSError:
        return True


def _be_worker(control: socket.socket, origin: object, scratch: str, server: bytes | None) -> NoReturn:
    """Wait for a client in a newly forked process, serve it, and exit."""
    import asyncio

    from todo_cli.cli.session import Session
    from todo_cli.resident.ahead import connect_to, seconds_left
    from todo_cli.resident.warmup import touch
    from todo_cli.resident.worker import READY, Origin, serve

    try:
        assert isinstance(origin, Origin)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # until there is a client
        descriptor = control.detach()
        os.closerange(3, descriptor)
        os.closerange(descriptor + 1, _most_descriptors())
        control = socket.socket(fileno=descriptor)
        touch(scratch)
        session = Session(asyncio.Runner())
        session.runner.get_loop()
        if server is not None:
            connect_to(server, session)
            if session.spare is None:
                os._exit(0)
            control.sendall(READY)
        while attached := _get_client(control, seconds_left(session)):
            serve(attached[1], origin, session, control.sendall, attached[0])
            control.sendall(READY)
    finally:
        os._exit(1)
