from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from staff.commands import ShukeCommand
from staff.models import Brand, Store


class Command(ShukeCommand):
    help = "List the stores, or add one."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--list", action="store_true")
        what.add_argument("--add", metavar="CODE")
        parser.add_argument("--name", help="the store's name (with --add)")
        parser.add_argument("--brand", metavar="CODE", help="its brand (default: the only one, or `main`)")
        parser.add_argument("--timezone", default="Asia/Shanghai")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if code := options["add"]:
            self._add(code, options)
        stores = [
            {"code": s.code, "name": s.name, "brand": s.brand.code, "timezone": s.timezone}
            for s in Store.objects.select_related("brand")
        ]
        if options["json"]:
            self.print_json({"stores": stores})
        elif options["list"]:
            for store in stores:
                self.stdout.write("\t".join(store.values()))

    @transaction.atomic
    def _add(self, code: str, options: dict[str, Any]) -> None:
        if Store.objects.filter(code=code).exists():
            raise CommandError(f"There is a store {code!r} already.")
        brand_code = options["brand"]
        if brand_code is None:
            brands = list(Brand.objects.values_list("code", flat=True)[:2])
            if len(brands) > 1:
                raise CommandError("There are several brands: say which with --brand.")
            brand_code = brands[0] if brands else "main"
        brand, _ = Brand.objects.get_or_create(
            code=brand_code, defaults={"name": options["name"] or brand_code}
        )
        store = Store(brand=brand, code=code, name=options["name"] or code, timezone=options["timezone"])
        try:
            store.zone()
        except (KeyError, ValueError, OSError) as error:
            raise CommandError(f"{options['timezone']!r} is not a time zone.") from error
        store.save()
        if not options["json"]:
            self.stdout.write(f"Store {code} added to brand {brand_code}.")
