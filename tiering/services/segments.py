"""Keeping a question about the guests under a name, changing it, retiring it."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import NotHere, Refused
from common.messages import add_sentences
from staff.models import Person, Store
from tiering.models import Segment
from tiering.segments import as_scheme, label_problems, parts_of
from tiering.services.schemes import SchemeRefused, check_body

MOST = 60

add_sentences(
    {
        "segment_name": _("请给客群起个名字。"),
        "segment_taken": _("已经有一个叫“%(name)s”的客群了。"),
        "segment_most": _("客群最多 %(most)s 个，请先停用不再用的。"),
    }
)


@transaction.atomic
def save_segment(
    *, store: Store, name: str, rule: Any, actor: Person | None, at: datetime, segment_id: int | None = None
) -> Segment:
    """Keep a question under a name, or with `segment_id` change one. The row before stays in the history.

    Refuses a rule that cannot be read or meant (SchemeRefused), a name that is empty or taken; another store's
    segment, and a retired one, is NotHere.
    """
    where, when = parts_of(rule)
    if problems := label_problems(where):
        raise SchemeRefused(problems)
    check_body(as_scheme(when))
    name = " ".join(name.split())[:60]
    if not name:
        raise Refused("segment_name", field="name", status=422)
    Store.objects.select_for_update().get(pk=store.pk)
    living = Segment.objects.filter(store=store, retired_at=None)
    others = living if segment_id is None else living.exclude(pk=segment_id)
    if others.filter(name=name).exists():
        raise Refused("segment_taken", field="name", status=422, name=name)
    if segment_id is None:
        if living.count() >= MOST:
            raise Refused("segment_most", field="name", status=422, most=MOST)
        return Segment.objects.create(store=store, name=name, rule=rule, made_at=at, made_by=actor)
    found = living.filter(pk=segment_id).first()
    if found is None:
        raise NotHere()
    found.name, found.rule, found.made_at, found.made_by = name, rule, at, actor
    found.save(update_fields=["name", "rule", "made_at", "made_by"])
    return found


@transaction.atomic
def retire_segment(*, store: Store, segment_id: int, at: datetime) -> Segment:
    """Offer it no more; what it was sent to stays explainable. Twice is the same as once; another store's is NotHere."""
    found = Segment.objects.select_for_update().filter(store=store, pk=segment_id).first()
    if found is None:
        raise NotHere()
    if found.retired_at is None:
        found.retired_at = at
        found.save(update_fields=["retired_at"])
    return found
