#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a command under a seccomp filter, as containers do it: denied.py NAME:ERRNO[,NAME:ERRNO...] COMMAND...

Each system call named fails with that error; with the error 0 it answers 0 and does nothing, as in kernels that live in
user space (of membarrier then all but the question what it can do). Needs neither root nor a container."""

import ctypes
import errno
import os
import platform
import struct
import sys

# asm/unistd_64.h of x86, asm-generic/unistd.h of all newer architectures.
NUMBERS = {
    "x86_64": {
        **{"mbind": 237, "set_mempolicy": 238, "get_mempolicy": 239, "migrate_pages": 256, "move_pages": 279},
        **{"perf_event_open": 298, "membarrier": 324, "sched_setaffinity": 203, "sched_getaffinity": 204},
        **{"getrusage": 98, "sysinfo": 99, "uname": 63, "madvise": 28, "fsync": 74, "geteuid": 107, "ioctl": 16},
        **{"prlimit64": 302, "sched_setscheduler": 144, "userfaultfd": 323, "setrlimit": 160, "rseq": 334},
    },
    "aarch64": {
        **{"mbind": 235, "get_mempolicy": 236, "set_mempolicy": 237, "migrate_pages": 238, "move_pages": 239},
        **{"perf_event_open": 241, "membarrier": 283, "sched_setaffinity": 122, "sched_getaffinity": 123},
        **{"getrusage": 165, "sysinfo": 179, "uname": 160, "madvise": 233, "fsync": 82, "geteuid": 175, "ioctl": 29},
        **{"prlimit64": 261, "sched_setscheduler": 119, "userfaultfd": 282, "setrlimit": 164, "rseq": 293},
    },
}
KNOWN = NUMBERS.get(platform.machine(), {})
# What the default profile of Docker, containerd and Podman refuses without CAP_SYS_NICE.
CONTAINER = ",".join(f"{name}:EPERM" for name in ("mbind", "set_mempolicy", "get_mempolicy", "move_pages", "migrate_pages"))

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7FFF0000, 0x00050000
BPF_LD_W_ABS, BPF_JEQ_K, BPF_RET_K = 0x20, 0x15, 0x06
NR, FIRST_ARGUMENT = 0, 16  # offsets in struct seccomp_data


def filter_of(denials):
    """The filter as instructions of classic BPF: (code, jump if true, jump if false, constant)."""
    program = [(BPF_LD_W_ABS, 0, 0, NR)]
    for name, error in denials:
        if name == "membarrier" and error == 0:
            program += [
                *((BPF_JEQ_K, 0, 4, KNOWN[name]), (BPF_LD_W_ABS, 0, 0, FIRST_ARGUMENT), (BPF_JEQ_K, 1, 0, 0)),
                *((BPF_RET_K, 0, 0, SECCOMP_RET_ERRNO), (BPF_LD_W_ABS, 0, 0, NR)),
            ]
        else:
            program += [(BPF_JEQ_K, 0, 1, KNOWN[name]), (BPF_RET_K, 0, 0, SECCOMP_RET_ERRNO | error)]
    return [*program, (BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW)]


def main():
    denials = []
    for item in sys.argv[1].split(","):
        name, error = item.split(":")
        denials.append((name, int(error) if error.isdigit() else getattr(errno, error)))
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in filter_of(denials))
    buffer = ctypes.create_string_buffer(packed, len(packed))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]

    program = Program(len(packed) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)):
        if libc.prctl(*arguments) != 0:
            sys.exit(f"denied.py: prctl: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
