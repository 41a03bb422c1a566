"""Where one state directory keeps its things, and for which account of the system."""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from crm.embedded.process import Account, LauncherError

ROOT = Path(__file__).absolute().parents[2]
_SOCKET_PATH_LIMIT = 107


@dataclass(frozen=True)
class Place:
    """The folders and addresses of one state directory (an absolute path)."""

    state: Path

    @property
    def home(self) -> Path:
        """The folder of the database: the state directory, or where its link `servers` leads."""
        link = self.state / "servers"
        return link.readlink() if link.is_symlink() else self.state

    @property
    def run(self) -> Path:
        """Locks and pid files."""
        return self.state / "run"

    @property
    def log(self) -> Path:
        """One file per process."""
        return self.state / "log"

    @property
    def sockets(self) -> Path:
        """The private folder of the sockets; a short one where the kernel's limit asks for it."""
        usual = self.home / "sockets"
        if len(os.fsencode(usual / ".s.PGSQL.5432")) <= _SOCKET_PATH_LIMIT:
            return usual
        return Path("/tmp") / f"shuke-{hashlib.sha256(os.fsencode(usual)).hexdigest()[:16]}"

    @property
    def database_url(self) -> str:
        """The address of the database, whether its server runs or not."""
        return f"postgresql://shuke@/shuke?host={quote(str(self.sockets), safe='')}&port=5432"

    @property
    def redis_url(self) -> str:
        """The address of the broker, whether it runs or not."""
        return f"unix://{quote(str(self.sockets))}/valkey.sock?db=0"

    def prepare(self) -> None:
        """Make the folders; refuse a state directory that belongs to somebody else."""
        if not self.state.exists():
            self.state.mkdir(parents=True)
            # Root's database runs under another account, which passes through here to its own folder.
            self.state.chmod(0o711 if os.geteuid() == 0 else 0o700)
        owner = self.state.stat().st_uid
        if owner != os.geteuid():
            raise LauncherError(
                f"{self.state} belongs to {_user_name(owner)}: run this as {_user_name(owner)}, "
                "or set CRM_STATE_DIR to a folder of your own."
            )
        for folder in (self.run, self.log, self.state / "valkey"):
            folder.mkdir(mode=0o700, exist_ok=True)

    def settle(self, account: Account | None) -> None:
        """See to it that `account` reaches the database's home, and owns the folder of the sockets.

        Under a private directory (root's own home, say) nobody else reaches anything, and opening
        that directory to all is not ours to do: the database then lives in /var/lib behind a link.
        """
        if account and not succeeds(["/bin/sh", "-c", 'test -x "$0"', str(self.home)], account):
            home = Path(tempfile.mkdtemp(prefix="shuke-", dir="/var/lib"))
            home.chmod(0o711)
            (self.state / "servers").symlink_to(home)
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        found = self.sockets.lstat()
        if self.sockets.is_symlink() or found.st_uid not in {os.geteuid(), account and account.uid}:
            raise LauncherError(f"{self.sockets} belongs to {_user_name(found.st_uid)}: remove it.")
        if account:
            os.chown(self.sockets, account.uid, account.gid)

    def database_account(self) -> Account | None:
        """Whom PostgreSQL runs as, for it refuses root: its data's owner, else postgres, else nobody."""
        if os.geteuid() != 0:
            return None
        for data in self.home.glob("pg[0-9]*"):
            return Account.of(pwd.getpwuid(data.stat().st_uid))
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                return Account.of(pwd.getpwnam(name))
        raise LauncherError("PostgreSQL refuses to run as root and there is no account postgres or nobody.")


def state_directory() -> Path:
    """CRM_STATE_DIR, else `.state` beside manage.py."""
    return Path(os.environ.get("CRM_STATE_DIR") or ROOT / ".state").absolute()


def package_folder(name: str) -> Path | None:
    """Where an installed package lies, without running its code."""
    spec = importlib.util.find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`, waiting for it."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def succeeds(argv: list[str], account: Account) -> bool:
    """Whether `account` can run this program, and it exits with 0."""
    try:
        done = subprocess.run(argv, cwd="/", capture_output=True, **account.identity())
    except PermissionError:
        return False
    return done.returncode == 0


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
