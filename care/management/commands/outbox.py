import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from care.selectors.outbox import outbox_totals
from care.sentences import reason_words
from staff.models import Store


class Command(BaseCommand):
    """What became of the texts."""

    help = "Messages per state and per reason."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--store", metavar="CODE", help="of one store only")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        store = None
        if options["store"]:
            store = Store.objects.filter(code=options["store"]).first()
            if store is None:
                raise CommandError(f"outbox: there is no store {options['store']}")
        totals = outbox_totals(store)
        if options["json"]:
            body = {"total": totals.total, "states": totals.states, "reasons": totals.reasons}
            self.stdout.write(json.dumps(body, ensure_ascii=False))
            return
        for state, number in totals.states.items():
            self.stdout.write(f"{state:<12} {number:>9}")
            for reason, times in totals.reasons.get(state, {}).items():
                self.stdout.write(f"  {times:>9}  {reason}  {reason_words(reason)}")
        self.stdout.write(f"{'total':<12} {totals.total:>9}")
