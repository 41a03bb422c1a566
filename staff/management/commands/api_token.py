from typing import Any

from django.core.management.base import CommandParser

from common.clock import now
from staff.access import issue_token
from staff.commands import ShukeCommand, add_store, store_of


class Command(ShukeCommand):
    help = "Issue an API key for a machine of a store. The key is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        add_store(parser)
        parser.add_argument("--name", required=True, help="which machine, e.g. `POS 1`")

    def handle(self, *args: Any, **options: Any) -> None:
        _, key = issue_token(store=store_of(options["store"]), name=options["name"], actor=None, at=now())
        self.stdout.write(key)
