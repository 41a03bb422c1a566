"""Who may import whom: only downstairs, never sideways, never up, not inside a function."""

import ast
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
STAIRS = [
    {"crm"},
    {"reports", "tablet"},
    {"care"},
    {"loyalty"},
    {"tiering"},
    {"feedback"},
    {"customers"},
    {"staff"},
    {"ops"},
    {"common"},
]
LEVEL = {app: n for n, stair in enumerate(STAIRS) for app in sorted(stair)}
APPS = [app for app in LEVEL if (ROOT / app).is_dir()]


def may(importer: str, imported: str) -> bool:
    return importer == imported or LEVEL[imported] > LEVEL[importer]


def sources(app: str) -> list[Path]:
    return sorted(path for path in (ROOT / app).rglob("*.py"))


def imports_of(tree: ast.AST) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"a relative import at line {node.lineno}"
            found.append((node.module, node.lineno))
    return found


def test_the_rule_itself_can_say_no():
    assert may("care", "customers") and may("customers", "ops") and may("tablet", "common")
    assert not may("customers", "tiering")
    assert not may("reports", "tablet")
    assert not may("ops", "staff")


@pytest.mark.parametrize("app", APPS)
def test_imports_go_downstairs(app: str):
    wrong = []
    for path in sources(app):
        for module, line in imports_of(ast.parse(path.read_text(encoding="utf-8"))):
            room = module.split(".")[0]
            allowed_in_settings = app == "common" and path.name == "settings.py"
            if room in LEVEL and not may(app, room) and not allowed_in_settings:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert wrong == []


@pytest.mark.parametrize("app", APPS)
def test_relations_go_downstairs(app: str):
    wrong = []
    for model in apps.get_app_config(app).get_models() if apps.is_installed(app) else []:
        for field in model._meta.get_fields():
            if field.is_relation and field.concrete and field.related_model is not None:
                room = field.related_model._meta.app_label
                if room in LEVEL and not may(app, room):
                    wrong.append(f"{model.__name__}.{field.name} → {room}")
    assert wrong == []


@pytest.mark.parametrize("app", APPS)
def test_no_import_hides_inside_a_function(app: str):
    """A house import inside a function hides a circle. (Third-party ones may wait until they are needed.)"""
    wrong = []
    for path in sources(app):
        if "migrations" in path.parts or app == "crm":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for module, line in imports_of(node):
                if module.split(".")[0] in LEVEL:
                    wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert wrong == []


@pytest.mark.parametrize("app", APPS)
def test_nothing_is_imported_by_name_at_run_time(app: str):
    """`import_module` and `apps.get_model` step around the stairs: migrations and crm only."""
    wrong = []
    for path in sources(app):
        if "migrations" in path.parts or app == "crm":
            continue
        text = path.read_text(encoding="utf-8")
        wrong += [
            f"{path.relative_to(ROOT)}: {word}"
            for word in ("import_module", "apps.get_model")
            if word in text
        ]
    assert wrong == []
