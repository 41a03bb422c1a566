"""Databases to measure on: made, migrated and filled once, found again while nothing about them has changed."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

ROOT = Path(__file__).resolve().parents[1]
SEED = 7


@dataclass(frozen=True)
class Size:
    """How much a database holds."""

    customers: int
    visits: int
    stores: int

    @classmethod
    def asked(cls) -> "Size":
        """What the environment asks for."""
        return cls(
            int(os.environ.get("BENCH_CUSTOMERS") or 100_000),
            int(os.environ.get("BENCH_VISITS") or 2_000_000),
            int(os.environ.get("BENCH_STORES") or 20),
        )

    def tenth(self) -> "Size":
        """A tenth of the guests in stores of the same size."""
        return Size(max(self.customers // 10, 1), max(self.visits // 10, 1), max(self.stores // 10, 1))

    def __str__(self) -> str:
        return f"{self.customers:,} guests, {self.visits:,} visits, {self.stores} stores"


def database(size: Size) -> str:
    """The address of a filled database of this size on the server of DATABASE_URL."""
    server = os.environ["DATABASE_URL"]
    name = f"shuke_bench_{size.customers}"
    url = _named(server, name)
    made_as = json.dumps({**asdict(size), "seed": SEED, "by": _makers()}, sort_keys=True)
    if _comment(server, name) != made_as:
        print(f"Filling {name}: {size}", file=sys.stderr, flush=True)
        _on_server(server, f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}"')
        _manage(url, "migrate", "--verbosity=0")
        how_much = (
            ("customers", size.customers),
            ("visits", size.visits),
            ("stores", size.stores),
            ("seed", SEED),
        )
        _manage(url, "seed_bench", *(f"--{key}={value}" for key, value in how_much))
        _on_server(server, f"COMMENT ON DATABASE \"{name}\" IS '{made_as}'")
    return url


@contextmanager
def copy_of(url: str) -> Iterator[str]:
    """A copy of a database that nobody is connected to, gone afterwards."""
    server = os.environ["DATABASE_URL"]
    name, copy = urlsplit(url).path[1:], "shuke_bench_copy"
    _on_server(
        server,
        f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)',
        f'CREATE DATABASE "{copy}" TEMPLATE "{name}" STRATEGY file_copy',
    )
    try:
        yield _named(server, copy)
    finally:
        _on_server(server, f'DROP DATABASE "{copy}" WITH (FORCE)')


def _makers() -> str:
    """The tables and the code that fills them, as a fingerprint: made by others, a database is another one."""
    sources = [*sorted((ROOT / "crm" / "demo").glob("*.py")), *sorted(ROOT.glob("*/migrations/*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def _named(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def _comment(server: str, name: str) -> str | None:
    asked = _on_server(
        server, f"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{name}'"
    )
    return str(asked[0][0]) if asked else None


def _on_server(server: str, *statements: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(server)
    try:
        connection.autocommit = True  # databases are made and dropped outside transactions
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def _manage(url: str, *words: str) -> None:
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "crm.settings"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words], env=environment, stdout=sys.stderr, cwd=ROOT
    )
    if done.returncode != 0:
        raise SystemExit(f"`manage.py {' '.join(words)}` failed; its own words are above.")
