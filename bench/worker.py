"""A process with Django and one connection that does what it is told and says what it cost.

One JSON object a line: `{"do": name, "said": {…}}` in, `{"answer": …, "cpu": …, "wall": …}` out.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.measure import Cost, cpu_of, cpu_of_this_process


class Worker:
    """The other end: started on one database, asked one thing after the other, ended by `close`."""

    def __init__(self, database_url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "crm.settings"},
        )

    def ask(self, do: str, **said: Any) -> tuple[Any, Cost]:
        """Have one thing done: the answer, and what it cost. Raises SystemExit when the worker has died."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"do": do, "said": said}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"The benchmark's worker ended at '{do}'; its own words are above.")
        told = json.loads(line)
        return told["answer"], Cost(told["cpu"], told["wall"])

    def cost(self, do: str, **said: Any) -> Cost:
        """What one thing cost."""
        return self.ask(do, **said)[1]

    def answer(self, do: str, **said: Any) -> Any:
        """What one thing answered."""
        return self.ask(do, **said)[0]

    def close(self) -> None:
        """End the process and its connection."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(actions: dict[str, Callable[..., Any]], backend: int) -> None:
    """Answer line by line until the other end closes. `backend` is the process of our connection."""
    for line in sys.stdin:
        asked = json.loads(line)
        used = cpu_of(backend) + cpu_of_this_process()
        started = time.perf_counter()
        answer = actions[asked["do"]](**asked["said"])
        wall = time.perf_counter() - started
        cpu = cpu_of(backend) + cpu_of_this_process() - used
        print(json.dumps({"answer": answer, "cpu": cpu, "wall": wall}), flush=True)


if __name__ == "__main__":
    import django

    django.setup()
    from django.db import connection

    from bench import answers, floors, nights, orm_nights, texts, writes

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    parts = (floors, nights, answers, writes, orm_nights, texts)
    serve({name: action for part in parts for name, action in part.ACTIONS.items()}, backend)
