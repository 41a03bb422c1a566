"""A text that the database only ever sees encrypted."""

import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.exceptions import FieldError
from django.db import models

from common.keys import Keys, current_keys

_NONCE_BYTES = 12
# `df` and `ndf` are how a trigger asks whether the stored bytes of a row changed.
_ALLOWED_LOOKUPS = frozenset({"isnull", "df", "ndf"})


class Undecipherable(Exception):
    """An encrypted value does not belong to the present key, or was changed. Names neither."""


def encrypt(text: str, keys: Keys) -> bytes:
    """Key id (1 byte), nonce (12), AES-256-GCM cipher text and tag; another nonce every time."""
    header = bytes([keys.field_key_id])
    nonce = os.urandom(_NONCE_BYTES)
    return header + nonce + AESGCM(keys.field_key).encrypt(nonce, text.encode(), header)


def decrypt(value: bytes, keys: Keys) -> str:
    """The text of an encrypted value. Raises Undecipherable."""
    header, nonce, sealed = value[:1], value[1 : 1 + _NONCE_BYTES], value[1 + _NONCE_BYTES :]
    if header != bytes([keys.field_key_id]):
        raise Undecipherable("the value was encrypted with another field key")
    try:
        return AESGCM(keys.field_key).decrypt(nonce, sealed, header).decode()
    except (InvalidTag, ValueError):
        raise Undecipherable("the value is damaged, or another field key made it") from None


class EncryptedTextField(models.BinaryField):
    """A str or None in Python, AES-256-GCM bytes in the database.

    Migrations see a plain BinaryField. Every comparison except `isnull` is refused, because it
    would silently find nothing: search by a blind index beside the field.
    """

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.BinaryField", list(args), kwargs

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name not in _ALLOWED_LOOKUPS:
            raise FieldError(f"{self.name} is encrypted and cannot be searched ({lookup_name})")
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.name} is encrypted and cannot be searched ({lookup_name})")

    def get_default(self) -> Any:
        value = super().get_default()
        return "" if value == b"" else value

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        raise FieldError(f"{self.name} is encrypted and is not serialised")

    def get_prep_value(self, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, str):
            raise TypeError(f"{self.name} takes a str, not {type(value).__name__}")
        return encrypt(value, current_keys())

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> str | None:
        return None if value is None else decrypt(bytes(value), current_keys())
