"""Any provider that speaks plain JSON over HTTPS: calls signed with HMAC-SHA256. For a house's own gateway, or a small
bridge in front of a provider that has no module here.

`POST {address}/messages` with `id` (ours), `phone`, `sign`, `template`, `params`, and `text`, the whole text as the
guest reads it, answers `{"status": "accepted", "message_id": …}` or `{"status": "refused", "code": …}`.
`POST {address}/messages/query` with `id`, `phone` and `since` (a date in China) answers `{"status": "ok", "messages":
[{"id", "message_id", "status", "code"}]}`: everything it took under that id, or nothing.

Every call carries `x-sms-key`, `x-sms-timestamp` (seconds), `x-sms-nonce` and `x-sms-signature`: HMAC-SHA256 in hex
over POST, the path, timestamp, nonce and the SHA-256 of the body in hex, joined by line feeds. A gateway refuses a
timestamp of more than five minutes ago (`stale_timestamp`) and a nonce it has seen (`nonce_used`).

It pushes arrays: receipts `{"id", "message_id", "phone", "status": "delivered" | "undelivered", "code", "at"}`, replies
`{"id", "phone", "text", "at"}`.
"""

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from care.channels.base import (
    CHINA,
    CODE_LENGTH,
    MAX_CALLBACK_ITEMS,
    Answer,
    BadCallback,
    Finding,
    Found,
    Outgoing,
    Receipt,
    Reply,
    fingerprint,
    national_number,
)
from care.channels.verdicts import (
    ACCOUNT,
    NEXT_DAY,
    NEXT_HOUR,
    REFUSED,
    SOON,
    TAKEN,
    TEMPLATE,
    Verdict,
    answer_from,
    finding_from,
    strongest,
)
from care.channels.wire import Endpoint, Result, post

QUERY_DAYS = 30

# A code that is not here is UNKNOWN. So is, on purpose, nonce_used: a copy of the request had arrived before, and that
# copy may have been taken.
CODES: dict[str, Verdict] = {
    "accepted": TAKEN,
    "bad_number": REFUSED,
    "blocked_number": REFUSED,
    "bad_params": REFUSED,
    "bad_content": REFUSED,
    "too_many_requests": SOON,
    "stale_timestamp": SOON,
    "number_limit_hour": NEXT_HOUR,
    "outside_hours": NEXT_HOUR,
    "number_limit_day": NEXT_DAY,
    "bad_template": TEMPLATE,
    "bad_sign": ACCOUNT,
    "bad_key": ACCOUNT,
    "bad_signature": ACCOUNT,
    "no_credit": ACCOUNT,
    "suspended": ACCOUNT,
}
_FOUND = {
    "accepted": Found.FOUND_ACCEPTED,
    "delivered": Found.FOUND_DELIVERED,
    "undelivered": Found.FOUND_UNDELIVERED,
}


