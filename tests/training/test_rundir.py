"""Files between processes: whole or not there."""

import errno
import json
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from training import rundir
from training.launchers.local import Sight
from training.progress import deaths
from training.workers import toolcalls
from workspace import identity

ROOT = Path(__file__).resolve().parents[2]
JOB = {"base": {"source": "tiny"}, "settings": {"epochs": 1}, "data_hash": "x"}


def checkpoint(folder: Path, step: int = 5) -> Path:
    """A checkpoint that can be continued from."""
    made = folder / f"checkpoint-{step}"
    made.mkdir(parents=True)
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    (made / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    for name in ("optimizer.pt", "scheduler.pt"):
        (made / name).write_bytes(b"x")
    (made / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    rundir.write_json(made / rundir.SEAL, {"recipe": rundir.recipe_hash(JOB), "step": step})
    return made


def test_a_whole_checkpoint_can_be_continued_from(tmp_path: Path) -> None:
    assert rundir.checkpoint_problem(checkpoint(tmp_path), rundir.recipe_hash(JOB)) == ""


def test_every_damage_is_named(tmp_path: Path) -> None:
    recipe = rundir.recipe_hash(JOB)
    damages = {
        "not written to the end": lambda made: (made / rundir.SEAL).unlink(),
        "does not match its name": lambda made: (made / "trainer_state.json").write_text('{"global_step": 4}'),
        "holds no weights": lambda made: (made / "adapter_model.safetensors").unlink(),
        "is damaged": lambda made: (made / "adapter_model.safetensors").write_bytes(b"\xff" * 40),
        "optimizer.pt is missing": lambda made: (made / "optimizer.pt").write_bytes(b""),
    }
    for number, (reason, damage) in enumerate(damages.items()):
        made = checkpoint(tmp_path / str(number))
        damage(made)
        assert reason in rundir.checkpoint_problem(made, recipe)
    other = rundir.recipe_hash({**JOB, "settings": {"epochs": 2}})
    assert "other data or settings" in rundir.checkpoint_problem(checkpoint(tmp_path / "x"), other)


def test_a_folder_is_claimed_once(tmp_path: Path) -> None:
    assert rundir.claim(tmp_path, identity.of_process())
    assert not rundir.claim(tmp_path, identity.of_process())


def test_a_torn_claim_is_of_a_dead_process_and_counts_as_absent(tmp_path: Path) -> None:
    for left in (b"", b'{"boot_id": "x", "pi', b"\0" * 60):
        (tmp_path / rundir.RUNNER).write_bytes(left)
        with ThreadPoolExecutor(4) as pool:
            won = list(pool.map(lambda number: rundir.claim(tmp_path, {"pid": number}), range(4)))
        assert won.count(True) == 1
        assert (rundir.read_json(tmp_path / rundir.RUNNER) or {})["pid"] == won.index(True)
        assert [path.name for path in tmp_path.iterdir()] == [rundir.RUNNER]


def test_a_full_disk_leaves_no_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(rundir.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        rundir.claim(tmp_path, identity.of_process())
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    assert rundir.claim(tmp_path, identity.of_process())


def test_a_worker_whose_runner_died_before_it_began_does_nothing(tmp_path: Path) -> None:
    rundir.write_json(tmp_path / rundir.JOB, {"what": "train"})
    rundir.write_json(tmp_path / rundir.RUNNER, {"boot_id": identity.boot_id(), "pid": 2**22 + 1, "ticks": 1.0})
    begun = tmp_path / "begun"
    code = (
        "import sys, pathlib; from training.workers import process\n"
        f"def work(_): pathlib.Path({str(begun)!r}).touch(); return 'finished'\n"
        f"sys.exit(process.run(pathlib.Path({str(tmp_path)!r}), work))"
    )

    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)

    ended = run()
    assert ended.returncode == rundir.ERROR, ended.stderr
    assert "the runner is gone" in ended.stdout
    assert not begun.exists()
    rundir.write_json(tmp_path / rundir.RUNNER, identity.of_process())
    assert run().returncode == rundir.FINISHED
    assert begun.exists()


def test_the_tail_never_cuts_a_line(tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    path.write_text("".join(f"line {number} ü\n" for number in range(5000)), encoding="utf-8")
    text, offset = rundir.tail(path)
    assert text.startswith("line ")
    assert text.endswith("line 4999 ü\n")
    assert offset == path.stat().st_size
    read, at = "", 0
    while True:
        piece, at = rundir.tail(path, after=at, most=1000)
        if not piece:
            break
        assert piece.endswith("\n")
        read += piece
    assert read == path.read_text(encoding="utf-8")


def test_deaths_are_told_apart(tmp_path: Path) -> None:
    cases = [
        ({"exit_code": 0}, "finished", ""),
        ({"exit_code": 3}, "stopped", ""),
        ({"exit_code": 4}, "failed", "oom"),
        ({"exit_code": 5}, "failed", "data"),
        ({"exit_code": 7}, "failed", "import"),
        ({"exit_code": 8}, "failed", "disk"),
        ({"exit_code": None, "signal": 9}, "failed", "killed"),
        ({"exit_code": None, "signal": 9, "out_of_memory": True}, "failed", "oom"),
        ({"exit_code": None, "signal": 9, "grace_over": True}, "stopped", ""),
        ({"exit_code": None, "signal": 15, "obeyed": True}, "stopped", ""),
        ({"exit_code": None, "signal": 15}, "failed", "killed"),
        ({"exit_code": None, "signal": 11}, "failed", "crash"),
    ]
    for result, kind, error_class in cases:
        found = deaths.classify(tmp_path, Sight("ended", result))
        assert (found.kind, found.error_class) == (kind, error_class), result
    assert deaths.classify(tmp_path, Sight("gone")).error_class == "lost"
    assert set(deaths.ADVICE) >= {"oom", "data", "config", "import", "disk", *deaths.INFRASTRUCTURE}


def test_answers_become_the_internal_form() -> None:
    message, problems = toolcalls.parse_answer(
        '<think>which tool?</think>Let me look.\n<tool_call>\n{"name": "get", "arguments": {"id": 1}}\n</tool_call>'
    )
    assert problems == []
    assert message["parts"] == [{"type": "text", "text": "Let me look."}]
    assert message["reasoning"] == [{"text": "which tool?"}]
    call = message["tool_calls"][0]
    assert (call["name"], json.loads(call["arguments"])) == ("get", {"id": 1})
    message, problems = toolcalls.parse_answer('<tool_call>{"name": "get", "arguments": {</tool_call>')
    assert "tool_calls" not in message
    assert problems == ["A tool call is not valid JSON; it is kept as text."]
    message, _ = toolcalls.parse_answer('[TOOL_CALLS][{"name": "a", "arguments": {}}, {"name": "b", "arguments": {}}]')
    assert [one["name"] for one in message["tool_calls"]] == ["a", "b"]
    message, _ = toolcalls.parse_answer('{"name": "a", "parameters": {"x": 2}}')
    assert message["tool_calls"][0]["arguments"] == '{"x": 2}'
    message, _ = toolcalls.parse_answer('{"status": "shipped"}')
    assert message["parts"][0]["text"] == '{"status": "shipped"}'
