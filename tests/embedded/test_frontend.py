"""The front end's packages: locked by content, and whole after they were fetched."""

import json
import re

from crm.embedded.frontend import _FILES
from crm.embedded.place import ROOT

VENDOR = ROOT / "static" / "vendor"


def test_the_lock_names_contents_and_no_place_to_fetch_them_from():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert lock["packages"][""]["dependencies"] == wanted
    assert {f"node_modules/{name}" for name in wanted} <= set(packages)
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert not [name for name, entry in packages.items() if "resolved" in entry]


def test_no_fetched_file_points_to_one_that_is_not_there():
    found = sorted(str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file())
    assert found == sorted([*_FILES, ".stamp"])
    for name in _FILES:
        if name.endswith((".css", ".js")):
            text = (VENDOR / name).read_text(encoding="utf-8")
            assert "sourceMappingURL" not in text
        if name.endswith(".css"):
            for target in re.findall(r'url\(["\']?(?!data:|#|%23)([^"\')?#]+)', text):
                assert (VENDOR / name).parent.joinpath(target).exists(), f"{name} → {target}"
