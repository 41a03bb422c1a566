"""Every refusal raised in this room has a sentence, and every sentence is raised somewhere."""

import ast
import re
from pathlib import Path

import pytest
from django.utils import translation

import common
from common.messages import SENTENCES, add_sentences, sentence

FOLDER = Path(common.__file__).parent
ERRORS = {"CellError", "PhoneError", "BirthdayError", "TableError"}


def raised() -> dict[str, list[set[str]]]:
    """Code -> the parameter names of every place in `common/` that raises it."""
    found: dict[str, list[set[str]]] = {}
    for path in sorted(FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS
            ):
                continue
            names = {keyword.arg for keyword in node.keywords}
            first = node.args[0]
            if isinstance(first, ast.Constant):
                found.setdefault(first.value, []).append(names)
            else:
                # The one place whose code comes out of a table of patterns.
                assert path.name == "birthdays.py" and ast.unparse(first) == "code"
                for code in ("two_digit_year", "year_last", "serial", "no_day", "unreadable"):
                    found.setdefault(f"birthday_{code}", []).append(names)
    return found


def test_the_walk_finds_the_refusals() -> None:
    assert {"phone_scientific", "birthday_future", "amount_negative", "xlsx_too_demanding"} <= set(raised())


def test_every_refusal_has_a_sentence_whose_places_are_filled() -> None:
    for code, places in raised().items():
        wanted = set(re.findall(r"%\((\w+)\)s", str(SENTENCES[code])))
        for names in places:
            assert wanted <= names, code
            assert "%(" not in sentence(code, dict.fromkeys(names, "x"))


def test_every_sentence_of_this_room_is_raised_somewhere() -> None:
    prefixes = (
        "phone_",
        "birthday_",
        "amount_",
        "count_",
        "moment_",
        "yes_no_",
        "sex_",
        "file_",
        "xlsx_",
        "header_",
        "cell_",
        "csv_",
    )
    ours = {code for code in SENTENCES if code.startswith(prefixes)}
    assert set(raised()) <= ours
    assert {code for code in ours if code in (FOLDER / "messages.py").read_text()} == set(raised())


def test_a_sentence_is_filled_when_shown() -> None:
    with translation.override("zh-hans"):
        assert (
            sentence("birthday_leap_month_missing", {"year": 1963, "month": 5}) == "农历 1963 年没有闰 5 月。"
        )
    assert sentence("no_such_code", {}) == "no_such_code"


def test_an_app_adds_its_sentences_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.messages.SENTENCES", dict(SENTENCES))
    add_sentences({"table_is_taken": "这张桌子有人了。"})
    add_sentences({"table_is_taken": "这张桌子有人了。"})
    assert sentence("table_is_taken", {}) == "这张桌子有人了。"
    with pytest.raises(ValueError, match="two sentences"):
        add_sentences({"table_is_taken": "别的话。"})
