from collections.abc import Mapping
from datetime import date
from typing import Any

from django.core.management.base import CommandError, CommandParser

from common.clock import now
from staff.commands import ShukeCommand, day_of, store_of
from staff.models import Store
from tiering.management.commands.schemes import read_scheme_file
from tiering.rules import Scheme, read_scheme
from tiering.services.chain import ChainPreview, chain_preview
from tiering.services.preview import Preview, preview
from tiering.services.schemes import SchemeRefused, check_body


class Command(ShukeCommand):
    help = "What a scheme would do to the guests of a store, or of all stores of a brand, on a date. Writes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--store", metavar="CODE", help="the store's code")
        where.add_argument("--brand", metavar="CODE", help="every store of this brand")
        parser.add_argument("--file", required=True, metavar="SCHEME.json")
        parser.add_argument("--on", required=True, metavar="DATE")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        stores = _stores_of(options["brand"]) if options["brand"] else [store_of(options["store"])]
        body = read_scheme_file(options["file"])
        try:
            check_body(body)
        except SchemeRefused as refused:
            raise CommandError("\n".join(refused.sentences())) from refused
        scheme, on = read_scheme(body), day_of(options["on"])
        if options["brand"]:
            chain = _everywhere(stores, scheme, on)
            names = {store.pk: store.code for store in stores}
            head = {"brand": options["brand"], "scheme": scheme.code}
            each = [{"store": names[pk], **_figures(of_store)} for pk, of_store in chain.stores.items()]
            told = head | chain.total.as_json() | {"counted_ms": chain.counted_ms, "stores": each}
            answer = chain.total
        else:
            answer = preview(stores[0], scheme, on)
            told = {"store": stores[0].code, "scheme": scheme.code, **answer.as_json()}
        if options["json"]:
            self.print_json(told)
            return
        self._print(answer)
        if options["brand"]:
            for pk, of_store in chain.stores.items():
                self.stdout.write(f"\n{names[pk]}")
                self._print(of_store)

    def _print(self, answer: Preview) -> None:
        for code, guests in answer.then.items():
            self.stdout.write(f"{code}\t{answer.now.get(code, 0)} → {guests}")
        for a, b, guests in answer.moves:
            self.stdout.write(f"{a or '–'} → {b}\t{guests}")


def _stores_of(code: str) -> list[Store]:
    stores = list(Store.objects.filter(brand__code=code).select_related("brand"))
    if not stores:
        there = ", ".join(
            Store.objects.order_by("brand__code").values_list("brand__code", flat=True).distinct()
        )
        raise CommandError(f"There is no brand {code!r} with stores (brands: {there or 'none yet'}).")
    return stores


def _everywhere(stores: list[Store], scheme: Scheme, on: date) -> ChainPreview:
    found = chain_preview(stores=stores, scheme=scheme, on=on, at=now(), fresh=True)
    assert isinstance(found, ChainPreview), "without a limit of time there is an answer"
    return found


def _figures(answer: Preview) -> Mapping[str, Any]:
    """What a preview says of a store among others: day and time taken are told once."""
    told = answer.as_json()
    return {name: told[name] for name in ("now", "then", "moves")}
