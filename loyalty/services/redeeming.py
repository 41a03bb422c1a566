"""A voucher is used on a bill, once; who came with a friend's voucher is put on file as brought by its holder."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from common.errors import NotHere, Refused
from common.messages import add_sentences
from common.money import show_yuan
from common.templatetags.shuke import day
from customers.services.customers import Profile, register_customer
from loyalty.models import Redemption, Voucher
from loyalty.services.bills import put_on_bills, take_off_bill
from loyalty.worth import is_enough, plain_code, saved_fen
from staff.models import Person, Store

add_sentences(
    {
        "voucher_unknown": _lazy("没有这个券码，请核对。"),
        "voucher_used": _lazy("这张券 %(day)s 已经用过了。"),
        "voucher_expired": _lazy("这张券 %(day)s 到期，已经不能用了。"),
        "voucher_bill_too_small": _lazy("这张券满 %(least)s 才能用，这一单是 %(bill)s。"),
        "voucher_friend_phone": _lazy("这张券是给朋友用的，请填朋友的手机号。"),
        "voucher_not_for_holder": _lazy("这张券是给朋友用的，不能用在持券客人自己的单上。"),
        "voucher_not_transferable": _lazy("这张券只能本人用。"),
        "void_reason_missing": _lazy("请写明为什么撤销，至少 2 个字。"),
    }
)


@dataclass(frozen=True)
class Bill:
    """What the voucher is used on; `number` as the till prints it, empty where there is none."""

    fen: int
    number: str = ""


def find_voucher(store: Store, said: str) -> Voucher | None:
    """The store's voucher of a code as it was typed, with kind and holder."""
    return (
        Voucher.objects.filter(store=store, code=plain_code(said)[:20])
        .select_related("kind", "customer")
        .first()
    )


@transaction.atomic
def redeem(
    *,
    store: Store,
    code: str,
    bill: Bill,
    actor: Person | None,
    at: datetime,
    source: str,
    phone: str = "",
    name: str = "",
) -> Redemption:
    """Use a voucher on a bill, whose coupon flag is ticked where it is logged already. `phone` (normalised): who uses it,
    where that is not the holder.

    A phone the brand does not know is registered as a guest introduced by the holder. The same voucher on the same
    bill number again is the redemption that stands. Refuses (Refused) an unknown code, one that was used (409), that
    ran out, a bill that is too small, a friend's voucher without a phone or with the holder's, somebody else's where
    it cannot be handed on.
    """
    voucher = (
        Voucher.objects.select_for_update(of=("self",))
        .filter(store=store, code=plain_code(code)[:20])
        .select_related("kind", "customer")
        .first()
    )
    if voucher is None:
        raise Refused("voucher_unknown", field="code")
    number = bill.number.strip()[:64]
    used = Redemption.objects.filter(voucher=voucher, voided_at=None).first()
    if used is not None:
        if number and (used.bill_number, used.bill_fen) == (number, bill.fen):
            return used
        raise Refused("voucher_used", field="code", status=409, day=day(used.on))
    on = store.business_day(at)
    if on > voucher.valid_until:
        raise Refused("voucher_expired", field="code", day=day(voucher.valid_until))
    kind = voucher.kind
    if not is_enough(kind.min_bill_fen, bill.fen):
        raise Refused(
            "voucher_bill_too_small",
            field="bill",
            least=show_yuan(kind.min_bill_fen),
            bill=show_yuan(bill.fen),
        )
    customer_id, is_new = _user(store, voucher, phone, name, actor, at, source)
    redemption = Redemption.objects.create(
        voucher=voucher, store=store, customer_id=customer_id, is_new=is_new, bill_number=number,
        bill_fen=bill.fen, saved_fen=saved_fen(kind.gives, kind.worth, bill.fen), on=on, at=at, by=actor,
    )  # fmt: skip
    if put_on_bills(store=store, at=at, redemption_id=redemption.pk):
        redemption.refresh_from_db(fields=["visit", "ticked"])
    return redemption


def _user(
    store: Store,
    voucher: Voucher,
    phone: str,
    name: str,
    actor: Person | None,
    at: datetime,
    source: str,
) -> tuple[int, bool]:
    """Who uses the voucher, and whether the use brought the person on file."""
    if not phone:
        if voucher.is_for_friend:
            raise Refused("voucher_friend_phone", field="phone")
        return voucher.customer_id, False
    holder = voucher.customer
    profile = Profile(
        name=name.strip() or _("%(holder)s的朋友") % {"holder": holder.called},
        phone=phone,
        introduced_by=voucher.customer_id,
    )
    registered = register_customer(store=store, profile=profile, actor=actor, at=at, source=source)
    if registered.customer.pk == voucher.customer_id:
        if voucher.is_for_friend:
            raise Refused("voucher_not_for_holder", field="phone")
        return voucher.customer_id, False
    if not voucher.is_for_friend and not voucher.kind.transferable:
        raise Refused("voucher_not_transferable", field="phone")
    return registered.customer.pk, registered.status == "created"


@transaction.atomic
def take_back(
    *, store: Store, redemption_id: int, reason: str, actor: Person | None, at: datetime
) -> Redemption:
    """It was a mistake: the voucher is good again, the row stays with the reason; the bill's coupon flag that it ticked is
    off again, unless another voucher was used on it. Twice changes nothing.

    Refuses a reason of fewer than two characters; NotHere for another store's.
    """
    if len(reason.strip()) < 2:
        raise Refused("void_reason_missing", field="reason")
    redemption = Redemption.objects.select_for_update().filter(store=store, pk=redemption_id).first()
    if redemption is None:
        raise NotHere()
    if redemption.voided_at is None:
        redemption.voided_at, redemption.voided_by, redemption.void_reason = at, actor, reason.strip()[:100]
        redemption.save(update_fields=["voided_at", "voided_by", "void_reason"])
        take_off_bill(store, redemption)
    return redemption
