from typing import Any

from django.core.management.base import CommandError, CommandParser

from staff.commands import ShukeCommand, add_store, day_of, store_of
from tiering.management.commands.schemes import read_scheme_file
from tiering.rules import read_scheme
from tiering.services.preview import preview
from tiering.services.schemes import SchemeRefused, check_body


class Command(ShukeCommand):
    help = "What a scheme would do to a store's guests on a date. Writes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        add_store(parser)
        parser.add_argument("--file", required=True, metavar="SCHEME.json")
        parser.add_argument("--on", required=True, metavar="DATE")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        store, body = store_of(options["store"]), read_scheme_file(options["file"])
        try:
            check_body(body)
        except SchemeRefused as refused:
            raise CommandError("\n".join(refused.sentences())) from refused
        answer = preview(store, read_scheme(body), day_of(options["on"]))
        if options["json"]:
            self.print_json({"store": store.code, "scheme": body["id"], **answer.as_json()})
            return
        for code, guests in answer.then.items():
            self.stdout.write(f"{code}\t{answer.now.get(code, 0)} → {guests}")
        for a, b, guests in answer.moves:
            self.stdout.write(f"{a or '–'} → {b}\t{guests}")
