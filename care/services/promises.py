"""The voucher that a text tells of: looked up when the text is planned, looked at again when it is claimed."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from care.parts import characters, whole_text
from care.playbook import Line
from care.services.gate import LENGTH
from care.services.giving import OCCASION_OF
from care.texts import TEXTS, Text, with_voucher
from loyalty.models.voucher import ONCE
from loyalty.selectors.vouchers import is_usable

# What the guest was given for this very occasion and can use on the day of the text: of several the one that lasts
# longest. Each guest's own look-up, by guest, kind and occasion.
_HELD = """LEFT JOIN LATERAL (
        SELECT left(u.code, 5) || '-' || substr(u.code, 6) AS code,
            to_char(u.valid_until, 'YYYY"年"FMMM"月"FMDD"日"') AS until
        FROM loyalty_voucher u WHERE judged.reason = '' AND u.customer_id = judged.customer_id
            AND u.kind_id = ANY(%(kinds)s) AND u.occasion IN ({occasion}, %(once)s) AND u.number = 0
            AND u.valid_until >= %(day)s AND NOT EXISTS (SELECT 1 FROM loyalty_redemption x
                WHERE x.voucher_id = u.id AND x.voided_at IS NULL)
        ORDER BY u.valid_until DESC, u.id LIMIT 1) v ON true"""
_LENGTH = f"""CASE WHEN v.code IS NULL THEN {LENGTH} ELSE %(told_fixed)s + char_length(called) * %(told_names)s
        + char_length(festival) * %(told_festivals)s + char_length(v.code) + char_length(v.until) END"""


def promise(line: Line, lines: Sequence[Line], sign: str, approved: Collection[str]) -> dict[str, Any] | None:
    """What the statement that plans the texts of a line asks beside, where its guests may hold a voucher for the
    occasion: `sql` its pieces, `params` their values. None where the plan gives none, or no text may tell of it.
    """
    kinds = sorted({each.gives for each in lines if each.trigger == line.trigger and each.gives is not None})
    text = with_voucher(line.trigger, approved)
    if not kinds or text is None:
        return None
    return {
        "sql": {
            "held": _HELD.format(occasion=OCCASION_OF[line.trigger]),
            "length": _LENGTH,
            "template": "CASE WHEN v.code IS NULL THEN %(category)s ELSE %(told)s END",
            "more": "|| CASE WHEN v.code IS NULL THEN '{}' ELSE jsonb_build_object('code', v.code, 'until', v.until) END",
        },
        "params": {"kinds": kinds, "once": ONCE, **_counted(text, sign)},
    }


def _counted(text: Text, sign: str) -> dict[str, Any]:
    """The text with its variables' places; code and end stand in it once each."""
    return {
        "told": text.name,
        "told_fixed": characters(whole_text(sign, text.name, {})),
        "told_names": text.words.count("${name}"),
        "told_festivals": text.words.count("${festival}"),
    }


def said_now(
    template: str, variables: dict[str, str], approved: Collection[str], on: date
) -> tuple[str, dict[str, str]]:
    """What a text says on the day on which it leaves: of a voucher that is used or over it tells nothing."""
    text = TEXTS.get(template)
    if text is None or not text.plain:
        return template, variables
    if template in approved and is_usable(variables.get("code", ""), on):
        return template, variables
    return text.plain, {name: variables[name] for name in TEXTS[text.plain].order if name in variables}
