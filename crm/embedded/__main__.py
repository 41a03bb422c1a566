"""The commands of shuke.py, run by the Python of `.venv` once it has all it needs."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from crm.embedded.catalogues import compile_catalogues
from crm.embedded.frontend import install_frontend
from crm.embedded.place import ROOT, state_directory
from crm.embedded.process import Child, LauncherError, run_to_end
from crm.embedded.servers import ensure_servers
from crm.embedded.supervisor import run, stop_running

# As strict as a real installation, so that `check --deploy` has nothing to forgive.
_PRODUCTION = {
    "CRM_SECRET_KEY": "for-this-check-only-" + "0123456789abcdef" * 4,
    "CRM_TLS": "1",
    "CRM_DEBUG": "",
}


_MOST_WORKERS = 4


def main(command: str, words: list[str]) -> int:
    """Carry out one command; the exit code."""
    if command != "stop":
        compile_catalogues(ROOT)
    if command not in {"stop", "check"}:
        install_frontend()
    return _COMMANDS[command](words)


def _test(words: list[str]) -> int:
    # The whole suite on as many cores as there are, each with servers of its own; parts and given servers one by one.
    cores = min(os.cpu_count() or 1, _MOST_WORKERS)
    alone = any(not word.startswith("-") for word in words) or os.environ.get("DATABASE_URL")
    side_by_side = [] if alone or cores == 1 else ["-n", str(cores), "--dist", "loadfile"]
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *side_by_side, *words])


FAULT_TESTS = [
    "tests/faults",
    "tests/care/test_relay.py",
    "tests/care/test_doubts.py",
    "tests/flow/test_night.py",
]


def _faults(words: list[str]) -> int:
    os.environ["FAULTS"] = "full"
    return _test([*FAULT_TESTS, "-o", "faulthandler_timeout=3600", *words])


def _bench(words: list[str]) -> int:
    return _with_servers(state_directory() / "bench", [["bench", *words]], {})


def _check(words: list[str]) -> int:
    manage = [str(ROOT / "manage.py")]
    calls = [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy", "."],
        [*manage, "check", "--deploy", "--fail-level", "WARNING"],
        [*manage, "makemigrations", "--check", "--dry-run"],
    ]
    return _with_servers(state_directory() / "check", calls, _PRODUCTION)


def _with_servers(state: Path, calls: list[list[str]], extra: dict[str, str]) -> int:
    """Run Python with each of `calls` beside servers of its own; 1 if any of them failed."""
    failed = []
    with ensure_servers(state) as servers:
        environment = os.environ | extra | {
            "CRM_STATE_DIR": str(state),
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "DJANGO_SETTINGS_MODULE": "crm.settings",
        }  # fmt: skip
        for call in calls:
            argv = [sys.executable, *(call if call[0].endswith(".py") else ["-m", *call])]
            title = " ".join(call).removeprefix(f"{ROOT}/")
            if len(calls) > 1:
                print(f"== {title}", flush=True)
            if run_to_end(Child(title, argv, cwd=ROOT, env=environment)) != 0:
                failed.append(title)
    if failed and len(calls) > 1:
        print("\nNot in order:", *failed, sep="\n  ", flush=True)
    return 1 if failed else 0


_COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "run": lambda words: run(state_directory()),
    "setup": lambda words: 0,
    "stop": lambda words: stop_running(state_directory()),
    "test": _test,
    "faults": _faults,
    "bench": _bench,
    "check": _check,
}

if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except LauncherError as refusal:
        sys.exit(str(refusal))
    except KeyboardInterrupt:
        sys.exit(130)
