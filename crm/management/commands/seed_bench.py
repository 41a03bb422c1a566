import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connection

from crm.demo import bench
from staff.commands import ShukeCommand
from staff.models import Brand


class Command(ShukeCommand):
    help = "Fill an empty database with a skewed load for benchmarks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--customers", type=int, default=100_000)
        parser.add_argument("--visits", type=int, default=2_000_000)
        parser.add_argument("--stores", type=int, default=20)
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        if Brand.objects.exists():
            raise CommandError("This database is not empty: the load needs one of its own.")
        size = {key: options[key] for key in ("customers", "visits", "stores")}
        if min(size.values()) < 1 or size["customers"] < size["stores"]:
            raise CommandError("At least one store, one guest for each, and one visit.")
        started = time.monotonic()
        written = bench.load(**size, seed=options["seed"], say=self.stdout.write)
        if not connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute("VACUUM (ANALYZE)")
        self.stdout.write(f"{written:,} visits in {time.monotonic() - started:.0f} s")
