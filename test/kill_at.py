#!/usr/bin/env python3
"""Runs a program and kills it (SIGKILL) at one of the system calls with which it changes files, before the call is done.

    kill_at.py STEP LOG PROGRAM [ARGUMENT...]

STEP counts from 1; 0 kills never. LOG gets a line for each step that was reached: the name of the call. The exit code is the program's,
or 137 if it was killed; 125 if programs cannot be traced here. So a test can go through all steps of a program, one by one:
what it leaves behind is what any kill can leave behind."""
import ctypes
import os
import platform
import signal
import struct
import sys

TRACEME, SYSCALL, SETOPTIONS, GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420e
SYSGOOD, FORK, VFORK, CLONE, EXEC, EXITKILL = 1, 2, 4, 8, 16, 0x100000
EVENT_STOP_BIT, WALL, ENTRY = 0x80, 0x40000000, 1
UNTRACEABLE = 125

O_CREAT, O_TRUNC, LOCKS = 0o100, 0o1000, (6, 7, 37, 38)  # F_SETLK, F_SETLKW and those of open files

# What x86-64 calls them; True: always, else a condition on the arguments.
CALLS = {
    1: ("write", lambda a: a[0] > 2), 18: ("pwrite64", True), 20: ("writev", lambda a: a[0] > 2), 296: ("pwritev", True),
    2: ("open", lambda a: a[1] & (O_CREAT | O_TRUNC)), 257: ("openat", lambda a: a[2] & (O_CREAT | O_TRUNC)),
    72: ("fcntl lock", lambda a: a[1] in LOCKS), 73: ("flock", True),
    74: ("fsync", True), 75: ("fdatasync", True), 76: ("truncate", True), 77: ("ftruncate", True), 285: ("fallocate", True),
    82: ("rename", True), 264: ("renameat", True), 316: ("renameat2", True),
    83: ("mkdir", True), 258: ("mkdirat", True), 84: ("rmdir", True), 87: ("unlink", True), 263: ("unlinkat", True),
    86: ("link", True), 265: ("linkat", True), 90: ("chmod", True), 91: ("fchmod", True), 268: ("fchmodat", True),
    280: ("utimensat", True),
}

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def can_trace():
    """This machine and this system let programs be traced."""
    if platform.machine() != "x86_64":
        return False
    child = os.fork()
    if child == 0:
        os._exit(0 if libc.ptrace(TRACEME, 0, None, None) == 0 else 1)
    return os.waitpid(child, 0)[1] == 0


def begin(command):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        libc.ptrace(SETOPTIONS, child, None, SYSGOOD | FORK | VFORK | CLONE | EXEC | EXITKILL)
        return child
    libc.ptrace(TRACEME, 0, None, None)
    os.kill(os.getpid(), signal.SIGSTOP)
    os.execv(command[0], command)


def changing_call(thread):
    """The name of the call that the thread is about to make, if it changes files."""
    info = ctypes.create_string_buffer(88)
    if libc.ptrace(GET_SYSCALL_INFO, thread, ctypes.c_void_p(88), info) <= 0 or info.raw[0] != ENTRY:
        return None
    number, *arguments = struct.unpack_from("<7Q", info.raw, 24)
    name, condition = CALLS.get(number, (None, None))
    arguments = [argument & 0xffffffff for argument in arguments]
    return name if name and (condition is True or condition(arguments)) else None


def follow(child, step, log):
    seen, threads, count = child, {child}, 0
    libc.ptrace(SYSCALL, child, None, None)
    while True:
        thread, status = os.waitpid(-1, WALL)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            threads.discard(thread)
            if thread == child:
                return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
            continue
        delivered, stop = 0, os.WSTOPSIG(status)
        if stop == signal.SIGTRAP | EVENT_STOP_BIT:
            name = changing_call(thread)
            if name:
                count += 1
                log.write(name + "\n")
                if count == step:
                    log.flush()
                    os.kill(child, signal.SIGKILL)
                    continue
        elif status >> 16 == 0 and not (stop == signal.SIGSTOP and thread not in threads):
            delivered = stop
        threads.add(thread)
        libc.ptrace(SYSCALL, thread, None, delivered)


def main():
    step, log, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if not can_trace():
        sys.exit(UNTRACEABLE)
    with open(log, "w") as file:
        sys.exit(follow(begin(command), step, file))


if __name__ == "__main__":
    main()
