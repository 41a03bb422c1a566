from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from care.simulator import server


class Command(BaseCommand):
    """Run the SMS simulator in the foreground. It needs neither the database nor the broker."""

    help = "Run a local SMS provider that sends nothing and shows what guests would receive."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        server.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            server.run(options, self._say)
        except (OSError, ValueError) as error:
            raise CommandError(f"sms_simulator: {error}") from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
