"""The process inside the sandbox. It is handed to Python as text and uses the standard library only.

The process that stays (the warden) runs no code of a grader and sees no row: for each row it forks a child, and the child
reads its row, gives up the channel to the host, takes its limits and its list of permitted system calls, and only then
runs the code. A child answers through a pipe of its own; the warden passes that on with the nonce, which the host told
it alone. So a row can neither see another row nor answer for it, and what it prints goes nowhere.

    host -> cell   frame(JSON {"row", "wall", "cpu", "memory", "output"}), frame(JSON {"source", "sample", "item"})
    cell -> host   frame(nonce + row as 8 bytes + how it ended, 1 byte + what the child said)
"""

import base64
import ctypes
import gc
import json
import os
import resource
import select
import signal
import struct
import sys
import time
from typing import Any

# modules that graders use; loaded once, so that a row need not
PRELOADED = (
    "ast base64 bisect calendar cmath collections collections.abc copy csv dataclasses datetime decimal difflib enum "
    "fractions functools hashlib heapq html io itertools json math operator random re statistics string struct textwrap "
    "time traceback typing unicodedata urllib.parse uuid xml.etree.ElementTree zlib"
)
IDLE_S = 60
READ, WRITE = 65536, 65536

# how a row ended
SCORE, ERROR, TIME, CPU, OUTPUT, DIED, UNREAD = b"S", b"E", b"T", b"C", b"O", b"D", b"U"

LIBC = ctypes.CDLL(None, use_errno=True)


def main(inbound: int, outbound: int) -> None:
    settings = json.loads(receive(inbound))
    nonce = base64.b64decode(settings["nonce"])
    program = base64.b64decode(settings["seccomp"])
    for name in PRELOADED.split():
        __import__(name)
    null = os.open("/dev/null", os.O_RDWR)
    confine(settings)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    os.environ.clear()
    gc.collect()
    gc.freeze()
    send(outbound, nonce + b"ready")
    buffer = bytearray(WRITE)
    while True:
        ready, _, _ = select.select([inbound], [], [], IDLE_S)
        if not ready:
            return
        task = json.loads(receive(inbound))
        how, said = row(inbound, outbound, task, program, memoryview(buffer))
        send(outbound, nonce + struct.pack(">Q", task["row"]) + how + said)
        buffer[:] = bytes(len(buffer))
        if how == UNREAD:
            return  # what is left of its row stands in the pipe: this process cannot go on


