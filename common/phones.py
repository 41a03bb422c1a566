"""Telephone numbers in one canonical form, so that one person has one number.

- mainland mobile: 11 digits, `13812345678`; any second digit from 3 to 9, new prefixes included
- mainland landline: area code and number, digits only, `02112345678`; an extension after a dash,
  `02112345678-801`
- any other country: `+`, country code and number, digits only, `+85291234567`
"""

import re

from common.cells import CellError, plain


class PhoneError(CellError):
    """The text is no telephone number that can be kept; `code` says why."""


_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"0(?:10|2[0-9])[0-9]{8}|0[3-9][0-9]{2}[0-9]{7,8}")
_MOBILE_AMONG = re.compile(r"(?<![0-9])(?:\+?86)?1[3-9][0-9]{9}(?![0-9])")
_SCIENTIFIC = re.compile(r"\+?([0-9])(?:\.([0-9]*))?e\+?([0-9]{1,3})", re.IGNORECASE)
_FLOAT = re.compile(r"\+?([0-9]{7,})\.0*")
_EXTENSION = re.compile(r"(.*?[0-9)])\s*(?:转|分机|ext\.?|x|#)[: ]?\s*([0-9]{1,6})", re.IGNORECASE)
_DASHED_EXTENSION = re.compile(r"((?:0(?:10|2[0-9])-?[0-9]{8}|0[3-9][0-9]{2}-?[0-9]{7,8}))-([0-9]{1,6})")
_LABEL = re.compile(r"^(?:tel|mobile|phone|手机|电话)[: ]\s*", re.IGNORECASE)
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212_·", "-"))
_SEPARATORS = str.maketrans("", "", " \t-.()/")


def normalise_phone(text: str) -> str:
    """The canonical form of a written number; normalising twice changes nothing.

    Raises PhoneError: phone_empty; phone_scientific (a spreadsheet's 1.38E+10 has lost digits);
    phone_masked (138****8899); phone_several (two numbers in one cell); phone_letters;
    phone_symbols; phone_extension (an extension behind a mobile); phone_no_area_code;
    phone_too_short; phone_too_long; phone_unknown (right length, no such kind of number).
    """
    written = plain(text).lstrip("'").translate(_DASHES)
    written = _LABEL.sub("", written, count=1)
    if not written:
        raise PhoneError("phone_empty")
    written = _from_spreadsheet(written)
    if "*" in written:
        raise PhoneError("phone_masked")
    if len(_MOBILE_AMONG.findall(written)) > 1:
        raise PhoneError("phone_several")
    number, extension = _split_extension(written)
    if any(c.isalpha() for c in number):
        raise PhoneError("phone_letters")
    canonical = _canonical(number.translate(_SEPARATORS))
    if not extension:
        return canonical
    if not canonical.startswith("0"):
        raise PhoneError("phone_extension")
    return f"{canonical}-{extension}"


def mask(phone: str) -> str:
    """A canonical number as pages show it: `138****8899`, `021****5678`, `+852****4567`."""
    number = phone.partition("-")[0]
    head = min(4 if number.startswith("+") else 3, max(0, len(number) - 7))
    return f"{number[:head]}****{number[-4:]}"


def last_four(phone: str) -> str:
    """The last four digits of a canonical number, its extension put aside."""
    return phone.partition("-")[0][-4:]


def _from_spreadsheet(written: str) -> str:
    if found := _SCIENTIFIC.fullmatch(written):
        digits, power = found[1] + (found[2] or ""), int(found[3])
        if len(digits) <= power:
            # 1.38E+10 shows 3 of 11 digits; even a missing last zero may have been another digit.
            raise PhoneError("phone_scientific")
        if digits[power + 1 :].strip("0"):
            raise PhoneError("phone_symbols")
        return digits[: power + 1]
    if found := _FLOAT.fullmatch(written):
        return found[1]
    return written


def _split_extension(written: str) -> tuple[str, str]:
    if found := _EXTENSION.fullmatch(written):
        return found[1], found[2]
    if found := _DASHED_EXTENSION.fullmatch(written.replace(" ", "")):
        return found[1], found[2]
    return written, ""


def _canonical(compact: str) -> str:
    digits = compact[1:] if compact.startswith("+") else compact.removeprefix("00")
    abroad = digits != compact
    if not digits or not (digits.isascii() and digits.isdigit()):
        raise PhoneError("phone_symbols")
    if not abroad:
        return _at_home(digits)
    if digits.startswith("86"):
        return _without_country(digits[2:])
    if digits.startswith("0"):
        raise PhoneError("phone_unknown")
    _check_length(digits, 8, 15)
    return f"+{digits}"


def _at_home(digits: str) -> str:
    if digits.startswith(("0", "1")):
        return _national(digits)
    # Hong Kong, Macao and Taiwan numbers cannot be mistaken for others, so the plus may be missing.
    if (len(digits), digits[:3]) in {(11, "852"), (11, "853"), (12, "886")}:
        return f"+{digits}"
    if digits.startswith("86") and len(digits) >= 12:
        return _without_country(digits[2:])
    if 7 <= len(digits) <= 8:
        raise PhoneError("phone_no_area_code")
    _check_length(digits, 7, 11)
    raise PhoneError("phone_unknown")


def _without_country(digits: str) -> str:
    """What follows 86: a mobile, or a landline whose leading zero is usually dropped."""
    return _national(f"0{digits}" if _LANDLINE.fullmatch(f"0{digits}") else digits)


def _national(digits: str) -> str:
    if _MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits):
        return digits
    if digits.startswith("0") and _MOBILE.fullmatch(digits[1:]):
        return digits[1:]  # dialled as a long-distance call
    _check_length(digits, 11, 12 if digits.startswith("0") else 11)
    raise PhoneError("phone_unknown")


def _check_length(digits: str, least: int, most: int) -> None:
    if len(digits) < least:
        raise PhoneError("phone_too_short")
    if len(digits) > most:
        raise PhoneError("phone_too_long")
