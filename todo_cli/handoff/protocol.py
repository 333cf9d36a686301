"""The socket and the messages of clients and the resident process.

Imported by every command before anything else, so it imports next to nothing itself.

A conversation over the Unix socket:

1. The client connects and sends its request: a length, then a marshalled tuple (see `Request`).
2. The resident answers `HELLO` as soon as it has accepted, and hands the connection to a worker.
3. The worker answers `OFFER` and its process id. The command has not started yet.
4. The client sends `GO` with its working directory and those of its descriptors 0 to 2 that are open attached
   (SCM_RIGHTS). They are not sent earlier, because a hanging resident would keep a pipe open that somebody reads to its
   end. The worker adopts them and answers `BEGUN`; from then on the command runs only there.
5. The worker sends `EXIT` and the exit code. It sends `ASK` before it reads from the terminal, which the client answers
   with `GO`, and `ASKED` afterwards.

Until it has sent `GO`, the client may close the connection and run the command itself; also after that, if the worker
exits without `BEGUN`, which it sends first.
"""

from __future__ import annotations

import binascii
import os
import sys

import todo_cli

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 0.2
"""Seconds to wait for the resident's `HELLO`; after that, the command runs in its own process."""
BUSY_FACTOR = 10
"""The timeout for a worker's offer after `HELLO`, as a multiple of that."""

HELLO, OFFER, GO, BEGUN, EXIT, ASK, ASKED = b"H", b"O", b"G", b"B", b"X", b"A", b"a"
NUMBER = 8
"""The number of bytes of a length or process id, in native byte order."""
MAX_BYTES = 16 * 1024 * 1024
"""The maximum length of a request, above the limit of any system for command lines and environments."""

RUN, STATUS, STOP = "run", "status", "stop"
"""The kinds of requests."""

Identity = tuple[str | int | tuple[str, ...], ...]
Request = tuple[str, Identity, list[bytes], list[tuple[bytes, bytes]], int, int, tuple[int, ...]]
"""Kind, identity, arguments, environment, umask, mask of the open standard streams, ignored signals."""

SAME_AT_START = (b"PYTHON", b"LC_", b"LD_", b"DYLD_", b"TYPER_", b"_TYPER_", b"MALLOC_")
SAME_AT_START_NAMES = (
    *(b"LANG", b"LANGUAGE", b"GLIBC_TUNABLES", b"GITHUB_ACTIONS", b"PY_COLORS", b"FORCE_COLOR"),
    *(b"OPENSSL_CONF", b"OPENSSL_MODULES", b"RES_OPTIONS", b"LOCALDOMAIN"),
)
"""Variables that take effect only at the start of an interpreter or module, which is too late for a worker."""


def identity() -> Identity:
    """Return the properties that client and resident must share: the user, the interpreter and the installation."""
    return (
        todo_cli.__version__,
        os.path.dirname(todo_cli.__file__),
        sys.prefix,
        sys.base_prefix,
        sys.version,
        os.getuid(),
        os.getgid(),
        tuple(interpreter_options()),
    )


def interpreter_options() -> list[str]:
    """Return the interpreter options in the arguments of this process.

    Together with the variables of `same_at_start`, they determine `sys.flags` and the buffering of standard streams.
    """
    options = []
    given = iter(sys.orig_argv[1:])
    for option in given:
        if not option.startswith("-") or option.startswith(("-m", "-c")):
            break
        options.append(option)
        if option in ("-X", "-W"):
            options.append(next(given, ""))
    return options


def same_at_start(environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the variables that must be the same as at the start of the resident."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(SAME_AT_START) or name in SAME_AT_START_NAMES
    }


def folder() -> str | None:
    """Return the folder for the socket, which may not exist yet; None if there is none on this system."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):
        return f"{runtime}/neon-todo"
    home = os.environ.get("HOME", "")
    if not home.startswith("/"):
        return None
    cache = f"{home}/Library/Caches" if sys.platform == "darwin" else os.environ.get("XDG_CACHE_HOME", "")
    return f"{cache if cache.startswith('/') else f'{home}/.cache'}/todo/resident"


def socket_path(place: str) -> str:
    """Return the path of the socket in the folder; it differs by user, interpreter, version and installation."""
    user, installation = os.getuid(), repr(identity()[:5]).encode("utf-8", "surrogateescape")
    return f"{place}/{user}-{binascii.crc32(installation):08x}.sock"


def is_private(place: str) -> bool:
    """Return whether the folder belongs to this user and is accessible to nobody else."""
    try:
        found = os.lstat(place)
    except OSError:
        return False
    return found.st_mode & 0o170077 == 0o040000 and found.st_uid == os.geteuid()


def patience() -> float:
    """Return the seconds to wait for the resident: `TODO_RESIDENT_PATIENCE`, for slow machines, or 0.2."""
    try:
        return min(max(float(os.environ.get("TODO_RESIDENT_PATIENCE", PATIENCE)), 0.01), 60.0)
    except ValueError:
        return PATIENCE


def is_allowed() -> bool:
    """Return whether the platform and the environment allow the resident to serve this process."""
    choice = os.environ.get("TODO_RESIDENT", "").lower()
    if sys.platform not in ("linux", "darwin") or choice == "off":
        return False
    if os.environ.get("CI") and choice != "on":
        return False
    # The resident would lack injected code and additional privileges of this process.
    if os.getuid() != os.geteuid() or os.getgid() != os.getegid() or sys.gettrace() or sys.getprofile():
        return False
    return not any(name in os.environ for name in ("LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES"))