@dataclass(frozen=True)
class HttpProvider:
    """One account (`access_key_id`) at a gateway whose addresses begin with `prefix`; `sign_name` is used where a
    message names none."""

    where: Endpoint
    access_key_id: str
    access_key_secret: str
    sign_name: str = ""
    prefix: str = ""
    name: str = "http"
    acknowledgement: bytes = b'{"status":"ok"}'

    def send(self, message: Outgoing) -> Answer:
        """See `Provider.send`."""
        payload = {
            "id": message.out_id,
            "phone": national_number(message.phone),
            "sign": message.sign or self.sign_name,
            "template": message.template,
            "params": dict(message.params),
            "text": message.text,
        }
        # The nonce belongs to the claim: a copy of the request that arrives again is not taken again.
        nonce = fingerprint("send", message.out_id, message.at.isoformat())
        result = self._call("/messages", payload, message.at, nonce)
        body = result.body or {}
        accepted = body.get("status") == "accepted"
        return answer_from(
            result,
            CODES,
            code="accepted" if accepted else _refusal(body),
            message=body.get("message"),
            message_id=body.get("message_id"),
        )

    def find(self, out_id: str, phone: str, sent_on: date, *, at: datetime) -> Finding:
        """See `Provider.find`. Thirty days back."""
        if sent_on < at.astimezone(CHINA).date() - timedelta(days=QUERY_DAYS - 1):
            return Finding(Found.UNAVAILABLE, code="Local.TooOld")
        payload = {"id": out_id, "phone": national_number(phone), "since": sent_on.isoformat()}
        result = self._call("/messages/query", payload, at, uuid.uuid4().hex)
        body = result.body or {}
        rows = body.get("messages")
        if result.status != 200 or body.get("status") != "ok" or not isinstance(rows, list):
            why = _refusal(body) or f"Local.{result.error or 'Unreadable'}"
            return finding_from(result, Found.UNAVAILABLE, code=why)
        mine = [row for row in rows if isinstance(row, dict) and row.get("id") == out_id]
        if not mine:
            return finding_from(result, Found.NOT_FOUND)
        states = [_FOUND.get(str(row.get("status")), Found.FOUND_ACCEPTED) for row in mine]
        best = strongest(states)
        return finding_from(
            result,
            states[best],
            code=str(mine[best].get("code") or ""),
            message_id=str(mine[best].get("message_id") or ""),
            count=len(mine),
        )

    def _call(self, path: str, payload: Mapping[str, Any], at: datetime, nonce: str) -> Result:
        if at.tzinfo is None:
            raise ValueError("the signing time must be aware")
        # ASCII escapes keep the body valid whatever a variable holds, lone surrogates included.
        body = json.dumps(payload).encode()
        target, stamp = self.prefix + path, str(int(at.timestamp()))
        lines = "\n".join(["POST", target, stamp, nonce, hashlib.sha256(body).hexdigest()])
        headers = {
            "host": self.where.header,
            "content-type": "application/json",
            "accept": "application/json",
            "x-sms-key": self.access_key_id,
            "x-sms-timestamp": stamp,
            "x-sms-nonce": nonce,
            "x-sms-signature": hmac.new(
                self.access_key_secret.encode(), lines.encode(), hashlib.sha256
            ).hexdigest(),
        }
        return post(self.where, target, headers, body)

    @staticmethod
    def parse_receipts(body: bytes) -> list[Receipt]:
        """Read delivery reports: a JSON array. Raises BadCallback."""
        return [_receipt(item) for item in _items(body)]

    @staticmethod
    def parse_replies(body: bytes) -> list[Reply]:
        """Read replies: a JSON array. Only the phone must be there. Raises BadCallback."""
        return [_reply(item) for item in _items(body)]


def _refusal(body: Mapping[str, Any]) -> str:
    code = body.get("code")
    # The word for yes is no reason for a no.
    return code if isinstance(code, str) and code != "accepted" else ""


def _items(body: bytes) -> list[dict[str, Any]]:
    try:
        items = json.loads(body)
    except ValueError as error:
        raise BadCallback("not JSON") from error
    if not isinstance(items, list) or len(items) > MAX_CALLBACK_ITEMS:
        raise BadCallback(f"not a list of at most {MAX_CALLBACK_ITEMS} items")
    if not all(isinstance(item, dict) and str(item.get("phone") or "") for item in items):
        raise BadCallback("an item without phone")
    return items


def _receipt(item: dict[str, Any]) -> Receipt:
    if item.get("status") not in ("delivered", "undelivered"):
        raise BadCallback("status is neither delivered nor undelivered")
    out_id, message_id = str(item.get("id") or ""), str(item.get("message_id") or "")
    if not out_id and not message_id:
        raise BadCallback("neither id nor message_id")
    phone = national_number(str(item["phone"]))
    delivered = item["status"] == "delivered"
    code = str(item.get("code") or "")[:CODE_LENGTH]
    key = fingerprint("http", "receipt", out_id, message_id, phone, delivered, code, item.get("at"))
    return Receipt("http", out_id, message_id, phone, delivered, code, _moment(item.get("at")), key)


def _reply(item: dict[str, Any]) -> Reply:
    phone = national_number(str(item["phone"]))
    text = str(item.get("text") or "")
    key = fingerprint("http", "reply", phone, text, item.get("id"), item.get("at"))
    return Reply("http", phone, text, _moment(item.get("at")), key)


def _moment(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None
