"""A refusal is a code with parameters; the sentence for people is made where it is shown."""

from typing import Any

from common.messages import sentence


class Refused(Exception):
    """Something was asked that the rules do not allow. Nothing was changed.

    `code` names the sentence in `common.messages`, `params` fill it, `field` names the input at fault.
    """

    def __init__(self, code: str, field: str = "", status: int = 400, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.status = status
        self.params = params

    def __str__(self) -> str:
        return sentence(self.code, self.params)


class BadFields(Refused):
    """A form or body with several fields at fault: each name with its own refusal."""

    def __init__(self, fields: "dict[str, Refused]") -> None:
        super().__init__("invalid")
        self.fields = fields


class NotHere(Refused):
    """The object belongs to another store or does not exist: both look the same from outside."""

    def __init__(self) -> None:
        super().__init__("not_here", status=404)
