"""The ground of the fault tests: a PostgreSQL cluster and a Valkey that may be crashed, databases made from one another,
processes that may be killed and frozen, a provider in a process of its own.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import redis

from care.simulator import ACCESS_KEY_ID, ACCESS_KEY_SECRET, SDK_APP_ID, SIGN_NAME
from crm.embedded.place import Place
from crm.embedded.postgres import postgres_tools, start_postgres
from crm.embedded.process import Child, stop
from crm.embedded.servers import Servers, ensure_servers
from crm.embedded.urls import cache_url

ROOT = Path(__file__).resolve().parents[2]
BASE = "faults_base"
# Short figures in the same order as the real ones: a signature ages out before a doubt may be settled.
WINDOW, LEASE, SETTLE, ASK_AGAIN, UNHEARD = 4, 1, 6, 1, 2
SHORT = {
    "SMS_LEASE_SECONDS": str(LEASE), "SMS_SETTLE_SECONDS": str(SETTLE),
    "SMS_ASK_AGAIN_SECONDS": str(ASK_AGAIN), "SMS_UNHEARD_SECONDS": str(UNHEARD),
}  # fmt: skip


class Ground:
    """Servers of its own, and whatever was started on them; `close` ends all of it."""

    def __init__(self, folder: Path, schema_of: str, *, durable: bool) -> None:
        """`schema_of`: the address of a database whose empty tables the base database gets. A cluster that is to be
        crashed is `durable`: its commits are written through.
        """
        self.place = Place(folder)
        self.children: list[Child] = []
        given = {name: os.environ.pop(name, None) for name in ("DATABASE_URL", "REDIS_URL")}
        try:
            self.servers: Servers = ensure_servers(folder, durable=durable)
        finally:
            os.environ.update({name: value for name, value in given.items() if value})
        self.account = self.place.database_account()
        self._copy_schema(schema_of)

    def url(self, name: str) -> str:
        """The address of a database here."""
        return urlunsplit(urlsplit(self.servers.database_url)._replace(path=f"/{name}"))

    def ask(self, name: str, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """One statement, committed."""
        connection = psycopg2.connect(self.url(name), connect_timeout=10)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def patiently(self, name: str, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The same, however often the server is just starting."""
        until = time.monotonic() + 30
        while True:
            try:
                return self.ask(name, sql, values)
            except psycopg2.Error:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def clone(self, source: str, name: str) -> None:
        """A database like `source`, to which nobody may be connected."""
        self.ask("postgres", f'CREATE DATABASE "{name}" TEMPLATE "{source}"')

    def _copy_schema(self, source: str) -> None:
        self.ask("postgres", f'CREATE DATABASE "{BASE}"')
        tools = postgres_tools(self.place, self.account)
        dump = subprocess.run([tools / "pg_dump", "--no-owner", source], capture_output=True, check=True)
        psql = [tools / "psql", "-q1", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, self.url(BASE)]
        subprocess.run(psql, input=dump.stdout, check=True)

    # ---- processes ----

    def environment(self, name: str, provider: str, **more: str) -> dict[str, str]:
        """What a process on a database is told."""
        return os.environ | SHORT | {
            "DATABASE_URL": self.url(name), "REDIS_URL": self.servers.redis_url, "DJANGO_SETTINGS_MODULE": "crm.settings",
            "SMS_PROVIDER": "aliyun", "SMS_PROVIDER_URL": provider, "SMS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "SMS_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET, "SMS_SDK_APP_ID": SDK_APP_ID, "SMS_SIGN_NAME": SIGN_NAME, **more,
        }  # fmt: skip

    def start(self, title: str, argv: list[str], environment: dict[str, str]) -> Child:
        """A Python process that ends with this one at the latest. Those of one title write into one log."""
        log = self.place.log / f"{title}.log"
        child = Child(title, [sys.executable, *argv], log=log, cwd=ROOT, env=environment)
        child.start()
        self.children.append(child)
        return child

    def run(self, title: str, code: str, environment: dict[str, str]) -> None:
        """Python code to its end, with Django set up."""
        child = self.start(title, ["-c", f"import django; django.setup(); {code}"], environment)
        assert child.process and child.process.wait(120) == 0, child.last_words()

    # ---- what goes wrong ----

    def crash_postgres(self) -> None:
        """An immediate stop, without a last word to anybody, and a start."""
        self._stop_postgres()
        self.servers.started.append(start_postgres(self.place, self.account, durable=True))

    def _stop_postgres(self) -> None:
        [server] = [child for child in self.servers.started if child.name == "postgres"]
        assert server.process
        server.process.send_signal(signal.SIGQUIT)
        server.process.wait()
        self.servers.started.remove(server)

    def flush_valkey(self) -> None:
        """Everything that was in the broker is gone."""
        client = redis.from_url(cache_url(self.servers.redis_url))
        try:
            client.flushall()
        finally:
            client.close()

    def close(self) -> None:
        """End every process and both servers."""
        for child in self.children:
            thaw(child)
            child.kill_group()
        stop(self.children, 5)
        self._stop_postgres()
        self.servers.stop(wait=False)


def kill(child: Child) -> None:
    """`kill -9`."""
    child.kill_group()
    assert child.process
    child.process.wait()


def freeze(child: Child) -> None:
    """SIGSTOP."""
    assert child.process
    os.kill(child.process.pid, signal.SIGSTOP)


def thaw(child: Child) -> None:
    """SIGCONT."""
    with suppress(ProcessLookupError):
        if child.process and child.process.returncode is None:
            os.kill(child.process.pid, signal.SIGCONT)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Provider:
    """A simulated provider in a process of its own, asked over HTTP alone."""

    def __init__(self, ground: Ground, hooks: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        words = ["--port", self.url.rpartition(":")[2], "--no-fsync", "--aliyun-window", str(WINDOW)]
        words += ["--receipts-to", hooks]
        ground.start("provider", ["-m", "care.simulator", *words], dict(os.environ))
        until(lambda: answers(f"{self.url}/health"), 30)

    def get(self, path: str) -> Any:
        """What an address says."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def post(self, path: str, wish: dict[str, Any]) -> Any:
        """Tell it something."""
        request = urllib.request.Request(self.url + path, json.dumps(wish).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def taken(self) -> list[dict[str, Any]]:
        """The ledger."""
        return list(self.get("/ledger")["accepted"])


def answers(address: str) -> bool:
    """Whether an address answers 200."""
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def until(true: Callable[[], object], seconds: float, pause: float = 0.1) -> None:
    """Wait for something to become true; AssertionError where it takes too long."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(pause)
