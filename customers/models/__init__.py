from customers.models.consent import Consent, OptOut, Reveal
from customers.models.customer import Customer, Introduction, Patronage, Phone, ProfileGap, Tag
from customers.models.dish import Dish
from customers.models.event import Participation
from customers.models.visit import Visit, VisitGuest

__all__ = [
    "Consent",
    "Customer",
    "Dish",
    "Introduction",
    "OptOut",
    "Participation",
    "Patronage",
    "Phone",
    "ProfileGap",
    "Reveal",
    "Tag",
    "Visit",
    "VisitGuest",
]
