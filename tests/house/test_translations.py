"""Every word that people read can be said in English: templates, Python, and the catalogue that holds them."""

import ast
import re
from pathlib import Path

import pytest

from crm.embedded.catalogues import compile_catalogue

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
CATALOGUE = ROOT / "locale" / "en" / "LC_MESSAGES" / "django.po"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
HAN = re.compile(r"[\u3400-\u9fff]")
PLACE = re.compile(r"%\((\w+)\)s|%s")

_TRANSLATE = re.compile(r"{%\s*translate\s+\"([^\"]*)\"[^%]*%}")
_BLOCK = re.compile(
    r"{%\s*blocktranslate\b([^%]*)%}(.*?)(?:{%\s*plural\s*%}(.*?))?{%\s*endblocktranslate\s*%}", re.S
)
_VARIABLE = re.compile(r"{{\s*(\w+)\s*}}")
# What a language is called in itself needs no translation.
_OWN_NAMES = re.compile(r"中文|English")


def _trimmed(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines()]
    return " ".join(line for line in lines if line)


def _as_msgid(text: str, options: str) -> str:
    text = _trimmed(text) if "trimmed" in options else text
    return _VARIABLE.sub(r"%(\1)s", text.replace("%", "%%"))


def messages_of_template(source: str) -> set[str]:
    """The msgids of a template."""
    found = {text.replace("%", "%%") for text in _TRANSLATE.findall(source)}
    for options, singular, plural in _BLOCK.findall(source):
        found.add(_as_msgid(singular, options))
        if plural:
            found.add(_as_msgid(plural, options))
    return found


_ASK = {"_", "_lazy", "gettext", "gettext_lazy", "ngettext", "pgettext", "pgettext_lazy"}


def messages_of_module(source: str) -> set[str]:
    """The msgids of a Python file."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _ASK:
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            found.update(texts[1:] if node.func.id.startswith("pgettext") else texts)
    return found


def all_messages() -> dict[str, str]:
    """Every msgid with a file that says it."""
    found: dict[str, str] = {}
    for path in TEMPLATES:
        for msgid in messages_of_template(path.read_text(encoding="utf-8")):
            found.setdefault(msgid, str(path.relative_to(ROOT)))
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                for msgid in messages_of_module(path.read_text(encoding="utf-8")):
                    found.setdefault(msgid, str(path.relative_to(ROOT)))
    return found


_ENTRY = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?)\s+(".*")$|^(".*")$')


def catalogue() -> dict[str, list[str]]:
    """msgid (and plural msgid) → its English forms."""
    found: dict[str, list[str]] = {}
    entry: dict[str, str] = {}
    keyword = ""

    def keep() -> None:
        forms = [text for name, text in entry.items() if name.startswith("msgstr")]
        for name in ("msgid", "msgid_plural"):
            if entry.get(name):
                found[entry[name]] = forms

    for line in CATALOGUE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#~"):
            continue
        match = _ENTRY.match(line)
        if not match:
            if not line.strip():
                keep()
                entry = {}
            continue
        if match[1]:
            keyword = match[1]
        entry[keyword] = entry.get(keyword, "") + ast.literal_eval(match[2] or match[3])
    keep()
    return found


def test_every_message_has_an_english_form():
    english = catalogue()
    missing = {
        msgid: place
        for msgid, place in all_messages().items()
        if HAN.search(msgid) and not all(english.get(msgid) or [""])
    }
    assert missing == {}


def test_no_english_form_is_left_in_chinese():
    half = {
        msgid: forms
        for msgid, forms in catalogue().items()
        if any(HAN.search(_allowed(form)) for form in forms)
    }
    assert half == {}


def _allowed(form: str) -> str:
    """A form without the Chinese that it quotes as an example of what to type."""
    return re.sub(r"“[^”]*”|`[^`]*`", "", form)


def test_the_catalogue_says_nothing_that_nobody_asks():
    asked = set(all_messages())
    assert sorted(set(catalogue()) - asked) == []


def test_every_form_has_the_places_of_its_message():
    wrong = {}
    for msgid, forms in catalogue().items():
        places = sorted(PLACE.findall(msgid)), msgid.count("%s")
        for form in forms:
            # The singular of a plural may say "one" without its number.
            if (sorted(PLACE.findall(form)), form.count("%s")) != places and not (
                len(forms) > 1 and set(PLACE.findall(form)) <= set(places[0])
            ):
                wrong[msgid] = form
    assert wrong == {}


def test_the_catalogue_compiles():
    assert compile_catalogue(CATALOGUE.read_text(encoding="utf-8"))[:4] == b"\xde\x12\x04\x95"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_says_nothing_outside_translation(path: Path):
    source = path.read_text(encoding="utf-8")
    source = re.sub(r"{#.*?#}", "", source)
    source = _OWN_NAMES.sub("", _BLOCK.sub("", _TRANSLATE.sub("", source)))
    # A filter's own words (|join:"、") are punctuation.
    left = [line.strip() for line in source.splitlines() if HAN.search(line)]
    assert left == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_keeps_to_the_page_policy(path: Path):
    """No inline style, script or handler: the content policy would not run it."""
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:|hx-on", source)
    for tag in re.findall(r"<script\b[^>]*>", source):
        assert " src=" in tag, tag


def test_the_extractor_finds_what_templates_and_modules_say():
    template = '{% translate "今日" %} {% blocktranslate trimmed count n=x %}\n {{ n }} 位 {% plural %}{{ n }} 位客人{% endblocktranslate %}'
    assert messages_of_template(template) == {"今日", "%(n)s 位", "%(n)s 位客人"}
    # Django asks for a per cent sign of a template doubled.
    assert messages_of_template('{% translate "95% 的范围" %}') == {"95%% 的范围"}
    module = 'a = _("甲")\nb = pgettext("guests", "%s 位")\nc = other("乙")'
    assert messages_of_module(module) == {"甲", "%s 位"}
