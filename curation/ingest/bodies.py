"""Bodies that come packed. Unpacking stops at the limit: 1 MB of gzip can hold 1 GB of zeros."""

import zlib

_CHUNK = 64 * 1024


class TooLarge(ValueError):
    """More bytes than allowed came out."""


class Broken(ValueError):
    """A body that cannot be unpacked; `status` is 400, or 415 for an encoding that is not taken."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def unpack(data: bytes, encoding: str, limit: int) -> bytes:
    """The bytes behind a Content-Encoding ("", identity, gzip, deflate; several members of gzip are one body).

    Raises TooLarge beyond `limit` bytes and Broken (415 for other encodings, 400 for damaged data).
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return data
    if name in ("gzip", "x-gzip"):
        return _inflate(data, zlib.MAX_WBITS | 16, limit, members=True)
    if name == "deflate":
        return _inflate(data, zlib.MAX_WBITS, limit, members=False)
    raise Broken(415, f"Content-Encoding {encoding[:40]!r} is not taken here; send gzip or nothing.")


def _inflate(data: bytes, bits: int, limit: int, *, members: bool) -> bytes:
    found = bytearray()
    waiting = data
    while True:
        engine = zlib.decompressobj(bits)
        try:
            while not engine.eof:
                piece = engine.decompress(waiting, _CHUNK)
                waiting = engine.unconsumed_tail
                found += piece
                if len(found) > limit:
                    raise TooLarge
                if not piece and not waiting and not engine.eof:
                    raise Broken(400, "The packed body is cut off.")
        except zlib.error:
            raise Broken(400, "The body is not packed as its Content-Encoding says.") from None
        waiting = engine.unused_data
        if not waiting or not members:
            return bytes(found)
