import getpass
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from common.clock import now
from staff.access import staff_of
from staff.commands import ShukeCommand, add_store, store_of
from staff.models import Membership, Person, Role


class Command(ShukeCommand):
    help = "List who works in a store, or give somebody a role there (a new person gets a password)."

    def add_arguments(self, parser: CommandParser) -> None:
        add_store(parser)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--list", action="store_true")
        what.add_argument("--add", metavar="USERNAME")
        parser.add_argument("--name", default="", help="how colleagues say it")
        parser.add_argument("--role", choices=Role.values)

    def handle(self, *args: Any, **options: Any) -> None:
        store = store_of(options["store"])
        today = store.business_day(now())
        if options["add"]:
            if not options["role"]:
                raise CommandError("Say which role: --role " + " | ".join(Role.values))
            self._add(store, options, today)
        for person, role in staff_of(store, today) if options["list"] else []:
            self.stdout.write(f"{person.username}\t{person.name}\t{role}")

    @transaction.atomic
    def _add(self, store: Any, options: dict[str, Any], today: Any) -> None:
        username = options["add"]
        person = Person.objects.filter(username=username).first()
        if person is None:
            password = self._password()
            person = Person.objects.create_user(username, password=password, name=options["name"])
        everywhere = options["role"] == Role.HQ
        _, fresh = Membership.objects.get_or_create(
            person=person,
            brand=store.brand,
            store=None if everywhere else store,
            role=options["role"],
            until=None,
            defaults={"since": today},
        )
        words = "is now" if fresh else "was already"
        self.stdout.write(
            f"{username} {words} {options['role']} of {store.brand if everywhere else store.code}."
        )

    def _password(self) -> str:
        """Asked for at a terminal, else the first line of standard input."""
        password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        if len(password) < 8:
            raise CommandError("A password has at least 8 characters (give it on standard input).")
        return password
