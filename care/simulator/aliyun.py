"""Aliyun's dialect: Dysmsapi 2017-05-25, RPC style."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from care.simulator.desk import CHINA, Desk, Draft, Out, is_mobile, national, new_number
from care.simulator.ledger import Entry
from care.simulator.signatures import Refusal, Request, check_aliyun
from care.simulator.templates import Unfit, parts

name = "aliyun"
throttled = "Throttling.User"

_UNFIT = {
    "template": ("isv.SMS_TEMPLATE_ILLEGAL", "模板不合法(不存在或被拉黑)"),
    "missing": ("isv.TEMPLATE_MISSING_PARAMETERS", "模板缺少变量"),
    "length": ("isv.PARAM_LENGTH_LIMIT", "参数超出长度限制"),
    "url": ("isv.PARAM_NOT_SUPPORT_URL", "不支持URL"),
    "params": ("isv.TEMPLATE_PARAMS_ILLEGAL", "模板变量里包含非法关键字"),
    "content": ("isv.SMS_CONTENT_ILLEGAL", "短信内容包含禁止发送内容"),
}
_STATUS_OF_CODE = {"InvalidAccessKeyId.NotFound": 404, "Forbidden.RAM": 403}
_SEND_STATUS = {"": 1, "undelivered": 2, "delivered": 3}
_WORDS = {"DELIVERED": "用户接收成功"}


def check(request: Request, desk: Desk) -> datetime:
    """See `Dialect.check`."""
    if request.headers.get("x-acs-version") != "2017-05-25":
        raise Refusal("InvalidVersion", "Specified parameter Version is not valid.")
    return check_aliyun(request, desk.keys, desk.nonces, desk.clock())


def is_send(request: Request) -> bool:
    """See `Dialect.is_send`."""
    return request.headers.get("x-acs-action") == "SendSms"


def draft(request: Request, desk: Desk, signed_at: datetime) -> Draft:
    """See `Dialect.draft`."""
    fields = _fields(request)
    phones = [national(phone) for phone in fields.get("PhoneNumbers", "").split(",")]
    if not all(is_mobile(phone) for phone in phones):
        raise Refusal("isv.MOBILE_NUMBER_ILLEGAL", "手机号码格式错误", 200)
    if len(phones) > 1000:
        raise Refusal("isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制", 200)
    sign = fields.get("SignName", "")
    if not sign or "【" in sign:
        raise Refusal("isv.SMS_SIGNATURE_ILLEGAL", "该账号下找不到对应签名", 200)
    params = _params(fields.get("TemplateParam", ""))
    template = fields.get("TemplateCode", "")
    try:
        text = desk.templates.render(template, params, sign)
    except Unfit as unfit:
        raise Refusal(*_UNFIT[unfit.why], 200) from None
    if any(desk.is_over_limit(name, phone) for phone in phones):
        raise Refusal("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:1", 200)
    message_id = f"{new_number()}^0"
    entries = [
        Entry(
            provider=name,
            phone=phone,
            out_id=fields.get("OutId", ""),
            template=template,
            params=params,
            sign=sign,
            at="",
            signed_at=signed_at.astimezone(CHINA).isoformat(),
            message_id=message_id,
            text=text,
            parts=parts(text),
            nonce=request.headers["x-acs-signature-nonce"],
        )
        for phone in phones
    ]
    return Draft(entries, _out(200, Code="OK", Message="OK", BizId=message_id))


def query(request: Request, desk: Desk) -> Out:
    """QuerySendDetails: one number, one date of the last 30 days, at most 50 rows a page."""
    if request.headers.get("x-acs-action") != "QuerySendDetails":
        raise Refusal("InvalidAction.NotFound", "Specified api is not found.", 404)
    fields = _fields(request)
    try:
        size, page = int(fields["PageSize"]), int(fields["CurrentPage"])
        phone = fields["PhoneNumber"]
        day = datetime.strptime(fields["SendDate"], "%Y%m%d").date()
    except KeyError as missing:
        field = missing.args[0]
        raise Refusal(f"Missing{field}", f"{field} is mandatory for this action.") from None
    except ValueError:
        raise Refusal("isv.INVALID_PARAMETERS", "参数异常", 200) from None
    today = desk.clock().astimezone(CHINA).date()
    if not (1 <= size <= 50 and page >= 1 and today - timedelta(days=30) < day <= today):
        raise Refusal("isv.INVALID_PARAMETERS", "参数异常", 200)
    rows = [
        _detail(entry)
        for entry in reversed(desk.visible(name, national(phone)))
        if entry.moment.astimezone(CHINA).date() == day
    ]
    shown = rows[(page - 1) * size : page * size]
    return _out(
        200,
        Code="OK",
        Message="OK",
        TotalCount=str(len(rows)),
        SmsSendDetailDTOs={"SmsSendDetailDTO": shown},
    )


def refusal(code: str, message: str, status: int) -> Out:
    """Business codes (isv., isp.) come with 200, the gateway's with 4xx; `status` 0: by code."""
    usual = 200 if code[:4] in {"isv.", "isp."} else _STATUS_OF_CODE.get(code, 400)
    return _out(status or usual, Code=code, Message=message)


def receipts_body(entries: list[Entry]) -> bytes:
    """The body of a push that reports these entries."""
    items = [
        {
            "phone_number": entry.phone,
            "send_time": _wall(entry.at),
            "report_time": _wall(entry.status_at),
            "success": entry.status == "delivered",
            "err_code": entry.status_code,
            "err_msg": _WORDS.get(entry.status_code, "运营商返回失败"),
            "sms_size": str(entry.parts),
            "biz_id": entry.message_id,
            "out_id": entry.out_id,
        }
        for entry in entries
    ]
    return json.dumps(items, ensure_ascii=False).encode()


def reply_body(phone: str, text: str, sign: str, at: datetime) -> bytes:
    """The body of a push that brings a guest's reply."""
    item = {
        "phone_number": phone,
        "send_time": at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S"),
        "content": text,
        "sign_name": sign,
        "dest_code": "9001",
        "sequence_id": str(new_number()),
    }
    return json.dumps([item], ensure_ascii=False).encode()


def _fields(request: Request) -> dict[str, str]:
    fields = dict(parse_qsl(request.query, keep_blank_values=True))
    if "form-urlencoded" in request.headers.get("content-type", ""):
        fields |= parse_qsl(request.body.decode(), keep_blank_values=True)
    return fields


def _params(text: str) -> dict[str, str]:
    try:
        params = json.loads(text or "{}")
    except ValueError:
        params = None
    if not isinstance(params, dict):
        raise Refusal("isv.INVALID_JSON_PARAM", "JSON参数不合法，只接受字符串值", 200)
    return {str(key): str(value) for key, value in params.items()}


def _detail(entry: Entry) -> dict[str, Any]:
    return {
        "PhoneNum": entry.phone,
        "SendStatus": _SEND_STATUS[entry.status],
        "ErrCode": entry.status_code,
        "TemplateCode": entry.template,
        "Content": entry.text,
        "SendDate": _wall(entry.at),
        "ReceiveDate": _wall(entry.status_at),
        "OutId": entry.out_id,
    }


def _wall(moment: str) -> str:
    if not moment:
        return ""
    return datetime.fromisoformat(moment).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _out(status: int, **fields: Any) -> Out:
    body = {"RequestId": str(uuid.uuid4()).upper(), **fields}
    return Out(status, json.dumps(body, ensure_ascii=False).encode())
