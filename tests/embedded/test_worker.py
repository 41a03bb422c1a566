"""A worker's pool ends with its worker, in the middle of a task too."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from crm.embedded.place import ROOT

TRIAL = """
import os, pathlib, time
from crm.celery import app

@app.task(name="hold")
def hold(note):
    pathlib.Path(note).write_text(str(os.getpid()))
    time.sleep(60)
"""


def test_killing_the_worker_ends_the_task_in_hand(tmp_path):
    (tmp_path / "trial.py").write_text(TRIAL)
    note = tmp_path / "pid"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    celery = [sys.executable, "-m", "celery", "-A", "trial"]
    subprocess.run(
        [*celery, "call", "hold", f"--args={json.dumps([str(note)])}", "--queue=trial"],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with (tmp_path / "log").open("w") as log:
        worker = subprocess.Popen(
            [*celery, "worker", "--concurrency=1", "--queues=trial", "--without-gossip", "--without-mingle"],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 30
        while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert note.exists(), (tmp_path / "log").read_text()
    finally:
        worker.kill()
        worker.wait()
    busy = Path(f"/proc/{note.read_text()}/cmdline")
    deadline = time.monotonic() + 3
    while busy.exists() and busy.read_bytes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not busy.exists() or busy.read_bytes() == b""  # gone, or a zombie that nobody has reaped
