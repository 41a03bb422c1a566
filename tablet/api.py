"""The tablet's queue: at most a hundred items at once, each answered by itself."""

import uuid
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.clock import now
from common.errors import BadFields, Refused
from customers.api import answer_of
from customers.models.visit import Entry
from customers.services.visits import record_visit
from customers.visit_body import read_visit
from loyalty.services.bills import put_on_bills
from staff.access import Principal
from staff.api import asker

MOST = 100


class SyncView(APIView):
    """Items `{"seq", "uuid", "type": "visit", "body"}`; every one is answered, a bad one spoils no other."""

    @extend_schema(
        request=inline_serializer("Sync", {"items": serializers.ListField(max_length=MOST)}),
        responses=inline_serializer(
            "Synced", {"results": serializers.ListField(), "server_ts": serializers.DateTimeField()}
        ),
    )
    def post(self, request: Request) -> Response:
        items = request.data.get("items") if isinstance(request.data, dict) else None
        if not isinstance(items, list) or set(request.data) - {"items"}:
            raise Refused("body_not_object")
        if len(items) > MOST:
            raise Refused("too_many_items", field="items", most=MOST)
        at = now()
        return Response({"results": [self._one(asker(request), item, at) for item in items], "server_ts": at})

    def _one(self, principal: Principal, item: Any, at: Any) -> dict[str, Any]:
        answer: dict[str, Any] = (
            {"seq": item.get("seq"), "uuid": item.get("uuid")} if isinstance(item, dict) else {}
        )
        try:
            if not isinstance(item, dict) or item.get("type") != "visit":
                raise Refused("item_unknown")
            try:
                visit_id = uuid.UUID(str(item.get("uuid")))
            except ValueError as error:
                raise Refused("item_unknown", field="uuid") from error
            with transaction.atomic():
                recorded = record_visit(
                    store=principal.store,
                    visit_id=visit_id,
                    visit=read_visit(item.get("body"), principal.store),
                    entry=Entry.TABLET,
                    actor=principal.person,
                    at=at,
                )
                if recorded.status == "created" and recorded.customer_id is not None:
                    put_on_bills(store=principal.store, at=at, customer_id=recorded.customer_id)
        except BadFields as bad:
            fields = {name: str(refused) for name, refused in bad.fields.items()}
            return answer | {"status": "rejected", "code": bad.code, "detail": str(bad), "fields": fields}
        except Refused as refused:
            status = "conflict" if refused.status == 409 else "rejected"
            return answer | {"status": status, "code": refused.code, "detail": str(refused)}
        return answer | answer_of(recorded)
