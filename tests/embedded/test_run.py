"""`run` as a whole: one real launcher with everything it starts, and what happens when things die."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from crm.embedded.place import ROOT, Place
from crm.embedded.postgres import database_answers


def ask(url: str, sql: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


class Run:
    """One `run` in a state directory of its own, without the demo."""

    def __init__(self, state: Path) -> None:
        self.port = free_port()
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("DATABASE", "REDIS", "SMS"))
        }
        self.environment = kept | {"CRM_STATE_DIR": str(state), "PORT": str(self.port), "CRM_DEMO": "0"}
        self.state = state
        self.output = state.with_suffix(".out")

    def command(self, word: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "crm.embedded", word],
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def start(self) -> None:
        with self.output.open("w") as out:
            self.launcher = subprocess.Popen(
                [sys.executable, "-m", "crm.embedded", "run"],
                cwd=ROOT,
                env=self.environment,
                stdout=out,
                stderr=out,
            )
        assert wait_for(lambda: self.says("answers at") or self.launcher.poll() is not None, 180)
        assert self.says("answers at"), self.output.read_text()

    def says(self, words: str) -> bool:
        return words in self.output.read_text()

    def processes(self) -> dict[int, str]:
        """Every living process of this run, children of children too, the launcher not."""
        mark = f"CRM_STATE_DIR={self.state}".encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if (
                    mark in (entry / "environ").read_bytes().split(b"\0")
                    and int(entry.name) != self.launcher.pid
                ):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found

    def process(self, words: str) -> int | None:
        """The one that the launcher started itself with `words` in its command line."""
        for pid, command in self.processes().items():
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            if words in command and parent == self.launcher.pid:
                return pid
        return None

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


@pytest.fixture(scope="module")
def running() -> Iterator[Run]:
    state = Path(f"/tmp/shuke-run-{os.getpid()}")
    run = Run(state)
    run.start()
    yield run
    if run.launcher.poll() is None:
        run.launcher.send_signal(signal.SIGINT)
        run.launcher.wait(30)
    subprocess.run(["rm", "-rf", str(state), str(Place(state).home), str(run.output)], check=True)


def test_a_second_run_is_refused_in_one_line(running):
    refused = running.command("run")
    assert refused.returncode == 1
    assert (
        refused.stderr == f"It is already running (process {running.launcher.pid}); `make stop` stops it.\n"
    )
    elsewhere = running.command("run", CRM_STATE_DIR=f"{running.state}-other")
    assert elsewhere.returncode == 1
    assert elsewhere.stderr == f"Port {running.port} is taken; choose another one: PORT=8001 make run\n"
    subprocess.run(["rm", "-rf", f"{running.state}-other"], check=True)


@pytest.mark.parametrize("words", ["gunicorn crm.wsgi", "crm worker", "postgres -D"])
def test_whatever_is_killed_comes_back(running, words):
    victim = wait_for(lambda: running.process(words), 30)
    os.kill(victim, signal.SIGKILL)
    assert wait_for(lambda: running.process(words) not in {None, victim}, 15)
    assert wait_for(running.healthy, 15)
    assert wait_for(lambda: database_answers(Place(running.state).database_url), 15)
    assert running.says("was killed by signal 9; starting it again in 1 s; see ")


def test_killing_the_launcher_leaves_no_orphan_and_the_next_run_keeps_the_data(running):
    def workers() -> list[str]:
        return [command for command in running.processes().values() if "crm worker" in command]

    assert wait_for(lambda: len(workers()) == 3, 30)  # the worker and its pool of two
    ask(Place(running.state).database_url, "CREATE TABLE kept AS SELECT '熟客' AS word")
    running.launcher.kill()
    running.launcher.wait()
    assert wait_for(lambda: not running.processes(), 15), running.processes()

    running.start()
    assert ask(Place(running.state).database_url, "SELECT word FROM kept") == [("熟客",)]
    stopped = running.command("stop")
    assert (stopped.returncode, stopped.stdout) == (0, "Stopped.\n")
    assert running.launcher.wait(5) == 0
    assert running.processes() == {}
    assert running.command("stop").stdout == "Nothing is running.\n"
