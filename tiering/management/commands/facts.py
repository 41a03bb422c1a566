import csv
from datetime import date
from fractions import Fraction
from typing import Any

from django.core.management.base import CommandParser

from common.money import half_up, yuan
from staff.commands import ShukeCommand, add_store, day_of, store_of
from tiering.facts import CATALOGUE, SHARE, unit_of
from tiering.query import Question
from tiering.selectors.decisions import fact_value, rows_of


def written(key: str, value: Any) -> str:
    """A fact as the file shows it: money in yuan, averages with two decimals, dates ISO, absent empty."""
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    assert isinstance(value, Fraction)
    if unit_of(key) == "fen":
        return f"{yuan(value):f}"
    if unit_of(key) == "percent" or CATALOGUE[key].per != 1:
        return f"{half_up(value):f}"
    return str(int(value))


class Command(ShukeCommand):
    help = "Every fact of every guest of a store on a business date, as CSV on stdout."

    def add_arguments(self, parser: CommandParser) -> None:
        add_store(parser)
        parser.add_argument("--on", required=True, metavar="DATE")
        parser.add_argument("--shares", action="store_true", help="the position among the store's guests too")

    def handle(self, *args: Any, **options: Any) -> None:
        store, on = store_of(options["store"]), day_of(options["on"])
        keys = list(CATALOGUE)
        if options["shares"]:
            keys += [SHARE + key for key, fact in CATALOGUE.items() if fact.comparable]
        out = csv.writer(self.stdout, lineterminator="\n")
        out.writerow(["external_id", *keys])
        for row in rows_of(Question(store.pk, on, tuple(keys), zone=store.timezone)):
            out.writerow([row["external_id"], *(written(key, fact_value(row, key)) for key in keys)])
