"""Bodies that come packed. Unpacking stops at the limit: 1 MB of gzip can hold 1 GB of zeros."""

import io
import sys
import zlib
from typing import Any

_CHUNK = 64 * 1024


class TooLarge(ValueError):
    """More bytes than allowed came out."""


class Broken(ValueError):
    """A body that cannot be unpacked; `status` is 400, or 415 for an encoding that is not taken."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Unpacker:
    """Unpacks a body piece by piece, as it comes: at most `limit` bytes and one chunk of 64 kB are ever held.

    Takes the encodings "", identity, gzip (several members are one body) and deflate. Raises Broken: 415 for others.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        name = encoding.strip().lower()
        self._bits = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}.get(name)
        if self._bits is None and name not in ("", "identity"):
            raise Broken(415, f"Content-Encoding {encoding[:40]!r} is not taken here; send gzip or nothing.")
        self._members = name != "deflate"
        self._limit = limit
        self._packed = io.BytesIO() if name in ("gzip", "x-gzip") else None
        self._found = io.BytesIO()  # its getvalue shares the bytes, where a bytearray would have to be copied
        self._size = 0
        self._engine: Any = None

    def feed(self, data: bytes) -> int:
        """Take the next piece; returns by how many bytes what is held grew, packed and unpacked. Raises TooLarge or Broken
        (400)."""
        before = self._size
        if self._bits is None:
            self._add(data)
            return self._size - before
        if self._packed is not None:
            before -= self._packed.write(data)
        waiting = data
        try:
            while waiting:
                if self._engine is None or (self._engine.eof and self._members):
                    self._engine = zlib.decompressobj(self._bits)
                elif self._engine.eof:
                    break  # deflate has one member; what follows is not looked at
                self._add(self._engine.decompress(waiting, _CHUNK))
                waiting = self._engine.unused_data if self._engine.eof else self._engine.unconsumed_tail
                while not waiting and not self._engine.eof and (more := self._engine.decompress(b"", _CHUNK)):
                    self._add(more)  # output that waits inside, though all input was taken
        except zlib.error:
            raise Broken(400, "The body is not packed as its Content-Encoding says.") from None
        return self._size - before

    def finish(self) -> bytes:
        """The whole body. Raises Broken (400) where it was cut off."""
        if self._bits is not None and (self._engine is None or not self._engine.eof):
            raise Broken(400, "The packed body is cut off.")
        return self._found.getvalue()

    @property
    def packed(self) -> bytes | None:
        """The body as it came, where that was gzip and is shorter."""
        short = self._packed is not None and self._packed.tell() < self._size
        return self._packed.getvalue() if self._packed is not None and short else None

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise TooLarge
        self._found.write(piece)


def opened(body: bytes | memoryview, packing: str) -> bytes:
    """What a stored body (RawRecord.body, RawRecord.packing) holds."""
    return unpack(bytes(body), packing, sys.maxsize) if packing else bytes(body)


def unpack(data: bytes, encoding: str, limit: int) -> bytes:
    """The bytes behind a Content-Encoding, at once; see `Unpacker`. Raises TooLarge beyond `limit` bytes and Broken."""
    unpacker = Unpacker(encoding, limit)
    unpacker.feed(data)
    return unpacker.finish()
