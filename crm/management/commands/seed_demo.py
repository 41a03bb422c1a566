import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connection

from common.clock import business_date, moment_of, now
from crm.demo import restaurant, staffing
from staff.commands import ShukeCommand, day_of
from staff.models import Brand, Store


class Command(ShukeCommand):
    help = "Fill an empty database with the demo restaurant: two stores, eighteen months of visits."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--today", metavar="DATE", help="the business date on which the demo begins (default: today)"
        )
        parser.add_argument("--guests", type=int, default=5000)

    def handle(self, *args: Any, **options: Any) -> None:
        if Brand.objects.exists():
            self.stdout.write("There is a restaurant in this database already; nothing was changed.")
            return
        if options["guests"] < 100:
            raise CommandError("--guests must be at least 100.")
        usual = Store()
        at = now()
        today = business_date(at, usual.timezone, usual.day_ends_at)
        if options["today"]:
            today = day_of(options["today"])
            at = moment_of(today, restaurant.AFTERNOON, usual.timezone)
        started, size = time.monotonic(), restaurant.Size(guests=options["guests"])
        restaurant.build(seed=options["seed"], today=today, at=at, size=size, say=self.stdout.write)
        if not connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute("VACUUM (ANALYZE)")
        there = ", ".join(f"{number:,} {name}" for name, number in restaurant.what_there_is().items())
        self.stdout.write(f"Done in {time.monotonic() - started:.0f} s: {there}.")
        self.stdout.write(
            f"The password of every demo login is {staffing.PASSWORD}; `demo_logins` lists them."
        )
