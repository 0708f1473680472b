"""The system calls that a row may make, as a program for the kernel: what computing needs, and reading of files. All
others fail with "not permitted": sockets, processes, signals, tracing, and files opened for writing."""

import errno
import functools
import os
import tempfile

from curation.scoring.graders.sandbox.form import Unavailable

FREE = """
    read readv pread64 write writev close fstat newfstatat stat lstat statx lseek getdents64 readlink readlinkat getcwd
    access faccessat faccessat2 mmap munmap mprotect mremap madvise brk rt_sigaction rt_sigprocmask rt_sigreturn
    sigaltstack getrandom clock_gettime clock_getres gettimeofday time nanosleep clock_nanosleep futex getpid gettid
    getppid getuid geteuid getgid getegid getrusage times sched_yield sched_getaffinity exit exit_group uname sysinfo
    poll ppoll select pselect6 restart_syscall set_robust_list rseq membarrier umask dup
"""
# ioctl: is it a terminal, close on exec or not; fcntl: the flags of a file, a copy of its number
IOCTLS = (0x5401, 0x5451, 0x5450)
FCNTLS = (0, 1, 2, 3, 1030)


@functools.lru_cache(maxsize=1)
def program() -> bytes:
    """The program, 8 bytes an instruction. Raises Unavailable where libseccomp cannot be had."""
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise Unavailable(f"libseccomp is needed to limit system calls ({error})") from None
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ERRNO(errno.EPERM))
    for name in FREE.split():
        try:
            rules.add_rule(pyseccomp.ALLOW, name)
        except (OSError, ValueError):  # this machine's kind has no such call
            continue
    for command in IOCTLS:
        rules.add_rule(pyseccomp.ALLOW, "ioctl", pyseccomp.Arg(1, pyseccomp.EQ, command))
    for command in FCNTLS:
        rules.add_rule(pyseccomp.ALLOW, "fcntl", pyseccomp.Arg(1, pyseccomp.EQ, command))
    writing = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    rules.add_rule(pyseccomp.ALLOW, "openat", pyseccomp.Arg(2, pyseccomp.MASKED_EQ, writing, os.O_RDONLY))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
