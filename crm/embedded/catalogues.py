"""Translations: `.po` files compiled to `.mo` without gettext, which a fresh machine does not have."""

import ast
import re
import struct
from pathlib import Path

_MAGIC = 0x950412DE
_LINE = re.compile(r'(?:(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?)\s+)?("(?:[^"\\]|\\.)*")')


def compile_catalogues(root: Path) -> list[Path]:
    """Compile every ``locale/*/LC_MESSAGES/django.po`` under `root`; the files that changed."""
    written = []
    for source in sorted(root.glob("locale/*/LC_MESSAGES/django.po")):
        target = source.with_suffix(".mo")
        content = compile_catalogue(source.read_text(encoding="utf-8"))
        if not target.exists() or target.read_bytes() != content:
            target.write_bytes(content)
            written.append(target)
    return written


def compile_catalogue(text: str) -> bytes:
    """The `.mo` form of a `.po` text. Fuzzy, obsolete and empty entries are left out.

    Raises ValueError, naming the line, for a line that is none of PO's.
    """
    messages = {}
    for entry in _entries(text):
        key = entry["msgid"]
        if "msgid_plural" in entry:
            key += "\0" + entry["msgid_plural"]
        if "msgctxt" in entry:
            key = entry["msgctxt"] + "\x04" + key
        forms = [value for field, value in entry.items() if field.startswith("msgstr")]
        if all(forms):
            messages[key.encode()] = "\0".join(forms).encode()
    keys = sorted(messages)
    start = 28 + 16 * len(keys)
    tables, strings = [b"", b""], b""
    for number, parts in enumerate((keys, [messages[key] for key in keys])):
        for part in parts:
            tables[number] += struct.pack("<II", len(part), start + len(strings))
            strings += part + b"\0"
    header = struct.pack("<7I", _MAGIC, 0, len(keys), 28, 28 + 8 * len(keys), 0, start)
    return header + tables[0] + tables[1] + strings


def _entries(text: str) -> list[dict[str, str]]:
    """Each entry as keyword → text (`msgstr[1]` keeps its number); of the fuzzy ones only the header."""
    entries: list[tuple[bool, dict[str, str]]] = []
    keyword, fuzzy = "", False
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            fuzzy |= line.startswith("#,") and "fuzzy" in line
            continue
        match = _LINE.fullmatch(line.strip())
        if not match or not (match[1] or entries):
            raise ValueError(f"line {number} is not PO: {line}")
        if match[1]:
            if match[1] == "msgctxt" or (match[1] == "msgid" and keyword != "msgctxt"):
                entries.append((fuzzy, {}))
                fuzzy = False
            keyword = match[1]
        entry = entries[-1][1]
        entry[keyword] = entry.get(keyword, "") + ast.literal_eval(match[2])
    return [entry for doubtful, entry in entries if not doubtful or entry["msgid"] == ""]
