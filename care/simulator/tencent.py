"""Tencent Cloud's dialect: SMS 2021-01-11. Refusals come with HTTP 200."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from care.simulator.desk import CHINA, Desk, Draft, Out, is_mobile, national, new_number
from care.simulator.ledger import Entry
from care.simulator.signatures import Refusal, Request, check_tencent
from care.simulator.templates import Unfit, parts

name = "tencent"
throttled = "RequestLimitExceeded"

_UNFIT = {
    "template": "FailedOperation.TemplateUnapprovedOrNotExist",
    "missing": "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
    "length": "InvalidParameterValue.TemplateParameterLengthLimit",
    "url": "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
    "params": "FailedOperation.TemplateIncorrectOrUnapproved",
    "content": "InvalidParameterValue.ContentLengthLimit",
}
# What is judged per number comes in SendStatusSet, the rest as the call's error.
_PER_NUMBER = (
    "FailedOperation.",
    "InvalidParameterValue.",
    "LimitExceeded.",
    "UnsupportedOperation.",
)


def check(request: Request, desk: Desk) -> datetime:
    """See `Dialect.check`."""
    if request.headers.get("x-tc-version") != "2021-01-11":
        raise Refusal("NoSuchVersion", "The version does not exist.", 200)
    return check_tencent(request, desk.keys, desk.clock())


def is_send(request: Request) -> bool:
    """See `Dialect.is_send`."""
    return request.headers.get("x-tc-action") == "SendSms"


def draft(request: Request, desk: Desk, signed_at: datetime) -> Draft:
    """See `Dialect.draft`. Every number gets its own verdict."""
    fields = _fields(request)
    phones = fields.get("PhoneNumberSet")
    if not isinstance(phones, list) or not phones:
        raise Refusal("MissingParameter.EmptyPhoneNumberSet", "no numbers", 200)
    if len(phones) > 200:
        raise Refusal("LimitExceeded.PhoneNumberCountLimit", "more than 200 numbers", 200)
    if fields.get("SmsSdkAppId") != desk.sdk_app_id:
        raise Refusal("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SdkAppId not found", 200)
    entries, statuses = [], []
    for given in phones:
        phone = national(str(given))
        context = str(fields.get("SessionContext") or "")
        try:
            entry = _entry(phone, fields, context, desk, signed_at)
        except Refusal as refused:
            statuses.append(_status(str(given), context, refused.code, refused.message, ""))
        else:
            entries.append(entry)
            statuses.append(_status(str(given), context, "Ok", "send success", entry.message_id))
    return Draft(entries, _out(SendStatusSet=statuses))


def _entry(phone: str, fields: dict[str, Any], context: str, desk: Desk, signed_at: datetime) -> Entry:
    if not is_mobile(phone):
        raise Refusal("InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number", 200)
    template, sign = str(fields.get("TemplateId", "")), str(fields.get("SignName") or "")
    if not sign or "【" in sign:
        raise Refusal("FailedOperation.SignatureIncorrectOrUnapproved", "no such signature", 200)
    values = [str(value) for value in fields.get("TemplateParamSet") or []]
    try:
        params = desk.templates.by_number(template, values)
        text = desk.templates.render(template, params, sign)
    except Unfit as unfit:
        raise Refusal(_UNFIT[unfit.why], "template does not fit", 200) from None
    if desk.is_over_limit(name, phone):
        raise Refusal("LimitExceeded.PhoneNumberDailyLimit", "over the daily limit", 200)
    return Entry(
        provider=name,
        phone=phone,
        out_id=context,
        template=template,
        params=params,
        sign=sign,
        at="",
        signed_at=signed_at.astimezone(CHINA).isoformat(),
        message_id=f"2645:{new_number()}",
        text=text,
        parts=parts(text),
    )


def query(request: Request, desk: Desk) -> Out:
    """PullSmsSendStatusByPhoneNumber: what the operator has reported, at most 100, 7 days."""
    if request.headers.get("x-tc-action") != "PullSmsSendStatusByPhoneNumber":
        raise Refusal("InvalidAction", "The action does not exist.", 200)
    fields = _fields(request)
    now = desk.clock()
    try:
        begin = datetime.fromtimestamp(int(fields["BeginTime"]), UTC)
        end = datetime.fromtimestamp(int(fields.get("EndTime") or now.timestamp()), UTC)
        limit, offset = int(fields["Limit"]), int(fields["Offset"])
        phone = national(str(fields["PhoneNumber"]))
    except KeyError:
        raise Refusal("MissingParameter", "a parameter is missing", 200) from None
    except (ValueError, OverflowError, OSError):
        raise Refusal("InvalidParameter.InvalidParameters", "not a number", 200) from None
    if begin < now - timedelta(days=8):
        raise Refusal("InvalidParameterValue.BeginTimeVerifyFail", "too far back", 200)
    if not 1 <= limit <= 100 or offset != 0:
        raise Refusal("InvalidParameterValue.LimitVerifyFail", "at most 100, from 0", 200)
    rows = [
        {
            "UserReceiveTime": int(datetime.fromisoformat(entry.status_at).timestamp()),
            "CountryCode": "86",
            "SubscriberNumber": entry.phone,
            "PhoneNumber": f"+86{entry.phone}",
            "SerialNo": entry.message_id,
            "ReportStatus": "SUCCESS" if entry.status == "delivered" else "FAIL",
            "Description": entry.status_code,
            "SessionContext": entry.out_id,
        }
        for entry in desk.visible(name, phone)
        # A whole second is what the protocol can say, so the last second counts as within.
        if entry.status and begin <= entry.moment < end + timedelta(seconds=1)
    ]
    return _out(PullSmsSendStatusSet=rows[:limit])


def refusal(code: str, message: str, status: int) -> Out:
    """See `Dialect.refusal`."""
    if status == 0 and code.startswith(_PER_NUMBER):
        return _out(SendStatusSet=[_status("", "", code, message, "")])
    return _out(Error={"Code": code, "Message": message})


def receipts_body(entries: list[Entry]) -> bytes:
    """The body of a push that reports these entries."""
    items = [
        {
            "user_receive_time": datetime.fromisoformat(entry.status_at)
            .astimezone(CHINA)
            .strftime("%Y-%m-%d %H:%M:%S"),
            "nationcode": "86",
            "mobile": entry.phone,
            "report_status": "SUCCESS" if entry.status == "delivered" else "FAIL",
            "errmsg": entry.status_code,
            "description": "用户短信送达成功" if entry.status == "delivered" else "用户短信送达失败",
            "sid": entry.message_id,
        }
        for entry in entries
    ]
    return json.dumps(items, ensure_ascii=False).encode()


def reply_body(phone: str, text: str, sign: str, at: datetime) -> bytes:
    """The body of a push that brings a guest's reply."""
    item = {
        "extend": "",
        "mobile": phone,
        "nationcode": "86",
        "sign": sign,
        "text": text,
        "time": int(at.timestamp()),
    }
    return json.dumps(item, ensure_ascii=False).encode()


def _status(phone: str, context: str, code: str, message: str, serial: str) -> dict[str, Any]:
    return {
        "SerialNo": serial,
        "PhoneNumber": phone,
        "Fee": 1 if code == "Ok" else 0,
        "SessionContext": context,
        "Code": code,
        "Message": message,
        "IsoCode": "CN",
    }


def _fields(request: Request) -> dict[str, Any]:
    try:
        fields = json.loads(request.body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise Refusal("InvalidParameter", "the body is not a JSON object", 200)
    return fields


def _out(**fields: Any) -> Out:
    body = {"Response": {**fields, "RequestId": str(uuid.uuid4())}}
    return Out(200, json.dumps(body, ensure_ascii=False).encode())