def row(inbound: int, outbound: int, task: dict[str, Any], program: bytes, buffer: memoryview) -> tuple[bytes, bytes]:
    """Have a child run one row: how it ended, and what it said."""
    answers, to_warden = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            control(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it ends with the warden
            os.close(answers)
            os.close(outbound)
            run(inbound, to_warden, task, program)
        finally:
            os._exit(1)
    os.close(to_warden)
    watched = os.pidfd_open(child)
    deadline = time.monotonic() + task["wall"]
    length, how = 0, b""
    poll = select.poll()
    poll.register(answers, select.POLLIN)
    poll.register(watched, select.POLLIN)
    poll.register(inbound, 0)  # the host is gone
    while not how:
        left = deadline - time.monotonic()
        if left <= 0:
            how = TIME
            break
        events = dict(poll.poll(left * 1000 + 1))
        if events.get(inbound, 0) & (select.POLLHUP | select.POLLERR):
            os.kill(child, signal.SIGKILL)
            os._exit(0)
        if answers in events:
            got = os.readv(answers, [buffer[length : task["output"] + 1]])
            length += got
            if length > task["output"]:
                how = OUTPUT
            elif not got:
                poll.unregister(answers)
        elif watched in events:
            how = DIED
    if how != DIED:
        os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    os.close(watched)
    os.close(answers)
    if how == DIED and used.ru_utime + used.ru_stime >= task["cpu"] - 0.5 and os.WIFSIGNALED(status):
        how = CPU
    if length == 0 or buffer[0] != ord("R"):
        return UNREAD, how + ending(status)
    if how == DIED and length > 1:
        return bytes(buffer[1:2]), bytes(buffer[2:length])
    return how, ending(status)


def ending(status: int) -> bytes:
    if os.WIFSIGNALED(status):
        return b"signal %d" % os.WTERMSIG(status)
    return b"exit %d" % os.WEXITSTATUS(status)


def run(inbound: int, to_warden: int, task: dict[str, Any], program: bytes) -> None:
    """The child: read the row, let go of the channel, take the limits, run the code."""
    text = receive(inbound)
    os.write(to_warden, b"R")
    os.close(inbound)
    for limit, most in (
        (resource.RLIMIT_CPU, task["cpu"]),
        (resource.RLIMIT_AS, task["memory"]),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (most, most))
    permit(program)
    os.write(to_warden, said(text, task["output"] - 1))
    os._exit(0)


def said(text: bytes, most: int) -> bytes:
    """How the row ended and the score or the error, as it is sent."""
    import math
    import random

    random.seed(0)  # the same row gives the same score
    try:
        given = json.loads(text)
        name, source = "grader", given.pop("source")
        code = compile(source, name, "exec")
        del text, source
        scope: dict[str, Any] = {"__name__": name}
        exec(code, scope)  # noqa: S102 (what all this is for)
        if not callable(scope.get("grade")):
            return b"EThe source defines no function grade(sample, item)."
        if "sample" not in given:
            return b"S0.0"  # only whether there is such a function was asked
        score = scope["grade"](given["sample"], given["item"])
        if not hasattr(type(score), "__float__"):  # "0.5" is none
            return words(f"Egrade gave {type(score).__name__}, which is no number.", most)
        score = float(score)
        if not math.isfinite(score):
            return b"Egrade gave %s, which is no finite number." % repr(score).encode()
        return b"S" + repr(score).encode()
    except SyntaxError as error:
        return words(f"ESyntaxError: {error.msg} (line {error.lineno})", most)
    except MemoryError:
        return b"EMemoryError: more memory was asked for than a row is given."
    except BaseException as error:
        line, trace = 0, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == "grader":
                line = trace.tb_lineno
            trace = trace.tb_next
        place = f" (line {line})" if line else ""
        try:
            message = str(error)[:1000]
        except BaseException:
            message = ""
        return words(f"E{type(error).__name__}: {message}{place}", most)


def words(text: str, most: int) -> bytes:
    return text.encode("utf-8", "replace")[:most]


def confine(settings: dict[str, Any]) -> None:
    """Lock this process and all that it will start."""
    control(38, 1)  # PR_SET_NO_NEW_PRIVS
    if settings["landlock"] is not None:
        landlock(settings["landlock"])
    if settings["uid"] is not None:
        os.setgroups([])
        os.setresgid(settings["uid"], settings["uid"], settings["uid"])
        os.setresuid(settings["uid"], settings["uid"], settings["uid"])
    control(4, 0)  # PR_SET_DUMPABLE: nobody may look into this process
    os.chdir("/")


def control(option: int, value: int) -> None:
    if LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def permit(program: bytes) -> None:
    """Take the list of permitted system calls (a BPF program, 8 bytes an instruction)."""

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]

    taken = Program(len(program) // 8, program)
    if LIBC.prctl(22, ctypes.c_ulong(2), ctypes.byref(taken), 0, 0) != 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise OSError(ctypes.get_errno(), "seccomp")


def landlock(paths: list[str]) -> None:
    """From here on only these files and what is below these folders can be read, and nothing can be written."""
    version = LIBC.syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint(1))
    if version < 1:
        raise OSError(ctypes.get_errno(), "this kernel has no Landlock")
    files = (1 << 13) - 1
    files |= (1 << 13) if version >= 2 else 0  # refer
    files |= (1 << 14) if version >= 3 else 0  # truncate
    files |= (1 << 15) if version >= 5 else 0  # ioctl of devices
    # files, TCP (from 4), abstract unix sockets and signals (from 6)
    handled = struct.pack("QQQ", files, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    handled = handled[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = LIBC.syscall(444, handled, ctypes.c_size_t(len(handled)), ctypes.c_uint(0))
    if rules < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    for path in paths:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        may = (1 << 2) | (1 << 3) if os.path.isdir(path) else (1 << 2)  # read a file, read a folder
        if LIBC.syscall(445, rules, 1, struct.pack("=Qi", may, place), 0) != 0:
            raise OSError(ctypes.get_errno(), "landlock_add_rule " + path)
        os.close(place)
    if LIBC.syscall(446, rules, 0) != 0:
        raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    os.close(rules)


def receive(channel: int) -> bytes:
    """One frame: 4 bytes of length, then as many bytes. The end of the channel ends this process."""
    (length,) = struct.unpack(">I", exactly(channel, 4))
    return exactly(channel, length)


def exactly(channel: int, length: int) -> bytes:
    got = bytearray()
    while len(got) < length:
        piece = os.read(channel, min(READ, length - len(got)))
        if not piece:
            os._exit(0)
        got += piece
    return bytes(got)


def send(channel: int, content: bytes) -> None:
    left = memoryview(struct.pack(">I", len(content)) + content)
    while left:
        left = left[os.write(channel, left) :]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
