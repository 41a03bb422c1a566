"""Logging a visit over HTTP: requests per second against a bare insert and a textbook view; one key from many sides."""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2

from bench.ground import ROOT
from bench.measure import Figure, cpu_of_threads, spread
from bench.worker import Worker
from crm.embedded.process import Child, await_answer, stop

CONNECTIONS = 8
SECONDS = 4
ROUNDS = 3
RACES = 50
GUESTS = 2000


class Door(NamedTuple):
    """A web server that answers: its port, its first process, the database behind it."""

    port: int
    pid: int
    url: str

    def cpu(self) -> float:
        """CPU seconds used so far by the server's processes and by all of the database's that serve them."""
        workers = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        backends = _ask(self.url, "SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        return sum(cpu_of_threads(int(pid)) for pid in workers) + sum(
            cpu_of_threads(pid) for (pid,) in backends if Path(f"/proc/{pid}").exists()
        )


@contextmanager
def served(settings: str, url: str, log: Path) -> Iterator[Door]:
    """The program's own web server with these settings on a free port: two processes of four threads."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-m", "gunicorn", "crm.wsgi", f"--bind=127.0.0.1:{port}", "--workers=2", "--threads=4"]
    words += ["--worker-class=gthread", "--graceful-timeout=5", "--no-control-socket"]
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": settings}
    child = Child(settings, [sys.executable, *words], log=log / f"{settings}.log", cwd=ROOT, env=environment)
    child.start()
    try:
        await_answer(child, lambda: _answers(port))
        assert child.process
        yield Door(port, child.process.pid, url)
    finally:
        stop([child], 15)


def _answers(port: int) -> bool:
    """Whether the program behind the port is loaded: any answer will do."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        line.request("GET", "/healthz")
        line.getresponse().read()
    except OSError:
        return False
    finally:
        line.close()
    return True


def visit_figures(url: str, log: Path) -> list[Figure]:
    """P13, P14 and P15 on the database of `url`, which they fill with visits."""
    with Worker(url) as worker:
        store_id = _largest_store(url)
        door = worker.answer("door", store_id=store_id, guests=GUESTS)
        counts = worker.answer("statements", key=door["key"], guest=door["guests"][0][1], times=20)
        p14 = _server_cpu(worker, store_id, door["guests"])
    with ExitStack() as stack:
        ours = stack.enter_context(served("crm.settings", url, log))
        rivals = stack.enter_context(served("bench.bare_settings", url, log))
        figures = _throughput(ours, rivals, store_id, door)
        race = _race(ours.port, url, store_id, door)
    one = Figure(
        "P13_statements", "SQL statements of one visit PUT", max(counts), "statements", 1, exact=True
    )
    return [*figures, one, p14, *race]


def _throughput(ours: Door, rivals: Door, store_id: int, door: dict[str, Any]) -> list[Figure]:
    """Whole visits, bare inserts and textbook visits in turn, the same connections and seconds each."""
    here = datetime.now(UTC).isoformat()
    by_id = [pair[0] for pair in door["guests"]]
    row = {"store": store_id, "external_id": "V-{uuid}", "visited_at": here, "amount_fen": 8800}
    ways = {
        "whole": (
            ours,
            "/api/v1/visits/{uuid}/",
            [pair[1] for pair in door["guests"]],
            {"external_id": "V-{uuid}", "visited_at": here, "amount": "88.00"},
            "customer_external_id",
        ),
        "bare": (rivals, "/api/v1/bare/{uuid}/", by_id, row, "customer"),
        "textbook": (rivals, "/api/v1/textbook/{uuid}/", by_id, row, "customer"),
    }
    seen: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for salt in range(ROUNDS + 1):
        for name, (server, path, guests, body, who) in ways.items():
            text = json.dumps(body)[:-1] + f', "{who}": ' + "{guest}}"
            order = {
                "port": server.port, "path": path, "body": text, "guests": guests, "key": door["key"],
                "salt": f"{name}{salt}", "connections": CONNECTIONS, "seconds": SECONDS if salt else 2,
            }  # fmt: skip
            used = server.cpu()
            result = _load(order)
            result["cpu_ms"] = (server.cpu() - used) / max(sum(result["statuses"].values()), 1) * 1000
            if set(result["statuses"]) != {"201"}:
                raise SystemExit(f"{path} answered {result['statuses']} under load.")
            if salt:  # the first round warms
                seen[name].append(result)
    speed = {name: statistics.median(r["per_second"] for r in results) for name, results in seen.items()}
    p99 = {name: statistics.median(r["p99_ms"] for r in results) for name, results in seen.items()}
    cpu = {name: statistics.median(r["cpu_ms"] for r in results) for name, results in seen.items()}
    unsteady = {name: spread([r["per_second"] for r in results]) / 2 for name, results in seen.items()}

    def line(id: str, what: str, rival: str, goal: float) -> Figure:
        note = (
            f"±{unsteady['whole']:.0%} and ±{unsteady[rival]:.0%}; "
            f"CPU {cpu['whole']:.2f} and {cpu[rival]:.2f} ms a request; "
            f"p99 {p99['whole']:.0f} and {p99[rival]:.0f} ms"
        )
        return Figure(
            id, what, speed["whole"], "requests/s", goal, "least",
            floor=speed[rival], ratio=speed["whole"] / speed[rival], note=note,
        )  # fmt: skip

    return [
        line("P13", "visit PUT, against a bare Django INSERT", "bare", 0.6),
        line("P13_textbook", "visit PUT, against the textbook DRF view", "textbook", 3.5),
    ]


