"""`make run`: the servers, the first data, and the processes, kept alive until told to stop."""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import psycopg2

from care import simulator
from crm.embedded.place import ROOT, Place
from crm.embedded.postgres import require_utf8
from crm.embedded.process import (
    Child,
    LauncherError,
    await_answer,
    die_with_parent,
    run_to_end,
    stop,
)
from crm.embedded.servers import ensure_servers

_SIMULATOR_PORTS = range(18080, 18980)  # below the range that outgoing connections are given
_STEADY_SECONDS = 60
_LONGEST_PAUSE = 30.0


class _Stop(BaseException):
    """Raised by a signal wherever the launcher is, so that everything unwinds the same way."""


@dataclass
class _Kept:
    """A child that is started again when it ends, after a pause that doubles while it keeps ending."""

    child: Child
    pause: float = 1.0
    since: float = field(default_factory=time.monotonic)
    again_at: float | None = None

    def look(self, now: float) -> None:
        if self.again_at is not None:
            if now >= self.again_at:
                self.again_at, self.since = None, now
                self.child.start()
            return
        code = self.child.exit_code()
        if code is None:
            return
        if now - self.since > _STEADY_SECONDS:
            self.pause = 1.0
        self.again_at = now + self.pause
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        print(
            f"{self.child.name} {how}; starting it again in {self.pause:.0f} s; see {self.child.log}",
            flush=True,
        )
        self.pause = min(self.pause * 2, _LONGEST_PAUSE)


def run(state: Path) -> int:
    """Run everything until Ctrl-C, SIGTERM or SIGHUP. The exit code for the shell."""
    place = Place(state)
    place.prepare()
    if "MAKELEVEL" in os.environ:
        die_with_parent(signal.SIGTERM)  # a killed make does not tell its child
    with _the_only_one(place):
        port = _web_port()
        _on_stop_signals(_raise_stop)
        kept: list[_Kept] = []
        servers = None
        try:
            print(f"Starting the database and the broker in {place.state}", flush=True)
            servers = ensure_servers(state)
            kept += [_Kept(child) for child in servers.started]
            environment = _environment(place, servers.database_url, servers.redis_url)
            _fill(place, environment)
            for child in _processes(place, port, environment):
                kept.append(_Kept(child.start()))
            await_answer(next(k.child for k in kept if k.child.name == "web"), lambda: _web_answers(port))
            print(f"\nShuke answers at http://127.0.0.1:{port}/   (Ctrl-C stops it)\n", flush=True)
            if _is_simulated():
                print(f"What guests would get by SMS: {environment['SMS_PROVIDER_URL']}/\n", flush=True)
            _manage(environment, "demo_logins")
            while True:
                time.sleep(0.2)
                for item in kept:
                    item.look(time.monotonic())
        except _Stop:
            print("\nStopping.", flush=True)
        finally:
            _on_stop_signals(signal.SIG_IGN)
            own_servers = servers.started if servers else []
            stop([item.child for item in kept if item.child not in own_servers], 10)
            if servers:
                servers.stop(wait=False)
    return 0


def stop_running(state: Path) -> int:
    """Stop the `run` of this state directory, if there is one, and wait until it is gone."""
    path = Place(state).run / "shuke.pid"
    if not path.exists():
        print("Nothing is running.")
        return 0
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            print("Nothing is running.")
        except BlockingIOError:
            # The lock is held, so the number in the file is that of a living launcher of ours.
            os.kill(int(file.read()), signal.SIGTERM)
            fcntl.flock(file, fcntl.LOCK_EX)
            print("Stopped.")
    return 0


def _on_stop_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, handler)


def _raise_stop(signum: int, _frame: FrameType | None) -> None:
    _on_stop_signals(signal.SIG_IGN)  # the first one counts; a second must not break the unwinding
    raise _Stop(signum)


