"""A forked process that runs one command for a client, as if in the client's own process."""

from __future__ import annotations

import fcntl
import io
import marshal
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from todo_cli.cli import signals
from todo_cli.cli.session import Session
from todo_cli.handoff import protocol
from todo_cli.handoff.client import peer_user, receive_exactly
from todo_cli.resident.ahead import pack_server

REQUEST_SECONDS = 5.0
"""The timeout for the client's request and its answer to the offer."""
MAX_ATTACHED = 4

READY, SERVED, STOPPED, USED = b"R", b"G", b"S", b"U"
"""Reports of a worker to the resident: it can accept a client, it has started a command, the resident was asked to
exit, and (followed by a length and bytes) the server that its command has used.
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Properties of the resident at its start, which all workers share."""

    identity: tuple[object, ...]
    environment: Mapping[bytes, bytes]
    encodings: Sequence[tuple[str, str]]
    """Encoding and error handler of the three standard streams, which depend on the locale at the start."""
    unbuffered: bool
    """Whether the interpreter was started with unbuffered output."""


class RefusedError(Exception):
    """The client must run the command itself."""


def serve(
    connection: socket.socket, origin: Origin, session: Session, report: Callable[[bytes], None], status: bytes
) -> None:
    """Serve one client and exit. Return only if it had no command, so that this process can wait for another client.

    `report` sends a report to the resident; `status` is the resident's status.
    """
    with connection, suppress(OSError, EOFError, ValueError, RefusedError):
        connection.settimeout(REQUEST_SECONDS)
        request = _receive(connection)
        kind, identity, *_ = request
        if peer_user(connection) != os.geteuid() or identity[:5] != origin.identity[:5]:
            raise RefusedError
        if kind == protocol.RUN:
            _check(connection, request, origin)
            try:
                _run(connection, request, origin, session, report)
            finally:
                os._exit(0)
        elif kind == protocol.STATUS:
            connection.sendall(status)
        elif kind == protocol.STOP:
            report(STOPPED)
            connection.sendall(status)


def _receive(connection: socket.socket) -> protocol.Request:
    length = int.from_bytes(receive_exactly(connection, protocol.NUMBER), sys.byteorder)
    if length > protocol.MAX_BYTES:
        raise RefusedError
    content = receive_exactly(connection, length)
    return marshal.loads(content)  # type: ignore[no-any-return]  # noqa: S302 - from a client of this user


def _check(connection: socket.socket, request: protocol.Request, origin: Origin) -> None:
    """Raise RefusedError for a client whose process has properties that this process cannot take over."""
    _, identity, _, environment, *_ = request
    if identity != origin.identity or protocol.same_at_start(dict(environment)) != origin.environment:
        raise RefusedError
    _refuse_other_surroundings(peer_pid(connection))


def _run(
    connection: socket.socket,
    request: protocol.Request,
    origin: Origin,
    session: Session,
    report: Callable[[bytes], None],
) -> None:
    _, _, arguments, environment, umask, mask, ignored = request
    os.environ.clear()
    os.environb.update(dict(environment))
    time.tzset()
    os.umask(umask)
    sys.argv = ["todo", *map(os.fsdecode, arguments)]
    if signal.SIGINT not in ignored:
        # From here on the client forwards Ctrl-C, which interrupts the command in `_main`.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        signal.signal(signal.SIGINT, signal.default_int_handler)
    connection.sendall(protocol.OFFER + os.getpid().to_bytes(protocol.NUMBER, sys.byteorder))
    message, attached, *_ = socket.recv_fds(connection, 1, MAX_ATTACHED)
    if message != protocol.GO:
        return  # the client gave up waiting and runs the command itself
    _take_place(mask, attached, origin)
    connection.settimeout(None)
    connection.sendall(protocol.BEGUN)
    with suppress(OSError):  # the resident has exited; the command continues
        report(SERVED)
    _follow(connection, ignored)
    signals.announce_questions(lambda asking: _ask(connection, asking=asking))
    signals.leave_by(lambda code: _leave(connection, code))
    code = _main(session)
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # the client may exit now
    connection.sendall(protocol.EXIT + bytes([code & 0xFF]))
    if session.server:
        packed = pack_server(session.server)
        report(USED + len(packed).to_bytes(protocol.NUMBER, sys.byteorder) + packed)


