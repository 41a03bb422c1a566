"""The simulated SMS provider, as a real server on the loopback."""

import threading
from collections.abc import Iterator

import pytest

from care.simulator.server import SimulatorServer, make_server


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    server = make_server(0, env={})
    server.desk.pusher.configure({"mode": "never"})
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