@contextlib.contextmanager
def _the_only_one(place: Place) -> Iterator[None]:
    """Hold the lock of the pid file; refuse where another run of this state directory holds it."""
    with (place.run / "shuke.pid").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise LauncherError(
                f"It is already running (process {file.read()}); `make stop` stops it."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _web_port() -> int:
    text = os.environ.get("PORT") or "8000"
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise LauncherError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    if not _is_free(int(text)):
        raise LauncherError(f"Port {text} is taken; choose another one: PORT=8001 make run")
    return int(text)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _environment(place: Place, database_url: str, redis_url: str) -> dict[str, str]:
    """What every process is told. Where no SMS provider is set, texts go to the simulator."""
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CRM_STATE_DIR": str(place.state),
        "PYTHONUNBUFFERED": "1",
    }
    if _is_simulated():
        environment |= {
            "SMS_PROVIDER": "aliyun",
            "SMS_PROVIDER_URL": f"http://127.0.0.1:{_simulator_port(place)}",
            "SMS_ACCESS_KEY_ID": simulator.ACCESS_KEY_ID,
            "SMS_ACCESS_KEY_SECRET": simulator.ACCESS_KEY_SECRET,
            "SMS_SIGN_NAME": simulator.SIGN_NAME,
        } | simulator.TEXT_CODES
    return environment


def _is_simulated() -> bool:
    return not (os.environ.get("SMS_PROVIDER") or os.environ.get("SMS_PROVIDER_URL"))


def _simulator_port(place: Place) -> int:
    """The port of last time if it is free, for receipts on their way; else the first free one."""
    note = place.run / "sms_simulator.port"
    remembered = [int(note.read_text())] if note.exists() else []
    port: int = next(filter(_is_free, [*remembered, *_SIMULATOR_PORTS]))
    note.write_text(str(port))
    return port


def _fill(place: Place, environment: dict[str, str]) -> None:
    """Bring the schema up to date, collect the static files, and once fill a new database."""
    pending = place.run / "demo.pending"  # stays until the demo is whole, over interruptions too
    if _is_new(environment["DATABASE_URL"]) and environment.get("CRM_DEMO") != "0":
        pending.touch()
    print("Bringing the tables up to date", flush=True)
    _must(environment, "migrate", "--noinput", "--verbosity=0")
    _must(environment, "collectstatic", "--noinput", "--verbosity=0")
    if pending.exists():
        print("Filling the demo restaurant", flush=True)
        _must(environment, "seed_demo")
        pending.unlink()


def _is_new(database_url: str) -> bool:
    """Whether nobody has migrated this database yet; refuse one that is not fit for us."""
    try:
        require_utf8(database_url)
        connection = psycopg2.connect(database_url)
    except psycopg2.OperationalError as error:
        raise LauncherError(f"The database of DATABASE_URL does not answer: {error}".strip()) from None
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NULL")
        return bool(cursor.fetchone() == (True,))


def _manage(environment: dict[str, str], *words: str) -> int:
    argv = [sys.executable, str(ROOT / "manage.py"), *words]
    return run_to_end(Child(words[0], argv, cwd=ROOT, env=environment))


def _must(environment: dict[str, str], *words: str) -> None:
    if code := _manage(environment, *words):
        raise LauncherError(f"manage.py {words[0]} failed with code {code}; its own words are above.")


def _processes(place: Place, port: int, environment: dict[str, str]) -> list[Child]:
    """What `run` keeps alive."""
    manage = [str(ROOT / "manage.py")]
    web = ["-m", "gunicorn", "crm.wsgi", f"--bind=127.0.0.1:{port}", "--workers=2", "--threads=4"]
    web += ["--worker-class=gthread", "--graceful-timeout=3", "--no-control-socket"]
    celery = ["-m", "celery", "-A", "crm"]
    worker = [*celery, "worker", "--concurrency=2", "--prefetch-multiplier=1", "-O", "fair"]
    worker += ["--without-gossip", "--without-mingle", "--loglevel=INFO"]
    beat = [*celery, "beat", "--pidfile=", "--loglevel=INFO"]
    commands = {"web": web, "worker": worker, "beat": beat, "relay": [*manage, "relay"]}
    if _is_simulated():
        simulator_port = environment["SMS_PROVIDER_URL"].rpartition(":")[2]
        simulate = [*manage, "sms_simulator", "--port", simulator_port]
        simulate += ["--receipts-to", f"http://127.0.0.1:{port}", "--state", str(place.state / "sms.ledger")]
        commands["sms_simulator"] = simulate
    # Quick ends that take the children along: gunicorn's own, and for Celery, whose own end waits
    # for a broker that is gone by then, the one its pool is tied to by the kernel.
    orphan_signals = {"web": signal.SIGQUIT, "worker": signal.SIGKILL}
    return [
        Child(
            name,
            [sys.executable, *words],
            log=place.log / f"{name}.log",
            cwd=ROOT,
            env=environment,
            orphan_signal=orphan_signals.get(name, signal.SIGTERM),
        )
        for name, words in commands.items()
    ]


def _web_answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
