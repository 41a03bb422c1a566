"""Aliyun Dysmsapi (2017-05-25): RPC calls signed with ACS3-HMAC-SHA256.

Sources: "SendSms", "QuerySendDetails", "SmsReport", "SmsUp", "API error codes" and "V3 request body
and signature" of Aliyun's documentation.
"""

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from care.channels.base import (
    CHINA,
    CODE_LENGTH,
    MAX_CALLBACK_ITEMS,
    Answer,
    BadCallback,
    Finding,
    Found,
    Outcome,
    Outgoing,
    Receipt,
    Reply,
    days_to_ask,
    fingerprint,
    national_number,
    parse_china_time,
)
from care.channels.verdicts import (
    ACCOUNT,
    NEXT_DAY,
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

DEFAULT_URL = "https://dysmsapi.aliyuncs.com"
VERSION = "2017-05-25"
QUERY_DAYS = 30
PAGE = 50

# A code that is not here is UNKNOWN. So are, on purpose: isp.SYSTEM_ERROR ("call again", but
# whether the first call was taken is not said) and SignatureNonceUsed (our nonce belongs to one
# claim, so its second appearance means that a copy of the request had arrived before, and that copy
# may have been taken).
CODES: dict[str, Verdict] = {
    "OK": TAKEN,
    "isv.MOBILE_NUMBER_ILLEGAL": REFUSED,
    "isv.MOBILE_COUNT_OVER_LIMIT": REFUSED,
    "isv.DOMESTIC_NUMBER_NOT_SUPPORTED": REFUSED,
    "isv.INVALID_PARAMETERS": REFUSED,
    "isv.INVALID_JSON_PARAM": REFUSED,
    "isv.TEMPLATE_MISSING_PARAMETERS": REFUSED,
    "isv.TEMPLATE_PARAMS_ILLEGAL": REFUSED,
    "isv.PARAM_LENGTH_LIMIT": REFUSED,
    "isv.PARAM_NOT_SUPPORT_URL": REFUSED,
    "isv.BLACK_KEY_CONTROL_LIMIT": REFUSED,
    "isv.SMS_CONTENT_ILLEGAL": REFUSED,
    "isv.BUSINESS_LIMIT_CONTROL": NEXT_DAY,  # per number, over rolling 24 hours
    "isv.DAY_LIMIT_CONTROL": ACCOUNT,
    "isv.MONTH_LIMIT_CONTROL": ACCOUNT,
    "isv.OUT_OF_SERVICE": ACCOUNT,
    "isv.AMOUNT_NOT_ENOUGH": ACCOUNT,
    "isv.ACCOUNT_NOT_EXISTS": ACCOUNT,
    "isv.ACCOUNT_ABNORMAL": ACCOUNT,
    "isv.PRODUCT_UN_SUBSCRIPT": ACCOUNT,
    "isv.PRODUCT_UNSUBSCRIBE": ACCOUNT,
    "isv.DENY_IP_RANGE": ACCOUNT,
    "isp.RAM_PERMISSION_DENY": ACCOUNT,
    "isv.SMS_SIGNATURE_ILLEGAL": ACCOUNT,
    "isv.SMS_SIGN_ILLEGAL": ACCOUNT,
    "isv.SIGN_STATE_ILLEGAL": ACCOUNT,
    "SIGNATURE_BLACKLIST": ACCOUNT,
    "isv.SMS_TEMPLATE_ILLEGAL": TEMPLATE,
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL": TEMPLATE,
    "isv.EXTEND_CODE_ERROR": TEMPLATE,
    "Throttling": SOON,
    "Throttling.Api": SOON,
    "Throttling.User": SOON,
    "InvalidTimeStamp.Expired": SOON,
    "InvalidTimeStamp.Format": ACCOUNT,
    "SignatureDoesNotMatch": ACCOUNT,
    "IncompleteSignature": ACCOUNT,
    "InvalidAccessKeyId.NotFound": ACCOUNT,
    "InvalidAccessKeyId.Inactive": ACCOUNT,
    "Forbidden": ACCOUNT,
    "Forbidden.RAM": ACCOUNT,
    "Forbidden.RiskControl": ACCOUNT,
    "InvalidAction.NotFound": ACCOUNT,
    "InvalidVersion": ACCOUNT,
    "MissingParameter": REFUSED,
}

_STATUS = {"1": Found.FOUND_ACCEPTED, "2": Found.FOUND_UNDELIVERED, "3": Found.FOUND_DELIVERED}


@dataclass(frozen=True)
class AliyunProvider:
    """One Aliyun account with its approved signature `sign_name`, used where a message names
    none."""

    where: Endpoint
    access_key_id: str
    access_key_secret: str
    sign_name: str = ""
    name: str = "aliyun"
    acknowledgement: bytes = '{"code":0,"msg":"接收成功"}'.encode()

    def send(self, message: Outgoing) -> Answer:
        """See `Provider.send`."""
        stamp = _stamp(message.at)
        try:
            query = {
                "OutId": message.out_id,
                "PhoneNumbers": national_number(message.phone),
                "SignName": message.sign or self.sign_name,
                "TemplateCode": message.template,
                "TemplateParam": json.dumps(dict(message.params), ensure_ascii=False),
            }
            nonce = fingerprint("send", message.out_id, message.at.isoformat())
            target, headers = self._signed("SendSms", query, stamp, nonce)
        except UnicodeEncodeError:
            return Answer(Outcome.REFUSED, code="Local.NotText", detail="a variable is not valid text")
        result = post(self.where, target, headers, b"")
        body = result.body or {}
        return answer_from(
            result,
            CODES,
            code=body.get("Code"),
            message=body.get("Message"),
            message_id=body.get("BizId"),
        )

    def find(self, out_id: str, phone: str, sent_on: date, *, at: datetime) -> Finding:
        """See `Provider.find`. The provider lists what it took for 30 days."""
        stamp = _stamp(at)
        days = days_to_ask(sent_on, at)
        if days[0] < at.astimezone(CHINA).date() - timedelta(days=QUERY_DAYS - 1):
            return Finding(Found.UNAVAILABLE, code="Local.TooOld")
        finding = Finding(Found.NOT_FOUND)
        for day in days:
            finding = self._find_on(day, out_id, national_number(phone), stamp)
            if finding.found is not Found.NOT_FOUND:
                break
        return finding

    def _find_on(self, day: date, out_id: str, phone: str, stamp: str) -> Finding:
        rows: list[dict[str, Any]] = []
        page = 1
        while True:
            query = {
                "CurrentPage": str(page),
                "PageSize": str(PAGE),
                "PhoneNumber": phone,
                "SendDate": day.strftime("%Y%m%d"),
            }
            target, headers = self._signed("QuerySendDetails", query, stamp, uuid.uuid4().hex)
            result = post(self.where, target, headers, b"")
            body = result.body or {}
            code = str(body.get("Code", ""))
            details = body.get("SmsSendDetailDTOs")
            found = details.get("SmsSendDetailDTO") if isinstance(details, dict) else None
            if result.status != 200 or code != "OK" or not isinstance(found, list):
                why = code if code and code != "OK" else result.error or "Local.Unreadable"
                return finding_from(result, Found.UNAVAILABLE, code=why)
            rows += [row for row in found if isinstance(row, dict)]
            if len(found) < PAGE:
                return _among(rows, out_id, result)
            page += 1

    def _signed(
        self, action: str, query: Mapping[str, str], stamp: str, nonce: str
    ) -> tuple[str, dict[str, str]]:
        canonical = "&".join(f"{_escape(key)}={_escape(value)}" for key, value in sorted(query.items()))
        payload = hashlib.sha256(b"").hexdigest()
        headers = {
            "host": self.where.header,
            "x-acs-action": action,
            "x-acs-content-sha256": payload,
            "x-acs-date": stamp,
            "x-acs-signature-nonce": nonce,
            "x-acs-version": VERSION,
        }
        names = ";".join(sorted(headers))
        lines = "".join(f"{key}:{headers[key]}\n" for key in sorted(headers))
        request = f"POST\n/\n{canonical}\n{lines}\n{names}\n{payload}"
        to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
        signature = hmac.new(self.access_key_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        headers["accept"] = "application/json"
        headers["authorization"] = (
            f"ACS3-HMAC-SHA256 Credential={self.access_key_id},SignedHeaders={names},Signature={signature}"
        )
        return f"/?{canonical}", headers

    @staticmethod
    def parse_receipts(body: bytes) -> list[Receipt]:
        """Read "SmsReport" pushes: a JSON array. Raises BadCallback."""
        return [_receipt(item) for item in _items(body)]

    @staticmethod
    def parse_replies(body: bytes) -> list[Reply]:
        """Read "SmsUp" pushes: a JSON array. Only the phone must be there. Raises BadCallback."""
        return [_reply(item) for item in _items(body)]


def _among(rows: list[dict[str, Any]], out_id: str, result: Result) -> Finding:
    mine = [row for row in rows if str(row.get("OutId") or "") == out_id]
    if not mine:
        return finding_from(result, Found.NOT_FOUND)
    states = [_STATUS.get(str(row.get("SendStatus")), Found.FOUND_ACCEPTED) for row in mine]
    best = strongest(states)
    return finding_from(result, states[best], code=str(mine[best].get("ErrCode") or ""), count=len(mine))


def _items(body: bytes) -> list[dict[str, Any]]:
    try:
        items = json.loads(body)
    except ValueError as error:
        raise BadCallback("not JSON") from error
    if not isinstance(items, list) or len(items) > MAX_CALLBACK_ITEMS:
        raise BadCallback(f"not a list of at most {MAX_CALLBACK_ITEMS} items")
    if not all(isinstance(item, dict) and str(item.get("phone_number") or "") for item in items):
        raise BadCallback("an item without phone_number")
    return items


def _receipt(item: dict[str, Any]) -> Receipt:
    success = item.get("success")
    if success not in (True, False, "true", "false"):
        raise BadCallback("success is neither true nor false")
    out_id, message_id = str(item.get("out_id") or ""), str(item.get("biz_id") or "")
    if not out_id and not message_id:
        raise BadCallback("neither out_id nor biz_id")
    phone = national_number(str(item["phone_number"]))
    delivered = success in (True, "true")
    code = str(item.get("err_code") or "")[:CODE_LENGTH]
    key = fingerprint(
        "aliyun", "receipt", out_id, message_id, phone, delivered, code, item.get("report_time")
    )
    return Receipt(
        "aliyun",
        out_id,
        message_id,
        phone,
        delivered,
        code,
        parse_china_time(item.get("report_time")),
        key,
    )


def _reply(item: dict[str, Any]) -> Reply:
    phone = national_number(str(item["phone_number"]))
    text = str(item.get("content") or "")
    key = fingerprint("aliyun", "reply", phone, text, item.get("sequence_id"), item.get("send_time"))
    return Reply("aliyun", phone, text, parse_china_time(item.get("send_time")), key)


def _stamp(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("the signing time must be aware")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _escape(text: str) -> str:
    return quote(text, safe="~")
