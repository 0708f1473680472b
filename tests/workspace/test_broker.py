"""The file broker: a message is seen whole or not at all, once, and a torn one ends nobody."""

import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection, Queue

from workspace import broker


def connect(folder: Path) -> Connection:
    """A connection as config.settings makes it."""
    options = {
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
        "store_processed": False,
        "polling_interval": 0.01,
    }
    return Connection("filesystem://", transport=broker.Transport, transport_options=options)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "queue").mkdir()
    (tmp_path / "control").mkdir()
    broker.Transport.global_state.clear()  # kombu remembers per process which queues are bound
    yield tmp_path


def take_all(folder: Path, want: int, taken: Any) -> None:
    """Take messages until `want` of them have come or none comes for a second."""
    with connect(folder) as link:
        queue = link.SimpleQueue("work")
        for _ in range(want):
            try:
                message = queue.get(timeout=1)
            except (Empty, TimeoutError):
                break
            message.ack()
            taken.put(message.payload)


def test_no_message_is_lost_doubled_or_seen_half_written_between_two_readers_and_two_writers(folder: Path) -> None:
    each = 300
    context = multiprocessing.get_context("spawn")
    taken = context.Queue()
    readers = [context.Process(target=take_all, args=(folder, 10 * each, taken)) for _ in range(2)]
    with connect(folder) as link:
        link.SimpleQueue("work").close()
    for reader in readers:
        reader.start()

    def write(writer: int) -> None:
        with connect(folder) as link:
            queue = link.SimpleQueue("work")
            for number in range(each):
                queue.put({"writer": writer, "number": number, "text": "x" * 5000})

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(2)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    seen = [taken.get(timeout=20) for _ in range(2 * each)]
    for reader in readers:
        reader.join(20)
        assert reader.exitcode == 0
    assert taken.empty()
    assert sorted((one["writer"], one["number"]) for one in seen) == [(w, n) for w in range(2) for n in range(each)]
    assert list((folder / "queue").iterdir()) == []


def test_a_torn_message_is_dropped_with_a_line_in_the_log(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with connect(folder) as link:
        queue = link.SimpleQueue("work")
        queue.put({"n": 1})
        torn = next((folder / "queue").glob("*.msg"))
        torn.write_text(torn.read_text()[:20])
        (folder / "queue" / "1_cut-off.work.msg").write_text("")
        queue.put({"n": 2})
        assert queue.get(timeout=1).payload == {"n": 2}
    assert "Dropped the unreadable message" in caplog.text


def test_queues_can_be_bound_from_many_threads_at_once(folder: Path) -> None:
    def bind(number: int) -> None:
        with connect(folder) as link:
            Queue(f"q{number}", routing_key=f"q{number}", exchange="many").bind(link.channel()).declare()

    threads = [threading.Thread(target=bind, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connect(folder) as link:
        channel = link.channel()
        assert {row.queue for row in channel.get_table("many")} == {f"q{number}" for number in range(16)}
        channel.queue_delete("q3")
        assert "q3" not in {row.queue for row in channel.get_table("many")}


def test_what_an_earlier_start_left_can_be_emptied(folder: Path) -> None:
    for name in ("1_a.work.msg", "2_b.work.msg.taken", "3_c.work.msg.0f.part"):
        (folder / "queue" / name).write_text("{")
    assert broker.empty(folder) == 3
    assert list((folder / "queue").iterdir()) == []
