"""What an engine has to hold before anybody's code is run in it: each of these tries to get out and says 1 where it did."""

import json
import os
import socket
import tempfile
from collections.abc import Callable

from curation.scoring.graders.sandbox.form import Failed, Limits, Lost

PROBES = {
    "a file of this machine was read": "def grade(sample, item):\n return float('secret' in open(item['file']).read())",
    "a list of accounts was read": "def grade(sample, item):\n return float('root' in open('/etc/passwd').read())",
    "a file was written": "def grade(sample, item):\n open(item['folder'] + '/new', 'w').write('x')\n return 1.0",
    "a file was written where it stands": "def grade(sample, item):\n open('new', 'w').write('x')\n return 1.0",
    "the network was reached": (
        "def grade(sample, item):\n import socket\n socket.create_connection(('127.0.0.1', item['port']), 1)\n return 1.0"
    ),
    "a socket was made": (
        "def grade(sample, item):\n import socket\n socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n return 1.0"
    ),
    "a socket of this machine was reached": (
        "def grade(sample, item):\n import socket\n s = socket.socket(socket.AF_UNIX)\n s.connect(item['socket'])\n return 1.0"
    ),
    "a process was started": "def grade(sample, item):\n import os\n if os.fork() == 0: os._exit(0)\n return 1.0",
    "a program was started": "def grade(sample, item):\n import os\n os.execv('/bin/true', ['true'])",
    "a signal was sent": "def grade(sample, item):\n import os\n os.kill(os.getppid(), 0)\n return 1.0",
    "the environment was seen": "def grade(sample, item):\n import os\n return float(len(os.environ) > 0)",
    "memory had no limit": "def grade(sample, item):\n return float(len(bytearray(1 << 30)) > 0)",
    "time had no limit": "def grade(sample, item):\n while True: pass",
}
FINE = "def grade(sample, item):\n import difflib, re\n return len(re.findall('a', sample['output_text'])) / 4"
FINE_ANYWHERE = "def grade(sample, item):\n return len(sample['output_text']) / 8"
LIMITS = Limits(wall_s=1.0, cpu_s=1, memory_bytes=256 * 1024**2)


def first_leak(grade: Callable[[bytes, Limits], float], *, fine: str = FINE) -> str:
    """What an engine did not hold, in words; empty where it held everything and still gave a right score."""
    try:
        if grade(_row(fine, {}), Limits(wall_s=5.0)) != 0.5:
            return "it gave a wrong score"
    except (Failed, Lost) as error:
        return f"it does not run here ({error})"
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder, socket.socket() as listener:
        os.chmod(folder, 0o777)  # noqa: S103 (it is to be the sandbox that stops it)
        with open(f"{folder}/file", "w") as file:
            file.write("secret")
        os.chmod(f"{folder}/file", 0o644)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        with socket.socket(socket.AF_UNIX) as local:
            local.bind(f"{folder}/s")
            local.listen(1)
            os.chmod(f"{folder}/s", 0o777)  # noqa: S103
            item = {
                "folder": folder, "file": f"{folder}/file", "socket": f"{folder}/s", "port": listener.getsockname()[1],
            }  # fmt: skip
            for leak, source in PROBES.items():
                try:
                    score = grade(_row(source, item), LIMITS)
                except Failed:
                    continue
                except Lost as error:
                    return f"it broke down under a test ({leak}: {error})"
                if score != 0.0:
                    return f"it does not hold ({leak})"
        if os.path.exists(f"{folder}/new"):
            return "it does not hold (a file was written)"
    return ""


def _row(source: str, item: dict[str, object]) -> bytes:
    return json.dumps({"source": source, "sample": {"output_text": "aabb"}, "item": item}).encode()
