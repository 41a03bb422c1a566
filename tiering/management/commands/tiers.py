import csv
from typing import Any

from django.core.management.base import CommandParser

from common.clock import now
from staff.commands import ShukeCommand, add_store, day_of, store_of
from tiering.selectors.decisions import tiers_on


class Command(ShukeCommand):
    help = "The tier of every guest as decided by a business date (default: the newest), as CSV on stdout."

    def add_arguments(self, parser: CommandParser) -> None:
        add_store(parser)
        parser.add_argument("--on", metavar="DATE")
        parser.add_argument("--axis", default="tier")

    def handle(self, *args: Any, **options: Any) -> None:
        store = store_of(options["store"])
        today = store.business_day(now())
        out = csv.writer(self.stdout, lineterminator="\n")
        out.writerow(["external_id", "tier", "scheme", "version", "business_date"])
        out.writerows(tiers_on(store, day_of(options["on"]) if options["on"] else today, options["axis"]))
