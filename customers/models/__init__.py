from customers.models.consent import Consent, OptOut, Reveal
from customers.models.customer import Customer, Introduction, Patronage, Phone, ProfileGap, Tag
from customers.models.visit import Visit

__all__ = [
    "Consent",
    "Customer",
    "Introduction",
    "OptOut",
    "Patronage",
    "Phone",
    "ProfileGap",
    "Reveal",
    "Tag",
    "Visit",
]
