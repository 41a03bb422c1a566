"""A visit as a machine or a tablet sends it: the columns of the visit file as JSON, read and checked."""

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from common.cells import parse_amount, parse_count, parse_moment
from common.errors import BadFields, Refused
from common.phones import normalise_phone
from customers.models.visit import Channel, Occasion, VisitGuest
from customers.services.visits import VisitInput
from staff.models import Store

FIELDS = (
    "customer", "customer_external_id", "customer_phone", "external_id", "visited_at", "amount", "party_size",
    "table", "occasion", "channel", "dishes", "note", "coupon", "companions",
)  # fmt: skip
_OCCASIONS, _CHANNELS = frozenset(Occasion.values), frozenset(Channel.values)
_ROLES = frozenset(VisitGuest.Role.values)
COMPANIONS_AT_MOST = 50
_DISH = re.compile(r"(.+?)\s*[×xX*]\s*(\d{1,3}(?:\.\d)?)")


def read_visit(body: Any, store: Store) -> VisitInput:
    """The visit in a JSON body. Raises BadFields with every field at fault; unknown fields are refused."""
    if not isinstance(body, Mapping):
        raise BadFields({"": Refused("body_not_object")})
    bad: dict[str, Refused] = {str(name): Refused("field_unknown") for name in body if name not in FIELDS}
    values: dict[str, Any] = {}

    def take(name: str, read: Any) -> None:
        try:
            value = body.get(name)
            if value is not None and value != "":
                values[name] = read(value)
        except Refused as refused:
            bad[name] = refused

    take("visited_at", lambda v: parse_moment(_text(v, 40), ZoneInfo(store.timezone)))
    take("amount", lambda v: parse_amount(_text(v, 20)))
    take("customer", _identifier)
    take("customer_external_id", lambda v: _text(v, 64))
    take("customer_phone", lambda v: normalise_phone(_text(v, 40)))
    take("external_id", lambda v: _text(v, 64))
    take("party_size", lambda v: parse_count(str(v) if type(v) is int else _text(v, 6), most=999))
    take("table", lambda v: _text(v, 20))
    take("occasion", lambda v: _one_of(v, _OCCASIONS))
    take("channel", lambda v: _one_of(v, _CHANNELS))
    take("dishes", _dishes)
    take("note", lambda v: _text(v, 1000))
    take("coupon", _truth)
    take("companions", _companions)
    for name in ("visited_at", "amount"):
        if name not in values and name not in bad:
            bad[name] = Refused("field_missing")
    named = [n for n in ("customer", "customer_external_id", "customer_phone") if n in values or n in bad]
    if len(named) != 1 and not any(n in bad for n in named):
        bad["customer_external_id"] = Refused("customer_not_named")
    if bad:
        raise BadFields(bad)
    return VisitInput(
        visited_at=values["visited_at"],
        amount_fen=values["amount"],
        customer_id=values.get("customer"),
        customer_external_id=values.get("customer_external_id", ""),
        customer_phone=values.get("customer_phone", ""),
        external_id=values.get("external_id", ""),
        party_size=values.get("party_size"),
        table=values.get("table", ""),
        occasion=values.get("occasion", ""),
        channel=values.get("channel", ""),
        dishes=values.get("dishes", ()),
        note=values.get("note", ""),
        coupon=values.get("coupon", False),
        companions=values.get("companions", ()),
    )


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str):
        raise Refused("field_not_text")
    if len(value) > most:
        raise Refused("field_too_long", most=most)
    if "\x00" in value:
        raise Refused("field_has_nul")
    return value.strip()


def _identifier(value: Any) -> int:
    if type(value) is not int or not 0 < value < 2**63:
        raise Refused("customer_unknown")
    return value


def _one_of(value: Any, choices: frozenset[str]) -> str:
    if value not in choices:
        raise Refused("field_not_a_choice", choices=", ".join(sorted(choices)))
    return str(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused("field_not_a_choice", choices="true, false")
    return value


def _companions(value: Any) -> tuple[tuple[str, str], ...]:
    """`[{"customer_external_id": "C7", "role": "guest"}]` as ((C7, guest),): each once, in order of the numbers."""
    wrong = Refused("companions_unreadable", most=COMPANIONS_AT_MOST)
    if not isinstance(value, list) or len(value) > COMPANIONS_AT_MOST:
        raise wrong
    found = set()
    for each in value:
        if not isinstance(each, Mapping) or set(each) != {"customer_external_id", "role"}:
            raise wrong
        number, role = _text(each["customer_external_id"], 64), each["role"]
        if not number or not isinstance(role, str) or role not in _ROLES:
            raise wrong
        found.add((number, role))
    return tuple(sorted(found))


def _dishes(value: Any) -> tuple[tuple[str, float], ...]:
    """`毛肚×2;鸭血` as ((毛肚, 2), (鸭血, 1))."""
    found = []
    for part in re.split(r"[;；]", _text(value, 2000)):
        if name := part.strip():
            match = _DISH.fullmatch(name)
            found.append((match[1], float(match[2])) if match else (name, 1.0))
    return tuple(found)
