"""Tencent Cloud SMS (2021-01-11): calls signed with TC3-HMAC-SHA256.

Sources: "SendSms", "PullSmsSendStatusByPhoneNumber", "error codes", the two callback pages and
"Signature v3" of Tencent Cloud's documentation.

Its query is weaker than Aliyun's: it lists only messages whose delivery state the operator has
reported, it does not page, and it returns our id only for accounts where that has been enabled. So
it can prove that a message was taken, never that it was not: `find` answers UNAVAILABLE where
Aliyun's would answer NOT_FOUND.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

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
    fingerprint,
    national_number,
    parse_china_time,
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

DEFAULT_URL = "https://sms.tencentcloudapi.com"
VERSION = "2021-01-11"
QUERY_DAYS = 7
LIMIT = 100

# A code that is not here is UNKNOWN. So is, on purpose, every InternalError that names a time-out,
# a lost answer or no cause at all: the message may be on its way.
CODES: dict[str, Verdict] = {
    "Ok": TAKEN,
    "InvalidParameterValue.IncorrectPhoneNumber": REFUSED,
    "FailedOperation.PhoneNumberInBlacklist": REFUSED,
    "FailedOperation.PhoneNumberParseFail": REFUSED,
    "FailedOperation.ContainSensitiveWord": REFUSED,
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": REFUSED,
    "FailedOperation.FailResolvePacket": REFUSED,
    "InvalidParameterValue.ContentLengthLimit": REFUSED,
    "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter": REFUSED,
    "InvalidParameterValue.TemplateParameterFormatError": REFUSED,
    "InvalidParameterValue.TemplateParameterLengthLimit": REFUSED,
    "LimitExceeded.PhoneNumberCountLimit": REFUSED,
    "MissingParameter.EmptyPhoneNumberSet": REFUSED,
    "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone": REFUSED,
    "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone": REFUSED,
    "UnsupportedOperation.UnsupportedRegion": REFUSED,
    "LimitExceeded.PhoneNumberThirtySecondLimit": SOON,
    "LimitExceeded.PhoneNumberOneHourLimit": NEXT_HOUR,
    "LimitExceeded.PhoneNumberDailyLimit": NEXT_DAY,
    "LimitExceeded.PhoneNumberSameContentDailyLimit": NEXT_DAY,
    "LimitExceeded.DeliveryFrequencyLimit": NEXT_HOUR,
    "FailedOperation.MarketingSendTimeConstraint": NEXT_HOUR,
    "RequestLimitExceeded": SOON,
    "RequestLimitExceeded.IPLimitExceeded": SOON,
    "RequestLimitExceeded.UinLimitExceeded": SOON,
    "RequestLimitExceeded.GlobalRegionUinLimitExceeded": SOON,
    "AuthFailure.SignatureExpire": SOON,
    "InternalError.RequestTimeException": SOON,
    "AuthFailure.SignatureFailure": ACCOUNT,
    "AuthFailure.SecretIdNotFound": ACCOUNT,
    "AuthFailure.InvalidSecretId": ACCOUNT,
    "AuthFailure.InvalidAuthorization": ACCOUNT,
    "AuthFailure.TokenFailure": ACCOUNT,
    "AuthFailure.UnauthorizedOperation": ACCOUNT,
    "IpInBlacklist": ACCOUNT,
    "IpNotInWhitelist": ACCOUNT,
    "LimitExceeded.AppDailyLimit": ACCOUNT,
    "LimitExceeded.AppMainlandChinaDailyLimit": ACCOUNT,
    "FailedOperation.InsufficientBalanceInSmsPackage": ACCOUNT,
    "UnauthorizedOperation.ServiceSuspendDueToArrears": ACCOUNT,
    "UnauthorizedOperation.RequestIpNotInWhitelist": ACCOUNT,
    "UnauthorizedOperation.RequestPermissionDeny": ACCOUNT,
    "UnauthorizedOperation.SdkAppIdIsDisabled": ACCOUNT,
    "UnauthorizedOperation.SmsSdkAppIdVerifyFail": ACCOUNT,
    "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny": ACCOUNT,
    "InvalidParameterValue.SdkAppIdNotExist": ACCOUNT,
    "InvalidParameter.AppidAndBizId": ACCOUNT,
    "FailedOperation.SignatureIncorrectOrUnapproved": ACCOUNT,
    "FailedOperation.MissingSignature": ACCOUNT,
    "FailedOperation.TemplateIncorrectOrUnapproved": TEMPLATE,
    "FailedOperation.TemplateUnapprovedOrNotExist": TEMPLATE,
    "FailedOperation.TemplateIdNotExist": TEMPLATE,
}


@dataclass(frozen=True)
class TencentProvider:
    """One application (`sdk_app_id`) of one Tencent Cloud account; `sign_name` is used where a
    message names none."""

    where: Endpoint
    access_key_id: str
    access_key_secret: str
    sdk_app_id: str
    sign_name: str = ""
    region: str = "ap-guangzhou"
    name: str = "tencent"
    acknowledgement: bytes = b'{"result":0,"errmsg":"OK"}'

    def send(self, message: Outgoing) -> Answer:
        """See `Provider.send`. A message whose numbered variables have no certain order is REFUSED
        unsent."""
        _require_aware(message.at)
        values = _numbered(message)
        if values is None:
            return Answer(
                Outcome.REFUSED,
                code="Local.ParamOrder",
                detail="the order of the variables is not known",
            )
        payload = {
            "PhoneNumberSet": [_international(message.phone)],
            "SmsSdkAppId": self.sdk_app_id,
            "SignName": message.sign or self.sign_name,
            "TemplateId": message.template,
            "TemplateParamSet": values,
            "SessionContext": message.out_id,
        }
        result = self._call("SendSms", payload, message.at)
        response, error = _response(result)
        statuses = response.get("SendStatusSet")
        status: Mapping[str, Any] = error
        if not error and isinstance(statuses, list) and len(statuses) == 1 and isinstance(statuses[0], dict):
            status = statuses[0]
        return answer_from(
            result,
            CODES,
            code=status.get("Code"),
            message=status.get("Message"),
            message_id=status.get("SerialNo"),
        )

    def find(self, out_id: str, phone: str, sent_on: date, *, at: datetime) -> Finding:
        """See `Provider.find`, and the module's text: never NOT_FOUND. Seven days back."""
        _require_aware(at)
        start = datetime.combine(sent_on, time(), tzinfo=CHINA)
        if at - start > timedelta(days=QUERY_DAYS):
            return Finding(Found.UNAVAILABLE, code="Local.TooOld")
        payload = {
            "BeginTime": int(start.timestamp()),
            "EndTime": int(min(at, start + timedelta(days=2)).timestamp()),
            "Offset": 0,
            "Limit": LIMIT,
            "PhoneNumber": _international(phone),
            "SmsSdkAppId": self.sdk_app_id,
        }
        result = self._call("PullSmsSendStatusByPhoneNumber", payload, at)
        response, error = _response(result)
        rows = response.get("PullSmsSendStatusSet")
        if result.status != 200 or error or not isinstance(rows, list):
            return finding_from(
                result,
                Found.UNAVAILABLE,
                code=str(error.get("Code") or f"Local.{result.error or 'Unreadable'}"),
            )
        mine = [row for row in rows if isinstance(row, dict) and row.get("SessionContext") == out_id]
        if not mine:
            return finding_from(result, Found.UNAVAILABLE, code="Local.NotReportedYet")
        states = [_state(row) for row in mine]
        best = strongest(states)
        return finding_from(
            result,
            states[best],
            code=str(mine[best].get("Description") or ""),
            message_id=str(mine[best].get("SerialNo") or ""),
            count=len(mine),
        )

    def _call(self, action: str, payload: Mapping[str, Any], at: datetime) -> Result:
        # ASCII escapes keep the body valid whatever a variable holds, lone surrogates included.
        body = json.dumps(payload).encode()
        stamp = int(at.timestamp())
        day = at.astimezone(UTC).strftime("%Y-%m-%d")
        headers = {
            "content-type": "application/json; charset=utf-8",
            "host": self.where.header,
            "x-tc-action": action,
        }
        names = ";".join(sorted(headers))
        lines = "".join(f"{key}:{headers[key].lower()}\n" for key in sorted(headers))
        request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{day}/sms/tc3_request"
        to_sign = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = ("TC3" + self.access_key_secret).encode()
        for part in (day, "sms", "tc3_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        headers["authorization"] = (
            f"TC3-HMAC-SHA256 Credential={self.access_key_id}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
        headers["x-tc-timestamp"] = str(stamp)
        headers["x-tc-version"] = VERSION
        headers["x-tc-region"] = self.region
        return post(self.where, "/", headers, body)

    @staticmethod
    def parse_receipts(body: bytes) -> list[Receipt]:
        """Read delivery reports: a JSON array. They carry no id of ours. Raises BadCallback."""
        items = _json(body)
        if not isinstance(items, list) or len(items) > MAX_CALLBACK_ITEMS:
            raise BadCallback(f"not a list of at most {MAX_CALLBACK_ITEMS} items")
        return [_receipt(item) for item in items]

    @staticmethod
    def parse_replies(body: bytes) -> list[Reply]:
        """Read a reply: one JSON object. Only the phone must be there. Raises BadCallback."""
        item = _json(body)
        if not isinstance(item, dict) or not str(item.get("mobile") or ""):
            raise BadCallback("not an object with mobile")
        phone = national_number(str(item.get("nationcode") or "") + str(item["mobile"]))
        text = str(item.get("text") or "")
        sent = item.get("time")
        try:
            at = datetime.fromtimestamp(int(str(sent)), UTC)
        except (ValueError, OverflowError, OSError):
            at = None
        return [Reply("tencent", phone, text, at, fingerprint("tencent", "reply", phone, text, sent))]


def _numbered(message: Outgoing) -> list[str] | None:
    params = message.params
    if message.order:
        return [params[name] for name in message.order] if set(message.order) == set(params) else None
    if all(name.isdecimal() for name in params):
        return [params[name] for name in sorted(params, key=int)]
    return list(params.values()) if len(params) <= 1 else None


def _response(result: Result) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The "Response" object and its "Error" object, each empty where it is missing."""
    response = (result.body or {}).get("Response")
    if not isinstance(response, dict):
        return {}, {}
    error = response.get("Error")
    return response, error if isinstance(error, dict) else {}


def _state(row: Mapping[str, Any]) -> Found:
    return {"SUCCESS": Found.FOUND_DELIVERED, "FAIL": Found.FOUND_UNDELIVERED}.get(
        str(row.get("ReportStatus")), Found.FOUND_ACCEPTED
    )


def _receipt(item: object) -> Receipt:
    if not isinstance(item, dict) or item.get("report_status") not in ("SUCCESS", "FAIL"):
        raise BadCallback("an item without report_status")
    message_id = str(item.get("sid") or "")
    if not message_id or not str(item.get("mobile") or ""):
        raise BadCallback("an item without sid or mobile")
    phone = national_number(str(item.get("nationcode") or "") + str(item["mobile"]))
    delivered = item["report_status"] == "SUCCESS"
    code = str(item.get("errmsg") or "")[:CODE_LENGTH]
    key = fingerprint("tencent", "receipt", message_id, phone, delivered, code, item.get("user_receive_time"))
    at = parse_china_time(item.get("user_receive_time"))
    return Receipt("tencent", "", message_id, phone, delivered, code, at, key)


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError as error:
        raise BadCallback("not JSON") from error


def _international(phone: str) -> str:
    number = national_number(phone)
    return number if number.startswith("+") else f"+86{number}"


def _require_aware(at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError("the signing time must be aware")