def _main(session: Session) -> int:
    """Run the command and return the exit code that the interpreter would use."""
    from todo_cli.cli.main import main

    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        code = main(session=session)
        signals.ignore_interruptions()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)  # noqa: T201 - as the interpreter does
        return 1
    except KeyboardInterrupt:
        os.write(2, b"error: interrupted\n")
        return 130
    except OSError:
        return 1
    return code


def _leave(connection: socket.socket, code: int) -> NoReturn:
    """Exit at once, in the middle of the command, and let the client exit with this code."""
    with suppress(OSError):
        connection.sendall(protocol.EXIT + bytes([code]))
    os._exit(code)


def peer_pid(connection: socket.socket) -> int:
    """Return the process id of the peer of a Unix socket, from the operating system."""
    if sys.platform == "darwin":
        return int.from_bytes(connection.getsockopt(0, 2, 4), sys.byteorder)  # LOCAL_PEERPID
    return int.from_bytes(connection.getsockopt(socket.SOL_SOCKET, 17, 12)[:4], sys.byteorder)  # SO_PEERCRED


def _refuse_other_surroundings(pid: int) -> None:
    """Refuse a client with another view of files or network, or with lower limits, than this process."""
    if pid <= 0:
        raise RefusedError
    if os.getpriority(os.PRIO_PROCESS, pid) != os.getpriority(os.PRIO_PROCESS, 0):
        raise RefusedError
    if sys.platform != "linux":
        return
    for limit in (getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")):
        if resource.prlimit(pid, limit) != resource.getrlimit(limit):
            raise RefusedError
    for place in ("ns/mnt", "ns/net", "ns/user", "ns/pid", "root"):
        theirs, ours = os.stat(f"/proc/{pid}/{place}"), os.stat(f"/proc/self/{place}")
        if (theirs.st_dev, theirs.st_ino) != (ours.st_dev, ours.st_ino):
            raise RefusedError
    if _rights(str(pid)) != _rights("self"):
        raise RefusedError


def _rights(pid: str) -> list[bytes]:
    """Return the lines of proc_pid_status(5) about privileges: groups, capabilities, seccomp."""
    with open(f"/proc/{pid}/status", "rb") as file:
        return [line for line in file if line.startswith((b"Groups", b"Cap", b"NoNewPrivs", b"Seccomp"))]


def _take_place(mask: int, attached: Sequence[int], origin: Origin) -> None:
    """Replace this process's working directory and standard streams with the client's."""
    directory, *descriptors = attached
    os.fchdir(directory)
    os.close(directory)
    for number in range(3):
        if mask & 1 << number:
            received = descriptors.pop(0)
            os.dup2(received, number)
            os.close(received)
        else:
            os.close(number)
    streams = [_open_stream(number, origin) if mask & 1 << number else None for number in range(3)]
    for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
        setattr(sys, name, stream)  # None if it is closed, as the interpreter does
        setattr(sys, f"__{name}__", stream)


def _open_stream(number: int, origin: Origin) -> io.TextIOWrapper:
    """Open a standard stream as the interpreter does (`create_stdio` in Python/pylifecycle.c)."""
    encoding, errors = origin.encodings[number]
    buffering = 0 if origin.unbuffered and number else -1
    binary = open(number, "wb" if number else "rb", buffering=buffering, closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(
        binary,
        encoding=encoding,
        errors=errors,
        newline="\n",
        line_buffering=not origin.unbuffered and (number == 2 or os.isatty(number)),
        write_through=origin.unbuffered,
    )


def _follow(connection: socket.socket, ignored: Sequence[int]) -> None:
    """Exit when the client dies, unless a change is being stored."""

    def check_client(_number: int, _frame: FrameType | None) -> None:
        try:
            if connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        if not signals.is_storing():
            os._exit(1)

    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGIO, check_client)
    fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) | os.O_ASYNC)
    check_client(signal.SIGIO, None)


def _ask(connection: socket.socket, *, asking: bool) -> None:
    """Tell the client that the terminal is about to be read, or has been read; wait until reading is allowed."""
    connection.sendall(protocol.ASK if asking else protocol.ASKED)
    if asking:
        connection.recv(1)
