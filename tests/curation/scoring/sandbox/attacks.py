"""What a hostile grader may try. FILE, SOCKET and PORT are something real of this machine, open to everybody."""

ATTACKS = {
    "reads the accounts": "def grade(sample, item): return float('root' in open('/etc/passwd').read())",
    "reads a secret of the app": "def grade(sample, item): return float('SECRET' in open('FILE').read())",
    "sees the environment": """
def grade(sample, item):
    import os
    return float(bool(os.environ.get('SECRET_KEY')) or b'SECRET_KEY' in bytes(str(os.environ), 'utf8'))
""",
    "sees the environment of its parent": """
def grade(sample, item):
    import os
    return float(b'SECRET' in open(f'/proc/{os.getppid()}/environ', 'rb').read())
""",
    "reaches a server of this machine": """
def grade(sample, item):
    import socket
    socket.create_connection(('127.0.0.1', PORT), 2)
    return 1.0
""",
    "reaches a server by UDP": """
def grade(sample, item):
    import socket
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))
    return 1.0
""",
    "reaches a unix socket": """
def grade(sample, item):
    import socket
    s = socket.socket(socket.AF_UNIX)
    s.connect('SOCKET')
    return 1.0
""",
    "forks sixty times": """
def grade(sample, item):
    import os, time
    made = 0
    for _ in range(60):
        try:
            child = os.fork()
        except OSError:
            break
        if child == 0:
            time.sleep(1)
            os._exit(0)
        made += 1
    return made / 60
""",
    "starts a thread": """
def grade(sample, item):
    import threading
    thread = threading.Thread(target=print)
    thread.start()
    return 1.0
""",
    "starts a program": """
def grade(sample, item):
    import subprocess
    return float(subprocess.run(['/bin/true']).returncode == 0)
""",
    "takes 1.5 GB": """
def grade(sample, item):
    big = bytearray(1500 * 1024 * 1024)
    big[::4096] = b'x' * len(big[::4096])
    return 1.0
""",
    "computes for ever": "def grade(sample, item):\n    while True: pass",
    "sleeps for ever": "def grade(sample, item):\n    import time\n    time.sleep(10**6)\n    return 1.0",
    "fills the disk": """
def grade(sample, item):
    file = open('big', 'wb')
    for _ in range(600):
        file.write(b'x' * 1048576)
    return 1.0
""",
    "writes a file beside the app's": "def grade(sample, item):\n    open('FILE.new', 'w').write('x')\n    return 1.0",
    "writes a file in /tmp": "def grade(sample, item):\n    open('/tmp/new', 'w').write('x')\n    return 1.0",
    "deletes a file": "def grade(sample, item):\n    import os\n    os.unlink('FILE')\n    return 1.0",
    "signals its parent": "def grade(sample, item):\n    import os\n    os.kill(os.getppid(), 0)\n    return 1.0",
    "gets out by its classes": """
def grade(sample, item):
    wrap = [one for one in ().__class__.__base__.__subclasses__() if one.__name__ == '_wrap_close'][0]
    return float(wrap.__init__.__globals__['system']('true') == 0)
""",
    "leaves a daemon": """
def grade(sample, item):
    import os, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        os._exit(0)
    return 1.0
""",
    "recurses without end": """
def grade(sample, item):
    import sys
    sys.setrecursionlimit(10**9)
    deeper = lambda n: deeper(n + 1)
    return deeper(0)
""",
    "crashes": "def grade(sample, item):\n    import ctypes\n    ctypes.string_at(0)\n    return 1.0",
    "gives NaN": "def grade(sample, item): return float('nan')",
    "gives a text": "def grade(sample, item): return '1.0'",
    "gives a number without end": "def grade(sample, item): return 10**5000",
    "ends at once": "def grade(sample, item):\n    import os\n    os._exit(0)",
    "prints a score and ends": "print('S1.0')\ndef grade(sample, item): raise SystemExit(0)",
    "writes a score to every channel it finds": """
def grade(sample, item):
    import os
    for fd in range(256):
        try:
            os.write(fd, b'\\x00\\x00\\x00\\x30' + b'x' * 32 + b'S1.0')
        except OSError:
            pass
    os._exit(0)
""",
    "raises a number to a number": "def grade(sample, item): return 1.0 if 9**9**9 else 0.0",
    "searches with a slow expression": """
def grade(sample, item):
    import re
    return float(bool(re.match(r'(a+)+$', 'a' * 40 + 'b')))
""",
}
