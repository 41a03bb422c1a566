"""A pytest plugin (`-p crm.embedded.testing`): the suite gets servers and a state directory of its own.

They live in a temporary folder for the length of one run, so runs side by side do not meet and
nothing touches the keys and data of `make run`. DATABASE_URL and REDIS_URL win as everywhere. Of several workers of one
run (pytest-xdist) each has servers of its own, too.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from crm.embedded.process import LauncherError
from crm.embedded.servers import ensure_servers

_OURS = "CRM_TEST_SERVERS_OURS"


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Before any other plugin reads the settings."""
    if os.environ.get(_OURS):  # a worker's: these are the servers of the process that started it
        del os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
    given = os.environ.get("DATABASE_URL") or os.environ.get("REDIS_URL")
    folder = Path(tempfile.mkdtemp(prefix="shuke-test-"))
    early_config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    try:
        servers = ensure_servers(folder, durable=False)
    except LauncherError as refusal:
        raise pytest.UsageError(str(refusal)) from None
    early_config.add_cleanup(servers.stop)
    os.environ.update(
        CRM_STATE_DIR=str(folder), DATABASE_URL=servers.database_url, REDIS_URL=servers.redis_url
    )
    if not given:
        os.environ[_OURS] = "1"
    return (yield)
