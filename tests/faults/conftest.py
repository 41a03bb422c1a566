"""Servers that may be crashed, with the suite's tables in them."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.care.conftest import simulator as simulator
from tests.care.test_relay import database_url
from tests.faults.ground import Ground


def _ground(unblock: Callable[[], Any], *, durable: bool) -> Iterator[Ground]:
    folder = Path(tempfile.mkdtemp(prefix="shuke-faults-"))
    folder.chmod(0o711)
    try:
        with unblock():
            schema_of = database_url()
        found = Ground(folder, schema_of, durable=durable)
        try:
            yield found
        finally:
            found.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def ground(django_db_setup: None, django_db_blocker: Any) -> Iterator[Ground]:
    """A cluster and a broker of this module's own, gone with the machine."""
    yield from _ground(django_db_blocker.unblock, durable=False)


@pytest.fixture(scope="module")
def hard_ground(django_db_setup: None, django_db_blocker: Any) -> Iterator[Ground]:
    """The same, with commits that a crash must find again."""
    yield from _ground(django_db_blocker.unblock, durable=True)
