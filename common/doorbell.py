"""The doorbell: after a commit, tell a worker that a tray has something in it.

Only the name of the bell travels. The tray itself is rows in PostgreSQL, and the minute tick looks into
every tray whether a bell rang or not, so a bell that is lost (Redis down, flushed) costs a minute.
"""

import logging

from celery import current_app
from django.db import transaction

log = logging.getLogger(__name__)


def ring(bell: str) -> None:
    """Ring `bell` once the surrounding transaction has committed. Never raises."""
    transaction.on_commit(lambda: _send(bell), robust=True)


def _send(bell: str) -> None:
    try:
        current_app.send_task("crm.answer_bell", args=[bell], ignore_result=True, retry=False)
    except Exception as error:  # the broker is a convenience: the tick will find the tray
        log.warning("bell %s not heard: %s", bell, error)
