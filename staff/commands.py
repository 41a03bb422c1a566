"""What every command shares: a store by its code, a date, one line for a refusal, one JSON object."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import Refused
from staff.models import Store


class ShukeCommand(BaseCommand):
    """A command whose refusals are one clear line on stderr and exit code 1."""

    requires_system_checks: list[str] = []

    def execute(self, *args: Any, **options: Any) -> str | None:
        with refusals():
            return super().execute(*args, **options)

    def print_json(self, answer: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(answer, ensure_ascii=False, default=str))


@contextmanager
def refusals() -> Iterator[None]:
    """Turn a refusal into a CommandError with its sentence."""
    try:
        yield
    except Refused as refused:
        raise CommandError(str(refused)) from refused


def add_store(parser: CommandParser, *, required: bool = True) -> None:
    parser.add_argument("--store", metavar="CODE", required=required, help="the store's code")


def store_of(code: str) -> Store:
    """The store with this code, or one line that says which there are."""
    store = Store.objects.select_related("brand").filter(code=code).first()
    if store is None:
        there = ", ".join(Store.objects.values_list("code", flat=True)) or "none yet: stores --add"
        raise CommandError(f"There is no store {code!r} (stores: {there}).")
    return store


def day_of(text: str) -> date:
    """A date given as YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is not a date: write YYYY-MM-DD.") from None
