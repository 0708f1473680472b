"""A streamed answer is made while it is sent, and given up when the reader leaves."""

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

from django.test import AsyncRequestFactory, RequestFactory

from workspace.streams import stream


class Source:
    """Pieces that note how many were made, in which thread, and whether they were closed."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = False
        self.threads: set[int] = set()

    def pieces(self) -> Generator[bytes]:
        try:
            for number in range(1000):
                self.made += 1
                self.threads.add(threading.get_ident())
                yield b"%d\n" % number
        finally:
            self.threads.add(threading.get_ident())
            self.closed = True


def test_under_asgi_pieces_are_made_one_by_one_in_one_thread_beside_the_loop() -> None:
    source = Source()
    response = stream(AsyncRequestFactory().get("/"), source.pieces(), filename="x.jsonl")

    async def read_two() -> list[bytes]:
        body = aiter(response)
        taken = [await anext(body), await anext(body)]
        await body.aclose()  # type: ignore[attr-defined]
        return taken

    assert response.is_async
    with ThreadPoolExecutor(1) as beside:  # browser tests leave a loop running in this thread
        assert beside.submit(asyncio.run, read_two()).result() == [b"0\n", b"1\n"]
    assert source.made == 2 and source.closed
    assert len(source.threads) == 1 and threading.get_ident() not in source.threads
    assert response["Content-Disposition"] == 'attachment; filename="x.jsonl"'


def test_under_wsgi_the_pieces_are_the_body() -> None:
    source = Source()
    response = stream(RequestFactory().get("/"), source.pieces(), filename="x.jsonl")
    assert not response.is_async
    assert next(iter(response)) == b"0\n" and source.made == 1
