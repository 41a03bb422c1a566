"""The servers a machine without its own gets from wheels, and the processes of `make run`."""

import atexit
import os
import sys

from crm.embedded.place import Place, state_directory
from crm.embedded.process import LauncherError
from crm.embedded.servers import ensure_servers

_NEEDS_NO_SERVER = {
    "", "help", "version", "collectstatic", "compilemessages", "makemessages", "sms_simulator",
}  # fmt: skip


def attach(argv: list[str]) -> None:
    """Give a manage.py command its DATABASE_URL and REDIS_URL before the settings are read.

    Where they are not set, the servers of CRM_STATE_DIR are found, or started and stopped again at
    exit. CRM_EMBEDDED=0 forbids it. A refusal is one line on stderr and exit code 1.
    """
    if os.environ.get("CRM_EMBEDDED") == "0":
        return
    place = Place(state_directory())
    command = next((word for word in argv[1:] if not word.startswith("-")), "")
    if command not in _NEEDS_NO_SERVER and not {"--help", "-h"} & set(argv):
        try:
            servers = ensure_servers(place.state)
        except LauncherError as refusal:
            sys.exit(str(refusal))
        atexit.register(servers.stop)
    os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or place.database_url
    os.environ["REDIS_URL"] = os.environ.get("REDIS_URL") or place.redis_url
