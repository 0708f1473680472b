"""Every attack on every engine that this machine has. At least one has to be there."""

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from curation.scoring.graders.sandbox import cells, locks, monty
from curation.scoring.graders.sandbox.form import Failed, Limits, Unavailable
from tests.curation.scoring.sandbox.attacks import ATTACKS

LIMITS = Limits(wall_s=1.0, cpu_s=1, memory_bytes=256 * 1024**2)
HALF = "def grade(sample, item): return 0.5"


def bubblewrap() -> Any:
    return cells.Cells(locks.bubblewrap())


def landlock() -> Any:
    return cells.Cells(locks.landlock())


@pytest.fixture(scope="module", params=[bubblewrap, landlock, monty.Monty], ids=["bubblewrap", "landlock", "monty"])
def engine(request: pytest.FixtureRequest) -> Iterator[Any]:
    try:
        found = request.param()
        score(found, HALF)
    except (Unavailable, cells.Lost) as error:
        pytest.skip(f"this machine has no such engine: {error}")
    yield found
    found.end()


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A secret, a server and a socket that everybody may reach."""
    folder = Path("/tmp") / f"wt-attacks-{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o777)
    secret = folder / "secret"
    secret.write_text("SECRET")
    secret.chmod(0o666)
    server, local = socket.socket(), socket.socket(socket.AF_UNIX)
    server.bind(("127.0.0.1", 0))
    local.bind(str(folder / "s"))
    (folder / "s").chmod(0o777)
    server.listen(5)
    local.listen(5)
    yield {"FILE": str(secret), "SOCKET": str(folder / "s"), "PORT": str(server.getsockname()[1])}
    server.close()
    local.close()
    assert sorted(path.name for path in folder.iterdir()) == ["s", "secret"]
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def score(engine: Any, source: str, limits: Limits = LIMITS, **given: Any) -> float:
    row = {"source": source, "sample": {}, "item": {}} | given
    return float(engine.grade(json.dumps(row).encode(), limits))


def below(engine: Any) -> list[str]:
    """Command lines of the processes inside the engine's locked processes, but for the wardens."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [cell.process.pid for cell in engine.idle]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return [(Path("/proc") / str(pid) / "cmdline").read_text().replace("\0", " ")[:80] for pid in found]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_nothing(
    engine: Any, around: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "SECRET")
    source = ATTACKS[name]
    for word, real in around.items():
        source = source.replace(word, real)
    began = time.monotonic()
    try:
        value = score(engine, source)
    except Failed as failed:
        assert str(failed)
    else:
        assert value == 0.0
    assert time.monotonic() - began < 4
    assert score(engine, HALF) == 0.5  # and the next row is graded as if nothing had been


def test_what_is_printed_goes_nowhere(engine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    source = "def grade(sample, item):\n    for _ in range(300): print('A' * 200)\n    return 0.25"
    assert score(engine, source) == 0.25
    flood = "def grade(sample, item):\n    for _ in range(300): print('A' * 1048576)\n    return 0.25"
    try:
        assert score(engine, flood) == 0.25
    except Failed as failed:
        assert "printed" in str(failed)
    assert capfd.readouterr() == ("", "")


def test_a_row_leaves_nothing_to_the_next(engine: Any) -> None:
    source = """
import math
seen = []
def grade(sample, item):
    seen.append(sample["n"])
    had = getattr(math, "mark", 0)
    try:
        math.mark = 1
    except AttributeError:
        pass
    return len(seen) + had
"""
    assert [score(engine, source, sample={"n": n}) for n in range(5)] == [1.0] * 5
    chance = "import random\ndef grade(sample, item): return random.random()"
    assert score(engine, chance) == score(engine, chance)


def test_errors_name_the_line(engine: Any) -> None:
    with pytest.raises(Failed, match=r"ZeroDivisionError: .*\(line 3\)"):
        score(engine, "def grade(sample, item):\n    x = 0\n    return 1 / x\n")
    with pytest.raises(Failed, match=r"SyntaxError: .*\(line 2\)"):
        score(engine, "x = 1\ny = = 2\n")
    with pytest.raises(Failed, match="no function grade"):
        score(engine, "def judge(sample, item): return 1.0")


def test_nothing_is_left_running(engine: Any) -> None:
    for name in ("leaves a daemon", "forks sixty times", "sleeps for ever"):
        try:
            score(engine, ATTACKS[name])
        except Failed:
            continue
    if isinstance(engine, cells.Cells):
        running = below(engine)
        # the warden, behind bubblewrap's own two processes
        assert len(running) == (3 if engine.name == "bubblewrap" else 1), running
        pids = [cell.process.pid for cell in engine.idle]
        engine.end()
        assert not any((Path("/proc") / str(pid)).exists() for pid in pids)
    else:
        engine.end()
