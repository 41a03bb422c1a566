"""Where a guest's own number says that the guest lives."""

# The tag of a guest whose own number is abroad. It is put on with the number and may be taken off like any other.
OVERSEAS = "overseas"


def is_abroad(phone: str) -> bool:
    """Whether a canonical number is not one of the mainland: `+852…`, `+1…`."""
    return phone.startswith("+")
