"""The JSON doors of this room: the tasks of a store, and their completion."""

from datetime import date

from django.db.models import Q
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from care.models import CallAnswer, Task
from care.relations.services.calls import CallSaid, complete_call
from care.selectors.tasks import mine_by, task_page, task_summary, tasks_of
from common.api import StrictSerializer
from common.clock import now
from common.errors import Refused
from staff.access import who_may
from staff.api import asker

MOST = 100

TASK = inline_serializer(
    "Task",
    {
        "id": serializers.IntegerField(),
        "customer": inline_serializer(
            "TaskCustomer",
            {
                "id": serializers.IntegerField(),
                "external_id": serializers.CharField(),
                "called": serializers.CharField(),
                "tier": serializers.CharField(),
            },
        ),
        "code": serializers.CharField(),
        "trigger": serializers.CharField(help_text="empty for a greeting in place of a text"),
        "occasion": serializers.CharField(),
        "channel": serializers.CharField(),
        "text": inline_serializer("TaskText", {"zh": serializers.CharField(), "en": serializers.CharField()}),
        "scheme": serializers.CharField(help_text="whose plan it is of; empty where it is of none"),
        "tier": serializers.CharField(help_text="of that scheme, when it was opened"),
        "role": serializers.CharField(),
        "assignee": inline_serializer(
            "TaskAssignee",
            {"id": serializers.IntegerField(), "name": serializers.CharField()},
            allow_null=True,
        ),
        "event_on": serializers.DateField(allow_null=True),
        "due_on": serializers.DateField(),
        "close_on": serializers.DateField(),
        "state": serializers.CharField(),
        "reason": serializers.CharField(allow_blank=True),
        "settled_at": serializers.DateTimeField(allow_null=True),
    },
)


class TaskQuestion(StrictSerializer):
    """Which tasks: `due` on that day or earlier, in which `state` (open unless said), `mine` only."""

    due = serializers.DateField(required=False)
    state = serializers.ChoiceField([*Task.State.values, "any"], default=Task.State.OPEN)
    mine = serializers.BooleanField(default=False)
    cursor = serializers.CharField(max_length=40, default="", allow_blank=True)
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=50)


class CompleteBody(StrictSerializer):
    """A note; of a return visit what the guest said: `score` 1–5, `suggestion`; of a call to win back `cause`, `measure`."""

    note = serializers.CharField(max_length=400, default="", allow_blank=True)
    score = serializers.IntegerField(min_value=1, max_value=5, default=None, allow_null=True)
    cause = serializers.ChoiceField(CallAnswer.Cause.choices, default="", allow_blank=True)
    measure = serializers.ChoiceField(CallAnswer.Measure.choices, default="", allow_blank=True)
    voucher_kind = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, default=None, allow_null=True,
        help_text="with the measure coupon: which voucher the guest is given",
    )  # fmt: skip
    suggestion = serializers.CharField(max_length=400, default="", allow_blank=True)

    def said(self) -> CallSaid:
        """What the guest said."""
        told = self.validated_data
        return CallSaid(
            score=told["score"], cause=told["cause"], measure=told["measure"], suggestion=told["suggestion"],
            kind_id=told["voucher_kind"],
        )  # fmt: skip


def _after(cursor: str) -> tuple[date, int] | None:
    if not cursor:
        return None
    day, _, pk = cursor.partition("_")
    try:
        after = date.fromisoformat(day), int(pk)
    except ValueError:
        raise Refused("cursor_unreadable", field="cursor") from None
    if not 0 <= after[1] < 2**63:
        raise Refused("cursor_unreadable", field="cursor")
    return after


class TasksView(APIView):
    """The store's tasks by due day."""

    @extend_schema(
        operation_id="tasks_list",
        parameters=[
            OpenApiParameter("due", OpenApiTypes.DATE, description="due on that day or earlier"),
            OpenApiParameter("state", str, enum=[*Task.State.values, "any"], default="open"),
            OpenApiParameter("mine", bool, description="assigned to me, or to nobody on my role's list"),
            OpenApiParameter("cursor", str),
            OpenApiParameter("limit", int, description=f"1 to {MOST}, 50 unless said"),
        ],
        responses=inline_serializer(
            "TaskPage",
            {
                "results": serializers.ListField(child=TASK),
                "next_cursor": serializers.CharField(allow_blank=True),
            },
        ),
    )
    def get(self, request: Request) -> Response:
        principal = asker(request)
        question = TaskQuestion(data=request.query_params.dict())
        question.is_valid(raise_exception=True)
        ask = question.validated_data
        where = Q() if ask["state"] == "any" else Q(state=ask["state"])
        if "due" in ask:
            where &= Q(due_on__lte=ask["due"])
        if ask["mine"]:
            where &= mine_by(principal.person, principal.role)
        rows, following = task_page(
            principal.store, where=where, after=_after(ask["cursor"]), most=ask["limit"]
        )
        return Response(
            {
                "results": [task_summary(task) for task in rows],
                "next_cursor": f"{following[0]:%Y-%m-%d}_{following[1]}" if following else "",
            }
        )


class TaskCompleteView(APIView):
    """The gesture was made. Completing twice is once; a task settled otherwise answers 409."""

    @extend_schema(request=CompleteBody, responses=TASK)
    def post(self, request: Request, task_id: int) -> Response:
        principal = asker(request)
        body = CompleteBody(data=request.data)
        body.is_valid(raise_exception=True)
        task = complete_call(
            store=principal.store,
            task_id=task_id,
            actor=principal.person,
            at=now(),
            said=body.said(),
            note=body.validated_data["note"],
            may_give=principal.role in who_may("api-customer-vouchers", "POST"),
        )
        return Response(task_summary(tasks_of(principal.store).get(pk=task.pk)))
