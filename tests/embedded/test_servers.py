"""The servers of a state directory, as real processes: found, started, kept, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest
import redis

from crm.embedded import attach, place, postgres
from crm.embedded.place import ROOT, Place
from crm.embedded.process import Child, LauncherError, stop
from crm.embedded.servers import ensure_servers

HOLD = "import sys, time; from pathlib import Path; from crm.embedded.servers import ensure_servers\n"
HOLD += "servers = ensure_servers(Path(sys.argv[1]), durable=False); print('up', flush=True); time.sleep(60)"


@pytest.fixture(autouse=True)
def no_addresses(monkeypatch):
    """As on a machine where nobody set an address."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


@pytest.fixture
def state(tmp_path_factory) -> Path:
    """A state directory that any account may pass through to, whatever holds pytest's own folders."""
    folder = Path(f"/tmp/shuke-try-{os.getpid()}-{time.monotonic_ns()}")
    yield folder
    subprocess.run(["rm", "-rf", str(folder), str(Place(folder).home)], check=True)


def ask(url: str, sql: str) -> list[tuple]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


def processes_of(folder: Path) -> list[str]:
    """Every living process that has `folder` in its command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in command:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


def gone(folder: Path, seconds: float) -> list[str]:
    """What of `processes_of` is left after at most `seconds`."""
    deadline = time.monotonic() + seconds
    while (left := processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def test_a_start_finds_what_runs_and_a_second_start_keeps_the_data(state):
    with ensure_servers(state, durable=False) as first:
        assert [child.name for child in first.started] == ["postgres", "valkey"]
        ask(first.database_url, "CREATE TABLE kept AS SELECT '熟客' AS word")
        redis.from_url(first.redis_url).set("kept", "1")
        with ensure_servers(state) as second:
            assert second.started == []
            assert (second.database_url, second.redis_url) == (first.database_url, first.redis_url)
        assert ask(first.database_url, "SELECT word FROM kept") == [("熟客",)]
    assert processes_of(state) == []
    with ensure_servers(state, durable=False) as again:
        assert ask(again.database_url, "SELECT word FROM kept") == [("熟客",)]
        assert redis.from_url(again.redis_url).get("kept") == b"1"


def test_the_database_is_fit_for_chinese_text_and_for_a_crash(state):
    with ensure_servers(state) as servers:
        shown = {
            name: ask(servers.database_url, f"SHOW {name}")[0][0]
            for name in (
                "fsync",
                "full_page_writes",
                "synchronous_commit",
                "data_checksums",
                "listen_addresses",
            )
        }
        assert shown == {
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "data_checksums": "on",
            "listen_addresses": "",
        }
        ask(servers.database_url, "CREATE EXTENSION pg_trgm")
        assert len(ask(servers.database_url, "SELECT unnest(show_trgm('张三'))")) == 3
        client = redis.from_url(servers.redis_url)
        assert client.config_get("maxmemory-policy", "appendonly", "port") == {
            "maxmemory-policy": "noeviction",
            "appendonly": "yes",
            "port": "0",
        }


def test_a_database_without_chinese_letters_is_refused(state):
    with ensure_servers(state, durable=False) as servers:
        ask(servers.database_url, "CREATE DATABASE ascii TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'")
        with pytest.raises(LauncherError, match="UTF-8"):
            postgres.require_utf8(servers.database_url.replace("/shuke?", "/ascii?"))


def test_the_systems_server_does_as_well(state, monkeypatch):
    newest = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), default=None)
    if newest is None:  # then the only other source is missing, and that is what must be said
        monkeypatch.setattr(postgres, "package_folder", lambda name: None)
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(LauncherError, match="set DATABASE_URL"):
            ensure_servers(state)
        return
    monkeypatch.setattr(postgres, "package_folder", lambda name: None)
    with ensure_servers(state, durable=False) as servers:
        assert servers.started[0].argv[0] == str(newest)
        ask(servers.database_url, "CREATE EXTENSION pg_trgm")
        assert len(ask(servers.database_url, "SELECT unnest(show_trgm('张三'))")) == 3


def test_killing_the_launcher_leaves_no_server_and_the_next_start_is_clean(state):
    launcher = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert launcher.stdout.readline() == "up\n"
    assert len(processes_of(state)) >= 3
    launcher.kill()
    launcher.wait()
    with ensure_servers(state, durable=False) as servers:  # at once, while the old ones still end
        assert len(servers.started) == 2
        assert ask(servers.database_url, "SELECT 1") == [(1,)]
    assert gone(state, 5) == []


def test_a_lock_left_by_a_dead_server_does_not_bar_the_way(state):
    with ensure_servers(state, durable=False) as servers:
        data = Path(servers.started[0].argv[2])
        servers.started[0].process.send_signal(signal.SIGKILL)
        servers.started[0].process.wait()
        lock = (data / "postmaster.pid").read_text().splitlines()
    # The number now belongs to a living process that is no server, as after a container's restart.
    stranger = Child("stranger", ["sleep", "60"], account=Place(state).database_account()).start()
    (data / "postmaster.pid").write_text("\n".join([str(stranger.process.pid), *lock[1:]]) + "\n")
    with ensure_servers(state, durable=False) as servers:
        assert ask(servers.database_url, "SELECT 1") == [(1,)]
    stop([stranger], 1)


def test_whoever_started_the_servers_waits_for_the_other_users(state):
    with ensure_servers(state, durable=False) as servers:
        other = subprocess.Popen(
            [sys.executable, "-c", HOLD.replace("60", "2"), str(state)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert other.stdout.readline() == b"up\n"
        servers.stop()
        assert other.wait(timeout=0.5) == 0
    assert gone(state, 1) == []


def test_a_private_folder_stays_private(state):
    state.mkdir(mode=0o700)
    inner = state / "home of 张三" / ".state"
    with ensure_servers(inner, durable=False) as servers:
        assert ask(servers.database_url, "SELECT 1") == [(1,)]
        # Root's database account cannot pass, so its home is elsewhere; anybody else's stays inside.
        assert (inner / "servers").is_symlink() == (os.geteuid() == 0)
    assert state.stat().st_mode & 0o777 == 0o700
    subprocess.run(["rm", "-rf", str(Place(inner).home)], check=True)


def test_a_path_too_long_for_a_socket(state):
    deep = state / ("深" * 40)
    with ensure_servers(deep, durable=False) as servers:
        sockets = Place(deep).sockets
        assert len(os.fsencode(sockets)) < 40
        assert redis.from_url(servers.redis_url).ping()
        assert ask(servers.database_url, "SELECT 1") == [(1,)]
    subprocess.run(["rm", "-rf", str(sockets)], check=True)


def test_somebody_elses_state_directory_is_refused(state, monkeypatch):
    state.mkdir()
    monkeypatch.setattr(place.os, "geteuid", lambda: 12345)
    with pytest.raises(LauncherError, match="belongs to "):
        ensure_servers(state)


def test_data_of_another_version_is_not_passed_over(state):
    (state / "pg14").mkdir(parents=True)
    os.chmod(state, 0o755)
    if os.geteuid() == 0:
        os.chown(state / "pg14", 65534, 65534)
    with pytest.raises(LauncherError, match="pg14"):
        ensure_servers(state)


def test_given_addresses_win_and_nothing_is_started(state, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann@db/shop")
    monkeypatch.setenv("REDIS_URL", "redis://broker/1")
    with ensure_servers(state) as servers:
        assert (servers.database_url, servers.redis_url) == ("postgresql://ann@db/shop", "redis://broker/1")
        assert servers.started == []
    assert not state.exists()


def test_a_given_broker_alone_leaves_the_database_to_us(state, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://broker/1")
    with ensure_servers(state, durable=False) as servers:
        assert [child.name for child in servers.started] == ["postgres"]
        assert servers.redis_url == "redis://broker/1"


@pytest.mark.parametrize("words", [[], ["help"], ["collectstatic", "--noinput"], ["facts", "--help"]])
def test_commands_without_a_database_start_nothing(state, monkeypatch, words):
    monkeypatch.setenv("CRM_STATE_DIR", str(state))
    attach(["manage.py", *words])
    assert not state.exists()
    assert os.environ["DATABASE_URL"].startswith("postgresql://shuke@/shuke?host=")
    assert os.environ["REDIS_URL"].startswith("unix:///tmp/")


def test_forbidden_means_untouched(state, monkeypatch):
    monkeypatch.setenv("CRM_STATE_DIR", str(state))
    monkeypatch.setenv("CRM_EMBEDDED", "0")
    attach(["manage.py", "migrate"])
    assert "DATABASE_URL" not in os.environ
    assert not state.exists()


@pytest.mark.parametrize(("on_term", "code"), [("exit 0", 0), ("", -signal.SIGKILL)], ids=["polite", "deaf"])
def test_a_stopped_child_takes_its_own_children_along(tmp_path, on_term, code):
    note = tmp_path / "pid"
    script = f"(trap '' TERM; sleep 60) & echo $! > {note}; trap '{on_term}' TERM; while :; do wait; done"
    child = Child("parent", ["/bin/sh", "-c", script], log=tmp_path / "log").start()
    while not (note.exists() and note.read_text().strip()):
        time.sleep(0.01)
    stop([child], 0.5)
    assert child.exit_code() == code
    cmdline = Path(f"/proc/{note.read_text().strip()}/cmdline")
    deadline = time.monotonic() + 1
    while cmdline.exists() and cmdline.read_bytes() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not cmdline.exists() or cmdline.read_bytes() == b""  # gone, or a zombie nobody has reaped
