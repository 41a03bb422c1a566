"""Child processes that end when the one who started them ends, however it ends."""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child may not import or allocate much between fork and exec.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_LOG_LIMIT = 10_000_000


class LauncherError(Exception):
    """Something the person at the keyboard can mend; the message is one plain sentence."""


class Account(NamedTuple):
    """An operating-system account that a child is run as."""

    name: str
    uid: int
    gid: int

    @classmethod
    def of(cls, entry: pwd.struct_passwd) -> "Account":
        """The account of an entry of the password file."""
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def identity(self) -> dict[str, Any]:
        """Keywords for Popen, which drops all three before it calls preexec_fn."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def die_with_parent(signum: int) -> None:
    """Let the kernel send `signum` to this process when its parent dies. Linux only, else nothing."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signum)


def _tied(signum: int) -> Callable[[], None]:
    """What a child does before its exec. It must come after setuid, which clears the setting."""
    parent = os.getpid()

    def tie() -> None:
        die_with_parent(signum)
        if os.getppid() != parent:  # the parent died before the kernel was asked
            os._exit(1)

    return tie


@dataclass
class Child:
    """One process in a group of its own, so that a Ctrl-C at the terminal reaches only its parent.

    `log` is appended to; without one the child writes where its parent writes.
    `orphan_signal` is what the kernel sends it when the parent is killed.
    """

    name: str
    argv: list[str]
    log: Path | None = None
    cwd: Path | str | None = None
    env: Mapping[str, str] | None = None
    account: Account | None = None
    stop_signal: int = signal.SIGTERM
    orphan_signal: int = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> "Child":
        """Start it and return at once. It may be started again after it has ended."""
        if self.log and self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        out = self.log.open("ab") if self.log else None
        try:
            self.process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT if out else None,
                cwd=self.cwd,
                env=self.env,
                start_new_session=True,
                preexec_fn=_tied(self.orphan_signal),
                **(self.account.identity() if self.account else {}),
            )
        finally:
            if out:
                out.close()
        return self

    def exit_code(self) -> int | None:
        """None while it runs; once it has ended nothing of its group is left either."""
        if self.process is None:
            return 0
        if self.process.returncode is None and self.process.poll() is not None:
            self.kill_group()
        return self.process.returncode

    def last_words(self) -> str:
        """The end of its log, for a person to read."""
        if not self.log or not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])

    def kill_group(self) -> None:
        """Kill it and what it started, at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


def stop(children: Iterable[Child], seconds: float) -> None:
    """Ask all of them to end, wait up to `seconds` together, then kill what is left."""
    running = [child for child in children if child.exit_code() is None]
    for child in running:
        assert child.process
        child.process.send_signal(child.stop_signal)
    deadline = time.monotonic() + seconds
    while running and time.monotonic() < deadline:
        time.sleep(0.02)
        running = [child for child in running if child.exit_code() is None]
    for child in running:
        assert child.process
        child.kill_group()
        child.process.wait()


def run_to_end(child: Child) -> int:
    """Start `child`, wait for its end, give back its exit code; an interruption ends it first."""
    child.start()
    try:
        while (code := child.exit_code()) is None:
            time.sleep(0.05)
        return code
    finally:
        stop([child], 10)


def await_answer(child: Child, answers: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until a started server answers; a crash recovery may come before its first answer."""
    deadline = time.monotonic() + seconds
    while not answers():
        if child.exit_code() is not None or time.monotonic() > deadline:
            raise LauncherError(f"{child.name} does not start; the end of {child.log}:\n{child.last_words()}")
        time.sleep(0.03)
