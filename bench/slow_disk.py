"""A disk that is slower than this machine's: fsync and fdatasync of whatever is started take so much longer.

A library of a few lines, compiled when it is needed, stands before the C library's functions. The disk still
does its work; then the calling thread waits.
"""

import shutil
import subprocess
from pathlib import Path

from bench.speed.extras import MissingError

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait_longer(void) {
    const char *text = getenv("BENCH_FSYNC_MICROSECONDS");
    long microseconds = text ? atol(text) : 0;
    struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
    nanosleep(&time, NULL);
}

#define SLOW(name) \
    int name(int file) { \
        int (*real)(int) = (int (*)(int)) dlsym(RTLD_NEXT, #name); \
        int result = real(file); \
        wait_longer(); \
        return result; \
    }

SLOW(fsync)
SLOW(fdatasync)
"""


def environment(folder: Path, milliseconds: float) -> dict[str, str]:
    """Return the variables that make fsync slow for a process; raises MissingError without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise MissingError("a slow disk needs a compiler of C: install the package gcc")
    source, library = folder / "slow_fsync.c", folder / "slow_fsync.so"
    source.write_text(_SOURCE)
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    if compiled.returncode:
        raise MissingError(f"the slow disk's library cannot be compiled: {compiled.stderr[-300:]}")
    return {"LD_PRELOAD": str(library), "BENCH_FSYNC_MICROSECONDS": str(round(milliseconds * 1000))}
