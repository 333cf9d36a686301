"""The parts of the stand-in for Neon's proxy: a line with latency, TLS without a socket, and PostgreSQL messages."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

READ_SIZE = 65536


class Line:
    """One direction of a line: data comes out in order, `delay` seconds later; b"" is the end."""

    def __init__(self, delay: Callable[[], float], opened: float = 0) -> None:
        self._delay, self._opened = delay, opened
        self._loop = asyncio.get_running_loop()
        self._queue = asyncio.Queue[tuple[float, bytes]]()
        self._next: bytes | None = None

    def put(self, data: bytes) -> None:
        self._queue.put_nowait((max(self._loop.time(), self._opened) + self._delay(), data))

    async def peek(self) -> bytes:
        if self._next is None:
            due, data = await self._queue.get()
            await asyncio.sleep(due - self._loop.time())
            self._next = data
        return self._next

    async def get(self) -> bytes:
        data = await self.peek()
        self._next = None
        return data


class Messages:
    """Split what `read` returns into messages."""

    def __init__(self, read: Callable[[], Awaitable[bytes]]) -> None:
        self._read = read
        self._buffer = bytearray()

    async def packet(self) -> bytes:
        """Return the next startup message of a client, which has no type, or nothing at the end."""
        return await self._take(0)

    async def message(self) -> bytes:
        """Return the next message (type, length, body), or nothing at the end."""
        return await self._take(1)

    async def _take(self, begin: int) -> bytes:
        while True:
            size = begin + int.from_bytes(self._buffer[begin : begin + 4])
            if len(self._buffer) >= max(size, begin + 4):
                message = bytes(self._buffer[:size])
                del self._buffer[:size]
                return message
            data = await self._read()
            if not data:
                return b""
            self._buffer += data


class Channel(Messages):
    """The proxy's end of a line: plain messages, whether or not TLS protects them on the way."""

    def __init__(self, inward: Line, outward: Line) -> None:
        super().__init__(self._receive)
        self.inward, self._outward = inward, outward
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._heard_all = False
        self.tls: ssl.SSLObject | None = None
        self.closed = False
        self.cut = False
        """Whether it was closed without waiting for the client to notice."""

    def secure(self, context: ssl.SSLContext) -> None:
        """Expect TLS from the next byte on."""
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def write(self, data: bytes) -> None:
        if self.closed:
            return
        if self.tls:
            self.tls.write(data)
            data = self._outgoing.read()
        self._outward.put(data)

    def close(self, *, cut: bool = False) -> None:
        if not self.closed:
            self.closed, self.cut = True, cut
            self._outward.put(b"")

    async def _receive(self) -> bytes:
        while not self._heard_all and (data := await self.inward.get()):
            if not self.tls:
                return data
            self._incoming.write(data)
            clear = b""
            try:
                self.tls.do_handshake()
                while chunk := self.tls.read(READ_SIZE):
                    clear += chunk
                self._heard_all = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:  # such as a certificate that the client does not accept
                self._heard_all = True
            if answer := self._outgoing.read():
                self._outward.put(answer)
            if clear:
                return clear
        return b""
