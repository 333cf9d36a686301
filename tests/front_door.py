"""A stand-in for Neon's proxy: it terminates TLS in front of a real PostgreSQL and simulates the network and Neon.

    with FrontDoor(socket_of_postgresql, certificate, delay=0.05) as door:
        ...  # connect to localhost, door.port
        door.cut_after = 12  # takes effect from then on

A connection passes two layers. The outer one is the line: it sees bytes, counts round trips and adds latency. The inner
one is the proxy: it terminates TLS and sees the messages of the protocol (PostgreSQL manual, chapter 54).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal

import trustme

from tests.waits import HANGING
from tests.wire import READ_SIZE, Channel, Line, Messages

PROTOCOL = "postgresql"
"""The protocol that a client with direct TLS announces (ALPN)."""

_TLS_HANDSHAKE = b"\x16"
_SSL_REQUEST, _GSS_REQUEST, _CANCEL_REQUEST = (code.to_bytes(4) for code in (80877103, 80877104, 80877102))

_NAMES = {
    side: {word[0]: word[2:] for word in names.split()}
    for side, names in {
        "client": "B=Bind C=Close D=Describe E=Execute H=Flush P=Parse p=Password Q=Query S=Sync X=Terminate",
        "server": "1=ParseComplete 2=BindComplete 3=CloseComplete C=CommandComplete D=DataRow E=ErrorResponse "
        "I=EmptyQueryResponse K=BackendKeyData N=NoticeResponse R=Authentication S=ParameterStatus T=RowDescription "
        "Z=ReadyForQuery n=NoData s=PortalSuspended t=ParameterDescription",
    }.items()
}


@dataclass(eq=False)
class Connection:
    """The state of a connection, as the proxy has seen it."""

    round_trips: int = 1  # one for TCP, and one for each request and reply
    direct: bool = False  # whether the client used direct TLS
    startup: dict[str, str] = field(default_factory=dict)  # parameters: user, database, options, …
    messages: list[tuple[str, str]] = field(default_factory=list)  # forwarded: ("client", "Startup"), …
    ended: threading.Event = field(default_factory=threading.Event)  # the connection has ended
    unanswered: bool = False  # the client is waiting for a reply
    silent: bool = False  # everything that either end sends from now on is lost
    used: float = 0  # when the last message was forwarded (time of the event loop)


@dataclass(eq=False)
class FrontDoor:
    """A proxy on loopback, in its own thread, in front of the PostgreSQL that listens on the unix socket `server`.

    Without a certificate it does not support TLS, and answers 'N' to a client that asks. Without a server it hangs up
    after the startup message.
    """

    server: str | None
    certificate: trustme.LeafCert | None = None
    direct: bool = True  # whether it supports direct TLS (sslnegotiation=direct)
    delay: float = 0  # latency in seconds, in each direction
    asleep: bool = False  # connections are refused until `wake` is called: the port is bound, but not listening
    hold: float = 0  # seconds until a new connection is accepted
    refuse: int = 0  # number of connections to reset
    answer: tuple[str, str] | None = None  # SQLSTATE and message with which connections are refused after startup
    answers: int | None = None  # for this many new connections (None: all)
    cut_after: int | None = None  # cut connections after this message (in `messages`, from 1)
    cuts: int | None = None  # for this many new connections (None: all)
    cut_kind: Literal["close", "terminated"] = "close"  # abruptly, or like an administrator's termination
    mute: Literal["accepted", "tls"] | None = None  # the phase in which new connections hang silently
    silent_after: int | None = None  # hang after this message (in `messages`, from 1)
    silences: int | None = None  # for this many new connections (None: all)
    drop_idle: float | None = None  # idle seconds after which new connections are terminated
    connections: list[Connection] = field(default_factory=list, init=False)
    port: int = field(default=0, init=False)

    def __enter__(self) -> FrontDoor:
        self._context = None
        if self.certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.set_alpn_protocols([PROTOCOL])
            self._context.num_tickets = 0  # unsolicited messages of the server, which would distort the count
            self.certificate.configure_cert(self._context)
        # If the protocol is named, asyncio sends every small message at once (TCP_NODELAY).
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="front door")
        self._thread.start()
        assert self._ready.wait(HANGING)
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():  # otherwise it reports what went wrong
            self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()
        self._socket.close()

    def wake(self) -> None:
        """Start listening after `asleep`."""
        self.asleep = False
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def settle(self, timeout: float = HANGING) -> None:
        """Wait until all connections have ended, on the server too.

        If clients share the event loop with the test, use `await asyncio.to_thread(door.settle)`.
        """
        for connection in self.connections:
            assert connection.ended.wait(timeout), f"still open: {connection}"

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.create_future()
        async with asyncio.TaskGroup() as self._group:
            if not self.asleep:
                await self._listen()
            self._ready.set()
            await self._end

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._accept, sock=self._socket)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._end.done():
            writer.transport.abort()
        else:
            self._group.create_task(self._serve(reader, writer))

    def _stop(self) -> None:
        if not self.asleep:
            self._listener.close()
        self._end.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection()
        self.connections.append(connection)
        try:
            if self.refuse > 0:
                self.refuse -= 1
                linger = struct.pack("ii", 1, 0)  # closing resets the connection
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return
            # The kernel accepted the connection at once; add the delay of that round trip here.
            inward = Line(lambda: self.delay, opened=self._loop.time() + self.hold + 2 * self.delay)
            outward = Line(lambda: self.delay)
            channel = Channel(inward, outward)
            async with asyncio.TaskGroup() as group:
                group.create_task(_hear(connection, reader, inward))
                group.create_task(_speak(connection, channel, outward, writer))
                group.create_task(self._attend(connection, channel))
        finally:
            connection.ended.set()
            writer.transport.abort()

    async def _attend(self, connection: Connection, channel: Channel) -> None:
        try:
            packet = await self._open(connection, channel)
            if packet and self.answer and self.answers != 0:
                self.answers = self.answers and self.answers - 1
                _refuse(channel, *self.answer)
            elif packet and self.server:
                with contextlib.suppress(ConnectionError):  # the server may hang up
                    await self._proxy(connection, channel, packet)
        finally:
            channel.close(cut=True)
            connection.ended.set()

    async def _open(self, connection: Connection, channel: Channel) -> bytes:
        """Negotiate TLS, and return the first packet to forward, or nothing if there is none."""
        if self.mute == "accepted":
            return await _ignore(channel)
        connection.direct = (await channel.inward.peek()).startswith(_TLS_HANDSHAKE)
        if connection.direct and self.mute == "tls":
            return await _ignore(channel)
        if connection.direct:
            if not (self.direct and self._context):
                return b""
            channel.secure(self._context)
        packet = await channel.packet()
        if connection.direct and channel.tls and channel.tls.selected_alpn_protocol() != PROTOCOL:
            return b""
        while (code := packet[4:8]) in (_SSL_REQUEST, _GSS_REQUEST):
            if code == _SSL_REQUEST and self._context:
                channel.write(b"S")
                if self.mute == "tls":
                    return await _ignore(channel)
                channel.secure(self._context)
            else:
                channel.write(b"N")
            packet = await channel.packet()
        if not packet or code == _CANCEL_REQUEST:
            return packet
        if self._context and not channel.tls:
            _refuse(channel, "XX000", "connection is insecure (try using `sslmode=require`)")
            return b""
        words = packet[8:-2].decode().split("\0")
        connection.startup = dict(zip(words[::2], words[1::2], strict=True))
        # Neon's proxy reads the endpoint from here if the client cannot send it in the TLS handshake.
        forwarded = {k: v for k, v in connection.startup.items() if k != "options" or not v.startswith("endpoint=")}
        body = "".join(f"{key}\0{value}\0" for key, value in forwarded.items()).encode() + b"\0"
        return (len(body) + 8).to_bytes(4) + code + body

    async def _proxy(self, connection: Connection, channel: Channel, packet: bytes) -> None:
        reader, writer = await asyncio.open_unix_connection(self.server)
        try:
            writer.write(packet)
            name = "CancelRequest" if packet[4:8] == _CANCEL_REQUEST else "Startup"
            self._note(connection, channel, ("client", name))
            server = Messages(lambda: reader.read(READ_SIZE))
            ends = [
                self._forward(connection, channel, "client", channel, writer.write),
                self._forward(connection, channel, "server", server, channel.write),
            ]
            if self.drop_idle is not None:
                ends.append(self._drop_when_idle(connection, channel, self.drop_idle))
            await _first(*ends)
            channel.close()
            writer.write_eof()  # the server notices after finishing what it had received before
            while await reader.read(READ_SIZE):
                pass
        finally:
            writer.transport.abort()

    async def _forward(
        self, connection: Connection, channel: Channel, side: str, source: Messages, write: Callable[[bytes], None]
    ) -> None:
        while not channel.closed and (message := await source.message()) and not channel.closed:
            if not connection.silent:
                write(message)
                kind = chr(message[0])
                self._note(connection, channel, (side, _NAMES[side].get(kind, kind)))

    def _note(self, connection: Connection, channel: Channel, message: tuple[str, str]) -> None:
        """Record a forwarded message, and cut the connection if it is the last one."""
        connection.used = self._loop.time()
        connection.messages.append(message)
        if len(connection.messages) == self.cut_after and self.cuts != 0:
            self.cuts = self.cuts and self.cuts - 1
            if self.cut_kind == "terminated":
                _terminate(channel)
            channel.close(cut=True)
        if len(connection.messages) == self.silent_after and self.silences != 0:
            self.silences = self.silences and self.silences - 1
            connection.silent = True

    async def _drop_when_idle(self, connection: Connection, channel: Channel, seconds: float) -> None:
        while (rest := connection.used + seconds - self._loop.time()) > 0:
            await asyncio.sleep(rest)
        _terminate(channel)


async def _ignore(channel: Channel) -> bytes:
    """Read from the client until it hangs up."""
    while await channel.inward.get():
        pass
    return b""


async def _hear(connection: Connection, reader: asyncio.StreamReader, inward: Line) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(READ_SIZE):
            connection.unanswered = True
            inward.put(data)
    connection.unanswered = False  # it has hung up and waits for nothing
    inward.put(b"")


async def _speak(connection: Connection, channel: Channel, outward: Line, writer: asyncio.StreamWriter) -> None:
    writer.transport.set_write_buffer_limits(0)  # after `drain`, `abort` loses nothing
    with contextlib.suppress(OSError):
        while True:
            data = await outward.get()
            connection.round_trips += connection.unanswered  # a hang-up of the other end is also a reply
            connection.unanswered = False
            if not data:
                break
            writer.write(data)
            await writer.drain()
        if channel.cut:
            writer.transport.abort()
        else:
            writer.write_eof()  # closing at once would discard its last message if the client is sending


async def _first(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run all until one has ended, then stop the others."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()


def _terminate(channel: Channel) -> None:
    _refuse(channel, "57P01", "terminating connection due to administrator command")


def _refuse(channel: Channel, code: str, message: str) -> None:
    fields = {"S": "FATAL", "V": "FATAL", "C": code, "M": message}
    body = "".join(f"{key}{value}\0" for key, value in fields.items()).encode() + b"\0"
    channel.write(b"E" + (len(body) + 4).to_bytes(4) + body)
    channel.close()
