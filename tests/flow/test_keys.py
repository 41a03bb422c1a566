"""Encrypted rows and other keys: nothing starts, and one sentence says why."""

import pytest

from common import keys
from crm.keycheck import ForeignKeys, check_keys, refuse_foreign_keys
from ops.models import KeyMark


@pytest.mark.django_db(transaction=True)
def test_the_first_start_marks_the_database_and_other_keys_are_refused(monkeypatch):
    KeyMark.objects.all().delete()
    check_keys()
    check_keys()
    assert KeyMark.objects.get().fingerprint == keys.current_keys().fingerprint()
    others = keys.Keys(b"f" * 32, b"i" * 32)
    monkeypatch.setattr("crm.keycheck.current_keys", lambda: others)
    with pytest.raises(ForeignKeys):
        check_keys()
    with pytest.raises(SystemExit) as refusal:
        refuse_foreign_keys(["manage.py", "nightly"])
    assert "Bring back the keys" in str(refusal.value)
    refuse_foreign_keys(["manage.py", "migrate"])
    assert KeyMark.objects.count() == 1
