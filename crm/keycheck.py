"""At the start of every process: the keys in the state directory are those that encrypted this database."""

import sys

from django.db import Error, connection, transaction

from common.clock import now
from common.keys import current_keys
from ops.models import KeyMark

# Commands that must work before there is a database, or mend it.
WITHOUT_KEYS = {
    "", "help", "version", "migrate", "makemigrations", "showmigrations", "collectstatic", "sms_simulator", "check",
    "dbshell",
}  # fmt: skip


class ForeignKeys(Exception):
    """The database was encrypted with other keys than the ones at hand."""


def check_keys() -> None:
    """Remember the keys' fingerprint the first time; afterwards raise ForeignKeys when they are others.

    A database that cannot be asked yet (not there, not migrated) is left to whoever needs it.
    """
    try:
        with transaction.atomic():
            mark = KeyMark.objects.order_by("pk").first()
            if mark is None:
                mark = KeyMark.objects.create(fingerprint=current_keys().fingerprint(), made_at=now())
    except Error:
        return
    finally:
        connection.close()
    if mark.fingerprint != current_keys().fingerprint():
        raise ForeignKeys(
            "The guests' numbers in this database were encrypted with other keys than the ones in CRM_STATE_DIR/keys "
            "(or CRM_FIELD_KEY and CRM_INDEX_KEY). Bring back the keys of the machine that made it; without them "
            "numbers can neither be read nor found, so Shuke does not start."
        )


def refuse_foreign_keys(argv: list[str] | None = None) -> None:
    """Exit 1 with one sentence instead of starting with the wrong keys."""
    command = next((word for word in (argv or ["", "run"])[1:] if not word.startswith("-")), "")
    if command in WITHOUT_KEYS:
        return
    try:
        check_keys()
    except ForeignKeys as refusal:
        sys.exit(str(refusal))
