import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from care.channels import provider_from_settings
from care.relay import Relay
from care.timing import timing_from


class Command(BaseCommand):
    """Send the due texts, apply receipts and replies, resolve doubts. Ends cleanly on SIGTERM or Ctrl-C."""

    help = "Send the due texts until told to stop. Without a provider nothing is sent."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, default=4, help="texts on their way at the same time (4)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["threads"] <= 400:
            raise CommandError("relay: --threads must be from 1 to 400")
        try:
            provider = provider_from_settings(settings.SMS)
            timing = timing_from(settings.SMS)
        except ValueError as error:
            raise CommandError(f"relay: {error}") from None
        relay = Relay(provider, timing, settings.SMS, threads=options["threads"])
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: relay.stop())
        through = provider.name if provider else "nobody: no provider is set, people greet instead"
        self.stdout.write(f"relay: sending through {through}")
        self.stdout.flush()
        relay.run()
        self.stdout.write("relay: stopped")
