"""What we owe them: vouchers and how they were used, treatments a guest was given, gifts, what is kept for a guest."""

from loyalty.models.gift import Gift, GiftItem, LoyaltyRules
from loyalty.models.keeping import KeptItem, TreatmentUse
from loyalty.models.voucher import Redemption, Voucher, VoucherKind

__all__ = [
    "Gift",
    "GiftItem",
    "KeptItem",
    "LoyaltyRules",
    "Redemption",
    "TreatmentUse",
    "Voucher",
    "VoucherKind",
]
