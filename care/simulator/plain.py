"""The plain dialect: JSON over HTTP, signed with HMAC-SHA256, for gateways of one's own."""

import json
from datetime import datetime
from typing import Any

from care.simulator.desk import CHINA, Desk, Draft, Out, is_mobile, national, new_number
from care.simulator.ledger import Entry
from care.simulator.signatures import Refusal, Request, check_plain
from care.simulator.templates import Unfit, parts

name = "http"
throttled = "too_many_requests"

_UNFIT = {"template": "bad_template", "content": "bad_content"}


def check(request: Request, desk: Desk) -> datetime:
    """See `Dialect.check`."""
    return check_plain(request, desk.keys, desk.nonces, desk.clock())


def is_send(request: Request) -> bool:
    """See `Dialect.is_send`."""
    return request.path.endswith("/messages")


def draft(request: Request, desk: Desk, signed_at: datetime) -> Draft:
    """See `Dialect.draft`. The text is rendered here, and must be the one that was sent along."""
    fields = _fields(request)
    phone = national(str(fields.get("phone") or ""))
    if not is_mobile(phone):
        raise Refusal("bad_number", "not a mobile number", 200)
    sign = str(fields.get("sign") or "")
    if not sign or "【" in sign:
        raise Refusal("bad_sign", "no such signature", 200)
    given = fields.get("params")
    params = {str(key): str(value) for key, value in given.items()} if isinstance(given, dict) else {}
    template = str(fields.get("template") or "")
    try:
        text = desk.templates.render(template, params, sign)
    except Unfit as unfit:
        raise Refusal(_UNFIT.get(unfit.why, "bad_params"), unfit.why, 200) from None
    if fields.get("text") not in ("", None, text):
        raise Refusal("bad_content", "the text is not the approved one", 200)
    if desk.is_over_limit(name, phone):
        raise Refusal("number_limit_day", "over the daily limit", 200)
    entry = Entry(
        provider=name,
        phone=phone,
        out_id=str(fields.get("id") or ""),
        template=template,
        params=params,
        sign=sign,
        at="",
        signed_at=signed_at.astimezone(CHINA).isoformat(),
        message_id=f"g{new_number()}",
        text=text,
        parts=parts(text),
        nonce=request.headers["x-sms-nonce"],
    )
    return Draft([entry], _out(200, status="accepted", message_id=entry.message_id))


def query(request: Request, desk: Desk) -> Out:
    """Everything that was taken under an id for a number since a date."""
    if not request.path.endswith("/messages/query"):
        raise Refusal("no_such_call", "there is no such call", 404)
    fields = _fields(request)
    try:
        since = datetime.fromisoformat(str(fields["since"])).date()
        out_id, phone = str(fields["id"]), national(str(fields["phone"]))
    except (KeyError, ValueError):
        raise Refusal("bad_query", "id, phone and since are needed", 400) from None
    found = [
        {
            "id": entry.out_id,
            "message_id": entry.message_id,
            "status": entry.status or "accepted",
            "code": entry.status_code,
        }
        for entry in desk.visible(name, phone)
        if entry.out_id == out_id and entry.moment.astimezone(CHINA).date() >= since
    ]
    return _out(200, status="ok", messages=found)


def refusal(code: str, message: str, status: int) -> Out:
    """See `Dialect.refusal`."""
    return _out(status or 200, status="refused", code=code, message=message)


def receipts_body(entries: list[Entry]) -> bytes:
    """The body of a push that reports these entries."""
    items = [
        {
            "id": entry.out_id,
            "message_id": entry.message_id,
            "phone": entry.phone,
            "status": entry.status,
            "code": entry.status_code,
            "at": entry.status_at,
        }
        for entry in entries
    ]
    return json.dumps(items).encode()


def reply_body(phone: str, text: str, sign: str, at: datetime) -> bytes:
    """The body of a push that brings a guest's reply."""
    item = {"id": f"r{new_number()}", "phone": phone, "text": text, "at": at.isoformat()}
    return json.dumps([item], ensure_ascii=False).encode()


def _fields(request: Request) -> dict[str, Any]:
    try:
        fields = json.loads(request.body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise Refusal("bad_body", "the body is not a JSON object", 400)
    return fields


def _out(http: int, **fields: Any) -> Out:
    return Out(http, json.dumps(fields, ensure_ascii=False).encode())
