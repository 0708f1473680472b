"""The processes that hold graders: what becomes of them, and of rows in them, when something dies."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from curation.scoring import graders
from curation.scoring.graders import sandbox
from curation.scoring.graders.sandbox import calls, cells, holds, locks
from curation.scoring.graders.sandbox.form import Failed, Limits, Lost, Unavailable

HALF = json.dumps({"source": "def grade(sample, item): return 0.5", "sample": {}, "item": {}}).encode()
ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def kept() -> Any:
    """The engine of this machine, whichever of both it is."""
    if reason := sandbox.refusal("python"):
        pytest.skip(reason)
    engine = sandbox.engine("python")
    assert isinstance(engine, cells.Cells)
    found = cells.Cells(engine.lock)
    yield found
    found.end()


def test_some_engine_holds_on_this_machine() -> None:
    assert not all(sandbox.refusal(kind) for kind in sandbox.KINDS), sandbox.refusal("python")


def test_a_process_that_died_between_two_rows_is_replaced(kept: Any) -> None:
    assert kept.grade(HALF, Limits()) == 0.5
    os.killpg(kept.idle[0].process.pid, signal.SIGKILL)
    assert kept.grade(HALF, Limits()) == 0.5


def test_a_process_serves_row_after_row_and_several_threads_share_none(kept: Any) -> None:
    with ThreadPoolExecutor(4) as pool:
        scores = list(pool.map(lambda _: kept.grade(HALF, Limits()), range(80)))
    assert scores == [0.5] * 80
    assert 1 <= len(kept.idle) <= max(2, os.cpu_count() or 1)
    assert sum(cell.rows for cell in kept.idle) == 80


def test_a_row_sees_no_other_row_and_no_channel(kept: Any) -> None:
    look = """
def grade(sample, item):
    import gc, os
    channels = 0
    for fd in range(32):
        try:
            os.fstat(fd)
            channels += 1
        except OSError:
            pass
    held = [one for one in gc.get_objects() if isinstance(one, dict) and one.get('token')]
    return channels * 100 + len(held)
"""
    first = json.dumps({"source": "def grade(s, i): return 1", "sample": {"token": "x"}, "item": {}}).encode()
    kept.grade(first, Limits())
    row = json.dumps({"source": look, "sample": {}, "item": {}}).encode()
    # /dev/null three times and the pipe of its own score
    assert kept.grade(row, Limits()) == 400.0


def test_limits_are_said_in_words(kept: Any) -> None:
    def reason(source: str, limits: Limits) -> str:
        with pytest.raises(Failed) as caught:
            kept.grade(json.dumps({"source": source, "sample": {}, "item": {}}).encode(), limits)
        return str(caught.value)

    spin, rest = "def grade(s, i):\n while True: pass", "def grade(s, i):\n import time\n time.sleep(9)"
    assert reason(spin, Limits(wall_s=5, cpu_s=1)) == "It computed for longer than 1 s."
    assert reason(rest, Limits(wall_s=0.3)) == "It took longer than 0.3 s."
    assert "MemoryError" in reason("def grade(s, i): return len('a' * 10**9)", Limits())
    flood = "def grade(s, i):\n import os\n while True: os.write(3, b'x' * 1000)\n"
    for fd in range(3, 8):
        assert reason(flood.replace("3", str(fd)), Limits(wall_s=2, cpu_s=1))


def test_a_row_too_large_is_refused_before_it_is_sent() -> None:
    with pytest.raises(Failed, match="too many to grade"):
        sandbox.run("def grade(s, i): return 1", {"output_text": "x" * 2000}, {}, limits=Limits(input_bytes=1000))
    with pytest.raises(Failed, match="no plain JSON"):
        sandbox.run("def grade(s, i): return 1", {"output_text": {1, 2}}, {})


def test_a_lock_that_does_not_hold_is_found_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    loose = locks.Lock("nothing at all", (), (os.path.realpath(sys.executable), *locks.OPTIONS), None, None)
    found = cells.Cells(loose)
    assert holds.first_leak(found.grade) == "it does not hold (a file of this machine was read)"
    found.end()
    monkeypatch.setattr(locks, "WAYS", (lambda: loose,))
    monkeypatch.setattr(sandbox, "_engines", {})
    monkeypatch.setattr(sandbox, "_refused", {})
    sandbox._try.cache_clear()
    definition = {"type": "python", "name": "g", "source": "def grade(sample, item): return 1.0"}
    with pytest.raises(graders.BadDefinition) as caught:
        graders.grade(definition, {"output_text": "", "output_tools": []}, {})
    assert caught.value.where == "grader.type"
    assert "nothing at all: it does not hold" in caught.value.reason
    assert '"engine": "monty"' in caught.value.reason


def test_where_bubblewrap_may_not_make_namespaces_landlock_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        alone = cells.Cells(locks.landlock())
        assert alone.grade(HALF, Limits()) == 0.5
    except (Unavailable, Lost) as error:
        pytest.skip(f"this machine has no Landlock: {error}")
    alone.end()
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = cells.choose()
    cells._known.remove(found)
    assert found.name == "Landlock"
    found.end()
    monkeypatch.setattr(locks, "WAYS", (locks.bubblewrap,))
    with pytest.raises(Unavailable, match="No permissions to create new namespace"):
        cells.choose()


def test_without_limits_on_system_calls_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> bytes:
        raise Unavailable("libseccomp is needed")

    monkeypatch.setattr(calls, "program", none)
    with pytest.raises(Unavailable, match="libseccomp is needed"):
        cells.choose()


@pytest.mark.faults
def test_when_the_app_is_killed_its_sandboxes_end(tmp_path: Path) -> None:
    if reason := sandbox.refusal("python"):
        pytest.skip(reason)
    code = (
        "import sys, threading, time\n"
        "from curation.scoring.graders import sandbox\n"
        "assert sandbox.run('def grade(s, i): return 1', {}, {}) == 1\n"
        "rest = 'def grade(s, i):\\n import time\\n time.sleep(60)'\n"
        "threading.Thread(target=lambda: sandbox.run(rest, {}, {}, limits=sandbox.Limits(wall_s=60)), daemon=True).start()\n"
        "time.sleep(0.5)\n"
        "found = sandbox.engine('python')\n"
        "print('up', flush=True); time.sleep(60)\n"
    )
    app = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT, start_new_session=True)
    assert app.stdout is not None and app.stdout.readline() == b"up\n"
    inside = _children(app.pid)
    assert inside
    app.kill()
    app.wait()
    deadline = time.monotonic() + 5
    while any(_alive(pid) for pid in inside) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in inside)


def test_a_fork_of_the_app_starts_processes_of_its_own(kept: Any) -> None:
    assert kept.grade(HALF, Limits()) == 0.5
    monkey = cells._known
    monkey.append(kept)
    mine = kept.idle[0]
    child = os.fork()
    if child == 0:
        fine = not kept.idle and kept.grade(HALF, Limits()) == 0.5
        kept.end()
        os._exit(0 if fine else 1)
    _, status = os.waitpid(child, 0)
    monkey.remove(kept)
    assert os.waitstatus_to_exitcode(status) == 0
    assert kept.grade(HALF, Limits()) == 0.5 and kept.idle[0] is mine


def test_an_answer_that_is_not_the_wardens_is_no_score(kept: Any) -> None:
    kept.grade(HALF, Limits())
    cell = kept.idle.pop()
    cell.nonce = b"x" * cells.NONCE
    with pytest.raises(Lost):
        cell.grade(HALF, Limits())
    cell.end()


def _children(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found[1:]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