def _load(order: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(order),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    if done.returncode != 0:
        raise SystemExit("The load generator failed; its own words are above.")
    return json.loads(done.stdout)


def _server_cpu(worker: Worker, store_id: int, guests: list[list[Any]]) -> Figure:
    """CPU of PostgreSQL alone: the visit's one statement against a bare insert, in turn."""
    worker.answer("backend_cpu", store_id=store_id, guests=guests, times=50)
    rounds = [worker.answer("backend_cpu", store_id=store_id, guests=guests, times=200) for _ in range(5)]
    bare, whole = (statistics.median(r[name] for r in rounds) / 200 * 1e6 for name in ("bare", "whole"))
    return Figure(
        "P14",
        "PostgreSQL CPU of a visit, against a bare INSERT",
        whole,
        "µs",
        3,
        floor=bare,
        ratio=whole / bare,
    )


def _race(port: int, url: str, store_id: int, door: dict[str, Any]) -> list[Figure]:
    """The same visit from eight clients at once, fifty times: fifty visits, counted once each."""
    customer_id, number = door["guests"][-1]
    sums = f"SELECT visits_total, spend_total_fen FROM customers_patronage WHERE store_id = {store_id} AND customer_id = "
    before = _ask(url, sums + str(customer_id))[0]
    body = json.dumps(
        {"customer_external_id": number, "visited_at": datetime.now(UTC).isoformat(), "amount": "1.00"}
    )
    keys = [str(uuid.uuid4()) for _ in range(RACES)]
    line_up = threading.Barrier(CONNECTIONS)
    answers: list[list[int]] = [[] for _ in keys]

    def client() -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Authorization": f"Bearer {door['key']}", "Content-Type": "application/json"}
        for n, key in enumerate(keys):
            line_up.wait(60)
            line.request("PUT", f"/api/v1/visits/{key}/", body, headers)
            answer = line.getresponse()
            answer.read()
            answers[n].append(answer.status)
        line.close()

    clients = [threading.Thread(target=client) for _ in range(CONNECTIONS)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    [(there,)] = _ask(url, "SELECT count(*) FROM customers_visit WHERE id = ANY(%s::uuid[])", [keys])
    after = _ask(url, sums + str(customer_id))[0]
    wrong = sum(sorted(statuses) != [200] * (CONNECTIONS - 1) + [201] for statuses in answers)
    counted = (after[0] - before[0], after[1] - before[1]) == (RACES, RACES * 100)
    note = f"{RACES} keys from {CONNECTIONS} clients; {wrong} rounds not answered 201 once and 200 else"
    return [
        Figure("P15", "visits made", there, "visits", RACES, exact=True, note=note),
        Figure(
            "P15_sums", "rounds answered or counted wrongly", wrong + (not counted), "rounds", 0, exact=True
        ),
    ]


def _largest_store(url: str) -> int:
    counted = "SELECT store_id FROM customers_patronage GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    return int(_ask(url, counted)[0][0])


def _ask(url: str, sql: str, params: list[Any] | None = None) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall()
    finally:
        connection.close()
