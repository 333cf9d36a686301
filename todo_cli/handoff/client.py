"""The client of the resident process. It imports as little as possible, and can give up until it sends `GO`.

On any problem before `GO` it returns None, and the caller silently runs the command itself.
"""

from __future__ import annotations

import marshal
import os
import sys
import time

from todo_cli.handoff import protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from _socket import socket
    from collections.abc import Iterable
    from types import FrameType
    from typing import Any
else:
    import _signal as signal  # `signal` takes as long to import as everything else here together

NEED_THE_TERMINAL = frozenset(
    ("edit", "-e", "--edit", "db", "resident", "serve", "--install-completion", "--show-completion")
)
"""Arguments of commands that may need an editor, a hidden prompt, a server or the parent process.

A title with one of these words only makes its command slower.
"""
PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGWINCH")
FATAL = ("SIGTERM", "SIGHUP")


def run_in_resident(arguments: list[str]) -> int | None:
    """Run the command in a worker of the resident; return its exit code, None if the command was not started.

    If a signal killed the worker, it also kills this process.
    """
    if any(map(_needs_this_process, arguments)) or not _is_ordinary_process():
        return None
    place = protocol.folder()
    if place is None:
        return None
    descriptors, mask = _open_streams()
    if not _is_in_foreground(descriptors):
        return None
    connection = connect(place)
    if connection is None:
        return None
    pid = _offer(connection, arguments, mask)
    code = None if pid is None else _Command(connection, pid).run(descriptors)
    connection.close()
    return code


def _needs_this_process(argument: str) -> bool:
    if argument in NEED_THE_TERMINAL or argument.startswith(("/dev/", "/proc/")):
        return True
    # `-ye` is `-y -e`.
    return argument[:1] == "-" and argument[1:2] != "-" and "e" in argument


def _is_ordinary_process() -> bool:
    """Return whether signals are handled as in a worker."""
    return not signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _open_streams() -> tuple[list[int], int]:
    """Return the open descriptors among 0 to 2, and a mask of them.

    This must be called before a socket is opened, which could get one of these numbers.
    """
    descriptors, mask = [], 0
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            continue
        descriptors.append(number)
        mask |= 1 << number
    return descriptors, mask


def _is_in_foreground(descriptors: Iterable[int]) -> bool:
    """Return whether this process is in the foreground: job control stops background processes, but not a worker."""
    for number in descriptors:
        if os.isatty(number):
            try:
                if os.tcgetpgrp(number) != os.getpgrp():
                    return False
            except OSError:  # not the controlling terminal of this process
                continue
    return True


def connect(place: str) -> socket | None:
    """Return a verified connection to this user's resident, None if there is none."""
    from _socket import AF_UNIX, SOCK_STREAM
    from _socket import socket as make_socket

    path = protocol.socket_path(place)
    try:
        found = os.lstat(path)
        if not protocol.is_private(place) or found.st_mode & 0o170000 != 0o140000 or found.st_uid != os.geteuid():
            return None
        connection = make_socket(AF_UNIX, SOCK_STREAM)
    except OSError:
        return None
    try:
        connection.settimeout(protocol.patience())
        connection.connect(path)
        if peer_user(connection) == os.geteuid():
            return connection
    except (OSError, OverflowError):
        pass
    connection.close()
    return None


def peer_user(connection: socket) -> int:
    """Return the user id of the peer of a Unix socket, from the operating system."""
    if sys.platform == "darwin":  # LOCAL_PEERCRED: struct xucred starts with a version and the user id
        return int.from_bytes(connection.getsockopt(0, 1, 76)[4:8], sys.byteorder)
    return int.from_bytes(connection.getsockopt(1, 17, 12)[4:8], sys.byteorder)  # SO_PEERCRED: struct ucred


def request(kind: str, arguments: Iterable[str] = (), mask: int = 0) -> bytes:
    """Return a request as bytes, preceded by its length."""
    umask = os.umask(0o077)
    os.umask(umask)
    ignored = tuple(
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
        if signal.getsignal(number) == signal.SIG_IGN
    )
    message: protocol.Request = (
        kind,
        protocol.identity(),
        [os.fsencode(argument) for argument in arguments],
        list(os.environb.items()),
        umask,
        mask,
        ignored,
    )
    content = marshal.dumps(message)
    return len(content).to_bytes(protocol.NUMBER, sys.byteorder) + content


