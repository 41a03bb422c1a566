"""The encrypted field: text in Python, noise in the database, never searched by mistake."""

import base64

import pgtrigger
import pytest
from django.core.exceptions import FieldError
from django.db import connection, models
from django.db.migrations.writer import MigrationWriter
from django.test.utils import isolate_apps

from common.fields import EncryptedTextField, Undecipherable, decrypt, encrypt
from common.keys import Keys, current_keys

ONE = Keys(b"f" * 32, b"i" * 32)
OTHER = Keys(b"g" * 32, b"i" * 32)


# Outside the registry, so that tests which walk every table do not meet this one.
with isolate_apps("common"):

    class Secret(models.Model):
        """A row with something to hide; made by the test, not by a migration."""

        note = EncryptedTextField(null=True, blank=True)
        plain = models.CharField(max_length=20, blank=True)

        class Meta:
            app_label = "common"

        def __str__(self) -> str:
            return str(self.pk)


@pytest.fixture
def table(db: None) -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Secret)


def stored(pk: int) -> bytes | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM common_secret WHERE id = %s", [pk])
        value = cursor.fetchone()[0]
    return None if value is None else bytes(value)


@pytest.mark.parametrize("text", ["花生过敏", "", "𠮷 \n'\"\\", "x" * 5000])
def test_what_is_encrypted_reads_back(text: str) -> None:
    assert decrypt(encrypt(text, ONE), ONE) == text


def test_the_same_text_never_looks_the_same() -> None:
    first, second = encrypt("花生过敏", ONE), encrypt("花生过敏", ONE)
    assert first != second
    assert first[0] == second[0] == ONE.field_key_id
    assert len(first) == 1 + 12 + len("花生过敏".encode()) + 16


def test_another_key_a_changed_byte_or_a_cut_is_noticed() -> None:
    value = encrypt("花生过敏", ONE)
    with pytest.raises(Undecipherable, match="encrypted with another field key"):
        decrypt(value, OTHER)
    for place in range(len(value)):
        broken = bytearray(value)
        broken[place] ^= 1
        with pytest.raises(Undecipherable):
            decrypt(bytes(broken), ONE)
    for length in (0, 1, 13, len(value) - 1):
        with pytest.raises(Undecipherable):
            decrypt(value[:length], ONE)


@pytest.mark.usefixtures("table")
def test_rows_are_written_read_and_changed() -> None:
    row = Secret.objects.create(note="花生过敏")
    raw = stored(row.pk)
    assert raw is not None and "花生".encode() not in raw
    assert decrypt(raw, current_keys()) == "花生过敏"
    assert Secret.objects.get(pk=row.pk).note == "花生过敏"
    assert list(Secret.objects.values_list("note", flat=True)) == ["花生过敏"]

    Secret.objects.filter(pk=row.pk).update(note="不吃香菜")
    row.refresh_from_db()
    assert row.note == "不吃香菜"

    row.note = "都吃"
    Secret.objects.bulk_update([row], ["note"])
    assert Secret.objects.get(pk=row.pk).note == "都吃"

    several = Secret.objects.bulk_create([Secret(note="甲"), Secret(note=None), Secret(note="")])
    assert [Secret.objects.get(pk=each.pk).note for each in several] == ["甲", None, ""]
    assert stored(several[1].pk) is None


@pytest.mark.usefixtures("table")
def test_a_value_of_another_key_is_not_read_as_something_else() -> None:
    row = Secret.objects.create(note="甲")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE common_secret SET note = %s", [encrypt("甲", OTHER)])
    with pytest.raises(Undecipherable):
        Secret.objects.get(pk=row.pk)


@pytest.mark.parametrize(
    "lookup", ["note", "note__exact", "note__in", "note__contains", "note__gt", "note__length"]
)
def test_searching_is_refused(lookup: str) -> None:
    with pytest.raises(FieldError, match="note is encrypted"):
        Secret.objects.filter(**{lookup: ["甲"] if lookup == "note__in" else "甲"})
    with pytest.raises(FieldError, match="note is encrypted"):
        Secret.objects.exclude(**{lookup: ["甲"] if lookup == "note__in" else "甲"})


@pytest.mark.usefixtures("table")
def test_whether_there_is_a_value_may_be_asked() -> None:
    row = Secret.objects.create(note="甲")
    Secret.objects.create(note=None)
    assert list(Secret.objects.filter(note__isnull=False)) == [row]


def test_only_text_is_taken() -> None:
    with pytest.raises(TypeError, match="note takes a str"):
        Secret._meta.get_field("note").get_prep_value(b"bytes")


def test_a_migration_sees_a_plain_binary_field() -> None:
    field = EncryptedTextField(null=True, blank=True)
    field.set_attributes_from_name("note")
    assert field.deconstruct()[1] == "django.db.models.BinaryField"
    written, imports = MigrationWriter.serialize(field)
    assert written == "models.BinaryField(blank=True, null=True)"
    assert imports == {"from django.db import models"}
    assert type(field.clone()) is EncryptedTextField


def test_a_trigger_may_compare_the_stored_bytes() -> None:
    condition = pgtrigger.AnyChange("note", "plain").resolve(Secret)
    assert 'OLD."note" IS DISTINCT FROM (NEW."note")' in condition


def test_it_is_neither_dumped_nor_mistaken_for_base64() -> None:
    text = base64.b64encode(b"looks like base64").decode()
    row = Secret(note=text)
    row.clean_fields()
    assert row.note == text
    with pytest.raises(FieldError, match="not serialised"):
        Secret._meta.get_field("note").value_to_string(row)
