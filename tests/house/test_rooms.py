"""The rules of the house that a machine can remember."""

import ast
import re
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from staff import access
from staff.models import Role

ROOT = Path(__file__).resolve().parents[2]
ROOMS = [
    "crm",
    "common",
    "ops",
    "staff",
    "customers",
    "feedback",
    "tiering",
    "loyalty",
    "care",
    "reports",
    "tablet",
]
SOURCES = [
    path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts
]
PURE = [
    "common/birthdays.py", "common/lunar.py", "common/festivals.py", "common/phones.py", "common/names.py",
    "customers/ratings.py", "customers/origin.py",
    "customers/seating.py", "customers/habit.py", "customers/preorder.py",
    "tiering/rules/tree.py", "tiering/rules/reading.py", "tiering/rules/deciding.py", "tiering/facts.py", "tiering/compile.py", "tiering/checks.py", "tiering/query.py",
    "tiering/sources.py", "tiering/forecast/turning.py", "tiering/forecast/falling.py", "tiering/forecast/rising.py", "tiering/confirming.py", "tiering/goals.py", "tiering/segments.py", "tiering/edges.py",
    "tiering/editor/nodes.py", "tiering/editor/fields.py", "tiering/editor/scores.py", "tiering/editor/buttons.py",
    "loyalty/worth.py", "care/treatments.py",
    "care/playbook.py", "care/festivals.py", "care/windows.py", "care/outcomes.py", "care/campaigns.py", "care/costs.py",
    "care/relations/rules.py",
    "care/events/seats.py",
]  # fmt: skip
LONGEST = 420


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_label_has_one_writer():
    """`Patronage.tier` is written by customers.services.labels alone."""
    sql = re.compile(
        r"UPDATE customers_patronage\b[^\"]{0,200}?\bSET\b[^\"]{0,200}?\btier(_since)?\s*=", re.S
    )
    update = re.compile(r"\.update\([^)]*\btier(_since)?=|bulk_update\([^)]*\btier\b")
    writers = set()
    for path in SOURCES:
        if sql.search(text_of(path)) or update.search(text_of(path)):
            writers.add(named(path))
        for node in ast.walk(ast.parse(text_of(path))):
            targets = node.targets if isinstance(node, ast.Assign) else []
            if any(isinstance(t, ast.Attribute) and t.attr in ("tier", "tier_since") for t in targets):
                writers.add(named(path))
    assert writers == {"customers/services/labels.py"}


@pytest.mark.parametrize("name", PURE)
def test_a_pure_file_imports_no_framework_and_reads_no_clock(name: str):
    tree = ast.parse(text_of(ROOT / name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for module in modules:
                assert not module.startswith(("django", "celery", "rest_framework")), (
                    f"{name} imports {module}"
                )
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("datetime.now", "date.today", "now", "timezone.now", "time.time"), (
                f"{name}: {called}"
            )


def test_the_clock_is_read_in_one_place():
    asks = re.compile(r"\b(datetime\.now|date\.today|timezone\.now|datetime\.utcnow)\(")
    askers = [named(path) for path in SOURCES if asks.search(text_of(path))]
    # The simulator and the launcher are not the product: they stand for the world outside.
    inside = [a for a in askers if not a.startswith(("care/simulator/", "crm/embedded/"))]
    assert inside == ["common/clock.py"]


def test_nothing_reads_the_clock_while_it_is_imported():
    for path in SOURCES:
        for node in ast.parse(text_of(path)).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.If):
                continue
            for call in ast.walk(node):
                if isinstance(call, ast.Call):
                    assert ast.unparse(call.func) not in ("now", "clock.now"), named(path)


def test_no_signals():
    words = re.compile(
        r"django\.(db\.models\.signals|dispatch)|celery\.signals|@receiver|\.connect\(\w+, sender"
    )
    assert [named(path) for path in SOURCES if words.search(text_of(path))] == []


def test_no_drawers_for_odds_and_ends():
    names = {"utils.py", "helpers.py", "managers.py", "signals.py", "misc.py"}
    assert [named(path) for path in SOURCES if path.name in names] == []


def test_no_file_is_too_long_to_read():
    long = {named(path): text_of(path).count("\n") for path in SOURCES}
    assert {name: lines for name, lines in long.items() if lines > LONGEST} == {}


def test_every_table_says_what_a_row_is():
    from django.apps import apps

    for room in ROOMS:
        for model in apps.get_app_config(room).get_models():
            if not model.__name__.endswith("Event") or model.__name__ == "TaskEvent":
                assert model.__doc__ and not model.__doc__.startswith(f"{model.__name__}("), model.__name__


def urls(patterns=None, prefix: str = "") -> list[tuple[str, str]]:
    found = []
    for entry in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(entry, URLResolver):
            found += urls(entry.url_patterns, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            found.append((entry.name or "", prefix + str(entry.pattern)))
    return found


def test_every_url_has_a_line_in_the_permission_file_and_every_line_a_url():
    named_urls = {name for name, _ in urls()}
    assert "" not in named_urls, "a URL without a name cannot have a line"
    lines = set(access.rules())
    assert named_urls - lines == set()
    assert lines - named_urls == set()


def test_the_permission_file_knows_only_roles_that_exist():
    known = set(Role.values) | {access.PUBLIC, access.SIGNED_IN, access.MACHINE}
    for name, methods in access.rules().items():
        for method, who in methods.items():
            assert who and who <= known, f"{name} {method}"


def test_migrations_import_no_application_code():
    for room in ROOMS:
        for path in (ROOT / room / "migrations").glob("*.py"):
            for node in ast.walk(ast.parse(text_of(path))):
                module = getattr(node, "module", None) or ""
                assert module.split(".")[0] not in ROOMS, named(path)


def test_the_project_names_no_machine_and_no_registry():
    words = re.compile(r"/root/|/work/|/home/[a-z]+/|registry\.npmjs\.org|files\.pythonhosted\.org")
    kinds = ("*.py", "*.md", "*.toml", "*.json", "*.html", "*.js", "*.css", "*.txt", "Makefile")
    found = []
    for kind in kinds:
        for path in ROOT.rglob(kind):
            inside = path.relative_to(ROOT).parts
            if inside[0] in (".venv", ".state", "node_modules", ".git") or "vendor" in inside:
                continue
            if path != Path(__file__) and words.search(text_of(path)):
                found.append(named(path))
    assert found == []
