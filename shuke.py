#!/usr/bin/env python3
"""One door for a machine with or without make: python3 shuke.py COMMAND [ARGUMENTS]

run     install what is missing, start everything, print the address (PORT=8000)
test    the whole test suite; arguments go to pytest
check   ruff, mypy, Django's checks, missing migrations
faults  the fault tests in full        bench  the benchmarks
setup   install all that run needs     stop   stop what run started
clean   remove what setup made; the data in the state directory stays
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).absolute().parent
PYTHON = ROOT / ".venv/bin/python"
STAMP = ROOT / ".venv/.installed"
OLDEST = (3, 11)
RUNTIME = ["requirements.txt", "requirements-embedded.txt"]
WITH_TOOLS = [*RUNTIME, "requirements-dev.txt"]
LOCKS = {
    "run": RUNTIME,
    "setup": RUNTIME,
    "test": WITH_TOOLS,
    "check": WITH_TOOLS,
    "faults": WITH_TOOLS,
    "bench": WITH_TOOLS,
}
MADE = [".venv", "static/vendor", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"]


def main(words: list[str]) -> None:
    """Carry out the command, or hand it to the Python of .venv."""
    if not words or words[0] not in {*LOCKS, "stop", "clean"}:
        sys.exit(__doc__)
    need_python()
    if os.environ.get("CRM_STATE_DIR"):
        os.environ["CRM_STATE_DIR"] = os.path.abspath(os.environ["CRM_STATE_DIR"])
    os.chdir(ROOT)
    if words[0] == "clean":
        return clean()
    if words[0] in LOCKS:
        # Two commands at once: the second waits here. The lock ends with this program's exec.
        fcntl.flock(os.open(ROOT, os.O_RDONLY), fcntl.LOCK_EX)
        install(LOCKS[words[0]])
    elif not is_usable():
        return print("Nothing is running.")
    os.execv(PYTHON, [str(PYTHON), "-m", "crm.embedded", *words])


def need_python() -> None:
    """Go on with a newer Python where `python3` is an old one."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(14, OLDEST[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, str(ROOT / "shuke.py"), *sys.argv[1:]])
    sys.exit(f"This needs Python 3.11 or newer; here is {sys.version.split()[0]}.")


def install(locks: list[str]) -> None:
    """Make .venv hold what `locks` list, by their hashes; instant where it already does."""
    wanted = [f"{name} {hashlib.sha256(Path(name).read_bytes()).hexdigest()}" for name in locks]
    if not is_usable():
        make_venv()
    installed = STAMP.read_text().splitlines() if STAMP.exists() else []
    if set(wanted) <= set(installed):
        return
    print("Installing the Python packages", flush=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "-qq"]
    pip += ["--require-hashes", *(part for name in locks for part in ("-r", name))]
    if subprocess.call(pip) != 0:
        sys.exit("pip could not install the packages; its own words are above.")
    others = [line for line in installed if line.split()[0] not in locks]
    STAMP.write_text("\n".join([*others, *wanted]) + "\n")


def is_usable() -> bool:
    """Whether .venv has a Python that runs and is new enough, with pip."""
    probe = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.call([str(PYTHON), "-c", probe], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def make_venv() -> None:
    """Make .venv anew; on Debian without ensurepip install it, as root, or say what to do."""
    print("Making .venv", flush=True)
    if subprocess.call([sys.executable, "-c", "import ensurepip"], stderr=subprocess.DEVNULL) != 0:
        package = f"python3.{sys.version_info[1]}-venv"
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            sys.exit(f"Python here cannot make a virtual environment: install {package} first.")
        for apt in (["apt-get", "-q", "update"], ["apt-get", "-q", "-y", "install", package]):
            if subprocess.call(apt, stdin=subprocess.DEVNULL) != 0:
                sys.exit(f"`{' '.join(apt)}` failed: install {package} by hand.")
    if subprocess.call([sys.executable, "-m", "venv", "--clear", ".venv"]) != 0:
        sys.exit("Python could not make .venv; its own words are above.")


def clean() -> None:
    """Stop what runs and remove what setup and the tools made. Data and keys are not among it."""
    if is_usable():
        subprocess.call([str(PYTHON), "-m", "crm.embedded", "stop"])
    for name in MADE:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for catalogue in ROOT.glob("locale/*/LC_MESSAGES/*.mo"):
        catalogue.unlink()
    print(f"Clean. The data in {os.environ.get('CRM_STATE_DIR') or ROOT / '.state'} stays.")


if __name__ == "__main__":
    main(sys.argv[1:])
