"""What every JSON endpoint shares: strict bodies, one shape of error, keyset pages."""

import json
import re
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions, serializers, views
from rest_framework.parsers import JSONParser
from rest_framework.response import Response

from common.errors import BadFields, Refused


class StrictJSONParser(JSONParser):
    """JSON without NaN, with exact decimals, refusing NUL characters (PostgreSQL text cannot hold them)."""

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            text = stream.read().decode("utf-8")
            if "\x00" in text or "\\u0000" in text:
                raise exceptions.ParseError(_("内容里有空字符(NUL)，请删除后再试。"))
            return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise exceptions.ParseError(_("这不是有效的 JSON。")) from error


def _no_constant(name: str) -> None:
    raise ValueError(name)


class StrictSerializer(serializers.Serializer):
    """A serializer that refuses fields it does not know instead of dropping them."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields), key=str)):
            raise serializers.ValidationError({str(name): [_("没有这个字段。")] for name in unknown})
        return super().to_internal_value(data)


class PageQuestion(StrictSerializer):
    """Which page of a list: where it begins, how long it is."""

    cursor = serializers.CharField(max_length=40, default="", allow_blank=True)
    limit = serializers.IntegerField(min_value=1, max_value=100, default=50)


def read_cursor(cursor: str, most: int) -> tuple[int, int] | None:
    """A page's beginning as `write_cursor` wrote it: a place (1 to `most`) and an id; None for the first page."""
    if not cursor:
        return None
    if found := re.fullmatch(r"([0-9]{1,18})_([0-9]{1,18})", cursor, re.ASCII):
        place, pk = int(found[1]), int(found[2])
        if 1 <= place <= most:
            return place, pk
    raise Refused("cursor_unreadable", field="cursor")


def write_cursor(place: int, pk: int) -> str:
    """Behind which row the next page begins."""
    return f"{place}_{pk}"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every refusal as `{"detail": sentence, "code": code, "fields": {field: [sentence]}}`."""
    if isinstance(error, Refused):
        body: dict[str, Any] = {"detail": str(error), "code": error.code}
        if isinstance(error, BadFields):
            body["fields"] = {name: [str(refused)] for name, refused in error.fields.items()}
        elif error.field:
            body["fields"] = {error.field: [str(error)]}
        return Response(body, status=error.status)
    if isinstance(error, Http404):
        return Response({"detail": _("没有找到。"), "code": "not_here"}, status=404)
    if isinstance(error, PermissionDenied):
        return Response({"detail": _("您的岗位不能做这件事。"), "code": "forbidden"}, status=403)
    response = views.exception_handler(error, context)
    if response is not None and isinstance(error, exceptions.ValidationError):
        response.data = {
            "detail": _("有些内容需要改。"),
            "code": "invalid",
            "fields": response.data,
        }
    return response