def _offer(connection: socket, arguments: list[str], mask: int) -> int | None:
    """Send the request; return the process id of the worker that offers to run it, None if none does."""
    patience = protocol.patience()
    started = time.monotonic()
    try:
        connection.sendall(request(protocol.RUN, arguments, mask))
        connection.settimeout(max(0.001, started + patience - time.monotonic()))
        if connection.recv(1) != protocol.HELLO:
            return None
        connection.settimeout(patience * protocol.BUSY_FACTOR)
        if connection.recv(1) != protocol.OFFER:
            return None
        return int.from_bytes(receive_exactly(connection, protocol.NUMBER), sys.byteorder)
    except (OSError, EOFError, ValueError):
        return None


def _send_go(connection: socket, descriptors: Iterable[int]) -> None:
    """Let the worker start the command, in this process's working directory and with its standard streams."""
    from _socket import SCM_RIGHTS, SOL_SOCKET

    here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        attached = b"".join(number.to_bytes(4, sys.byteorder) for number in (here, *descriptors))
        connection.sendmsg([protocol.GO], [(SOL_SOCKET, SCM_RIGHTS, attached)])
    finally:
        os.close(here)


def receive_exactly(connection: socket, length: int) -> bytes:
    """Return `length` bytes; raises EOFError if the peer closes the connection earlier."""
    content = b""
    while len(content) < length:
        part = connection.recv(length - len(content))
        if not part:
            raise EOFError
        content += part
    return content


class _Command:
    """A command that a worker runs, while this process represents it at the terminal."""

    def __init__(self, connection: socket, pid: int) -> None:
        self._connection = connection
        self._pid = pid
        self._begun = False
        self._asking = False
        self._interrupted = False
        self._fatal: int | None = None
        self._before: dict[int, Any] = {}

    def run(self, descriptors: Iterable[int]) -> int | None:
        """Return the exit code, None if the worker ended before it started the command."""
        self._connection.settimeout(None)
        self._take_signals()
        try:
            _send_go(self._connection, descriptors)
        except OSError:
            return self._lost()
        while True:
            try:
                kind = self._connection.recv(1)
            except OSError:
                kind = b""
            if kind == protocol.EXIT:
                if code := self._connection.recv(1):
                    return code[0]
            elif kind == protocol.BEGUN:
                self._begun = True
            elif kind == protocol.ASK:
                self._asking = True
                self._wait_for_foreground()
                self._connection.sendall(protocol.GO)
            elif kind == protocol.ASKED:
                self._asking = False
            elif not kind:
                return self._lost()

    def _lost(self) -> int | None:
        """Handle the loss of the worker: die of the same signal, report an unknown outcome, or return None to retry."""
        if self._fatal is not None:
            signal.signal(self._fatal, signal.SIG_DFL)
            os.kill(os.getpid(), self._fatal)
        if not self._begun:
            self._release_signals()
            if self._interrupted:
                raise KeyboardInterrupt
            return None
        error = "the process that ran this command ended unexpectedly; its change was stored completely or not at all"
        hint = "check 'todo list' or 'todo history' before you repeat the command"
        if "--json" in sys.argv:
            text = f'{{"error": "{error}", "hint": "{hint}", "exit_code": 5}}\n'
        else:
            text = f"error: {error}\nhint: {hint}\n"
        try:
            os.write(2, text.encode())
        except OSError:
            pass
        return 5

    def _take_signals(self) -> None:
        for name in (*PASSED_ON, "SIGTSTP"):
            number = getattr(signal, name)
            if (before := signal.getsignal(number)) != signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, self._suspend if name == "SIGTSTP" else self._pass_on)

    def _release_signals(self) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if number in (getattr(signal, name) for name in FATAL):
            self._fatal = number
        self._interrupted = self._interrupted or number == signal.SIGINT
        self._signal_worker(number)

    def _suspend(self, number: int, _frame: FrameType | None) -> None:
        """Stop and continue together with the worker, for the terminal's job control."""
        stopped = self._signal_worker(signal.SIGSTOP)
        self._stop_by(number)
        if self._asking:
            self._wait_for_foreground()
        if stopped:  # the worker exists, and its process id has not been reused
            os.kill(self._pid, signal.SIGCONT)

    def _wait_for_foreground(self) -> None:
        """Stop while this is a background job, because only the foreground may read from the terminal."""
        while not _is_in_foreground((0,)):
            self._stop_by(signal.SIGTTIN)

    def _stop_by(self, number: int) -> None:
        handler = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, handler)

    def _signal_worker(self, number: int) -> bool:
        """Send a signal to the worker unless it is about to end: its process id could then be reused.

        Return whether it was sent.
        """
        from _socket import MSG_DONTWAIT, MSG_PEEK

        try:
            if self._connection.recv(1, MSG_PEEK | MSG_DONTWAIT) in (b"", protocol.EXIT):
                return False
        except BlockingIOError:
            pass
        except OSError:
            return False
        try:
            os.kill(self._pid, number)
        except OSError:
            return False
        return True
