import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from common.clock import now
from staff.commands import ShukeCommand, add_store, day_of, store_of
from tiering.models import Adoption
from tiering.selectors.schemes import preset_codes
from tiering.services.schemes import SchemeRefused, adopt, adopt_preset, save_scheme


def read_scheme_file(path: str) -> Any:
    """The JSON of a scheme file, with exact decimals; one line where it cannot be read."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {error}") from error


class Command(ShukeCommand):
    help = "List a store's schemes, adopt a preset, or adopt a scheme from a file."

    def add_arguments(self, parser: CommandParser) -> None:
        add_store(parser)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--list", action="store_true")
        what.add_argument("--adopt", metavar="PRESET")
        what.add_argument("--file", metavar="SCHEME.json")
        parser.add_argument("--from", dest="from_date", metavar="DATE", help="default: today's business date")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        store, at = store_of(options["store"]), now()
        if options["list"]:
            return self._list(store, options["json"])
        today = store.business_day(at)
        from_date = day_of(options["from_date"]) if options["from_date"] else today
        try:
            if options["adopt"]:
                adoption = adopt_preset(
                    store=store, code=options["adopt"], from_date=from_date, actor=None, at=at
                )
            else:
                version = save_scheme(store=store, body=read_scheme_file(options["file"]), actor=None, at=at)
                adoption = adopt(store=store, version=version, from_date=from_date, actor=None, at=at)
        except SchemeRefused as refused:
            raise CommandError("\n".join(refused.sentences())) from refused
        answer = {
            "store": store.code,
            "scheme": adoption.version.scheme.code,
            "version": adoption.version.number,
            "axis": adoption.axis,
            "from": adoption.from_date,
        }
        if options["json"]:
            self.print_json(answer)
        else:
            self.stdout.write("{store}: {scheme} v{version} in force from {from}.".format(**answer))

    def _list(self, store: Any, as_json: bool) -> None:
        adoptions = [
            {
                "scheme": a.version.scheme.code,
                "version": a.version.number,
                "axis": a.axis,
                "from": a.from_date,
            }
            for a in Adoption.objects.filter(store=store)
            .select_related("version__scheme")
            .order_by("axis", "from_date", "id")
        ]
        if as_json:
            self.print_json({"store": store.code, "adoptions": adoptions, "presets": preset_codes()})
            return
        for row in adoptions:
            self.stdout.write("{axis}\t{scheme} v{version}\tfrom {from}".format(**row))
        self.stdout.write(f"presets: {', '.join(preset_codes())}")
