from typing import Any

from django.core.management.base import CommandParser

from common.clock import now
from crm import nightly
from staff.commands import ShukeCommand, add_store, day_of, store_of
from staff.models import Store


class Command(ShukeCommand):
    help = "Run the night of a business date, for one store or all, step by step. Safe to run twice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--on", required=True, metavar="DATE")
        add_store(parser, required=False)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        on = day_of(options["on"])
        stores = [store_of(options["store"])] if options["store"] else list(Store.objects.all())
        answer = []
        for store in stores:
            steps = nightly.run(store.pk, on, at=now(), by_hand=True)
            answer.append({"store": store.code, "steps": steps})
            if not options["json"]:
                self.stdout.write(f"{store.code} {on}")
                for step in steps:
                    told = ", ".join(f"{key} {value}" for key, value in step.items() if key != "step")
                    self.stdout.write(f"  {step['step']}: {told}")
        if options["json"]:
            self.print_json({"on": on, "stores": answer})
