"""Our own `.mo` files, read back by Python's gettext, which knows nothing of how they were made."""

import gettext
import io

import polib
import pytest

from crm.embedded.catalogues import compile_catalogue, compile_catalogues
from crm.embedded.place import ROOT

HEADER = (
    'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
)


def read(text: str) -> gettext.GNUTranslations:
    return gettext.GNUTranslations(io.BytesIO(compile_catalogue(HEADER + "\n" + text)))


def test_a_text_over_several_lines_with_escapes():
    found = read('msgid ""\n"今日\\n"\n"\\"熟客\\""\nmsgstr "Today\\n"\n"\\"regulars\\" \\\\"\n')
    assert found.gettext('今日\n"熟客"') == 'Today\n"regulars" \\'


def test_one_and_many():
    found = read('msgid "%d 位"\nmsgid_plural "%d 位"\nmsgstr[0] "%d guest"\nmsgstr[1] "%d guests"\n')
    assert [found.ngettext("%d 位", "%d 位", n) for n in (1, 2)] == ["%d guest", "%d guests"]


def test_the_same_word_in_two_contexts():
    found = read(
        'msgctxt "verb"\nmsgid "订"\nmsgstr "book"\n\nmsgctxt "noun"\nmsgid "订"\nmsgstr "booking"\n'
    )
    assert [found.pgettext(context, "订") for context in ("verb", "noun")] == ["book", "booking"]


def test_fuzzy_obsolete_and_empty_entries_stay_untranslated():
    found = read(
        '#, fuzzy\nmsgid "甲"\nmsgstr "A"\n\nmsgid "乙"\nmsgstr ""\n\n#~ msgid "丙"\n#~ msgstr "C"\n\n'
        '#, python-format\nmsgid "丁"\nmsgstr "D"\n'
    )
    assert [found.gettext(word) for word in "甲乙丙丁"] == ["甲", "乙", "丙", "D"]


def test_a_fuzzy_header_still_tells_the_charset():
    found = gettext.GNUTranslations(
        io.BytesIO(compile_catalogue("#, fuzzy\n" + HEADER + '\nmsgid "今日"\nmsgstr "Today"\n'))
    )
    assert found.gettext("今日") == "Today"


@pytest.mark.parametrize("line", ["今日", 'msgwhat "x"', 'msgid "open', '"a continuation of nothing"'])
def test_a_line_that_is_not_po_is_named(line):
    with pytest.raises(ValueError, match="line 1 "):
        compile_catalogue(line + "\n")


def test_the_same_entries_as_another_compiler_finds():
    for source in ROOT.glob("locale/*/LC_MESSAGES/django.po"):
        ours = gettext.GNUTranslations(io.BytesIO(compile_catalogue(source.read_text(encoding="utf-8"))))
        theirs = gettext.GNUTranslations(io.BytesIO(polib.pofile(str(source)).to_binary()))
        headers = [sorted(each._catalog.pop("").splitlines()) for each in (ours, theirs)]
        assert headers[0] == headers[1]
        assert len(ours._catalog) > 100
        assert ours._catalog == theirs._catalog


def test_a_second_compilation_changes_nothing(tmp_path):
    folder = tmp_path / "locale/en/LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(HEADER + '\nmsgid "今日"\nmsgstr "Today"\n', encoding="utf-8")
    assert compile_catalogues(tmp_path) == [folder / "django.mo"]
    assert compile_catalogues(tmp_path) == []
    with (folder / "django.mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("今日") == "Today"
