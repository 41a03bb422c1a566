"""A treatment is given at the table: ticked once a visit, one only of those among which the guest chooses."""

from datetime import datetime

from care.selectors.plans import governing
from care.selectors.treatments import treatment_lines
from care.treatments import is_given_at_table, slot_of
from common.errors import NotHere
from customers.models import Patronage
from loyalty.models import TreatmentUse
from loyalty.services.keeping import record_treatment
from staff.models import Person, Store


def use_treatment(
    *,
    store: Store,
    customer_id: int,
    code: str,
    bill_fen: int | None,
    actor: Person | None,
    at: datetime,
) -> TreatmentUse:
    """Write down that the guest was given a treatment of the plan; `bill_fen`: the bill, where it takes something off it.

    Refuses (409) what was given already on this visit, and a second one of a group to choose from; NotHere for a line
    that is no treatment of this guest.
    """
    patronage = Patronage.objects.filter(store=store, customer_id=customer_id).first()
    if patronage is None:
        raise NotHere()
    lines = treatment_lines(governing(store, store.business_day(at)), patronage)
    line = next((each for each in lines if each.code == code and is_given_at_table(each)), None)
    if line is None:
        raise NotHere()
    return record_treatment(
        store=store, customer_id=customer_id, code=line.code, slot=slot_of(line), zh=line.zh, en=line.en,
        percent_off=line.percent_off, bill_fen=bill_fen, actor=actor, at=at,
    )  # fmt: skip
