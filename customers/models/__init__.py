from customers.models.arrival import Arrival, PersonalMenu, TableDuty
from customers.models.booking import Booking, BookingChange, BookingRules, DiningTable, Need, Waiting
from customers.models.consent import Consent, OptOut, Reveal
from customers.models.customer import Customer, Introduction, Patronage, Phone, ProfileGap, Tag
from customers.models.dish import Dish
from customers.models.event import Participation
from customers.models.visit import Visit, VisitGuest

__all__ = [
    "Arrival",
    "Booking",
    "BookingChange",
    "BookingRules",
    "Consent",
    "Customer",
    "DiningTable",
    "Dish",
    "Introduction",
    "Need",
    "OptOut",
    "Participation",
    "Patronage",
    "PersonalMenu",
    "Phone",
    "ProfileGap",
    "Reveal",
    "TableDuty",
    "Tag",
    "Visit",
    "VisitGuest",
    "Waiting",
]
