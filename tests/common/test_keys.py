"""The keys: made once, whoever comes first; the same ever after; never shown."""

import base64
import hashlib
import hmac
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from common.keys import KeyProblem, Keys, load_keys, made_once

ONE = Keys(b"f" * 32, b"i" * 32)


@pytest.fixture(autouse=True)
def no_keys_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_FIELD_KEY", raising=False)
    monkeypatch.delenv("CRM_INDEX_KEY", raising=False)


def test_keys_are_made_once_and_read_ever_after(tmp_path: Path) -> None:
    made = load_keys(tmp_path)
    assert len(made.field_key) == len(made.index_key) == 32
    assert made.field_key != made.index_key
    assert load_keys(tmp_path) == made
    folder = tmp_path / "keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == ["field", "index"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert base64.b64decode((folder / "field").read_text()) == made.field_key


def test_another_place_has_other_keys(tmp_path: Path) -> None:
    assert load_keys(tmp_path / "a") != load_keys(tmp_path / "b")


def test_keys_of_the_environment_win_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_FIELD_KEY", base64.b64encode(ONE.field_key).decode())
    monkeypatch.setenv("CRM_INDEX_KEY", base64.b64encode(ONE.index_key).decode())
    assert load_keys(tmp_path) == ONE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", ["short", base64.b64encode(b"x" * 31).decode(), "钥匙" * 20])
def test_a_key_that_is_none_is_refused_by_name(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_FIELD_KEY", given)
    with pytest.raises(KeyProblem, match="CRM_FIELD_KEY") as refused:
        load_keys(tmp_path)
    assert given not in str(refused.value)


def test_a_damaged_key_file_is_refused_and_kept(tmp_path: Path) -> None:
    load_keys(tmp_path)
    damaged = tmp_path / "keys" / "field"
    damaged.write_bytes(b"\xff\x00 not a key")
    with pytest.raises(KeyProblem, match="keys/field"):
        load_keys(tmp_path)
    assert damaged.read_bytes() == b"\xff\x00 not a key"


def _make(path: Path, start: object, answers: object) -> None:
    start.wait()
    answers.put(made_once(path, 32))


def test_processes_that_come_at_once_make_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for attempt in range(10):
        start, answers = context.Barrier(6), context.Queue()
        path = tmp_path / str(attempt) / "key"
        racers = [context.Process(target=_make, args=(path, start, answers)) for _ in range(6)]
        for racer in racers:
            racer.start()
        keys = {answers.get(timeout=20) for _ in racers}
        for racer in racers:
            racer.join(timeout=20)
            assert racer.exitcode == 0
        assert len(keys) == 1
        assert os.listdir(path.parent) == ["key"]


def test_a_blind_index_is_a_keyed_hash_of_kind_and_value() -> None:
    index = ONE.blind_index("phone", "13812348899")
    assert index == hmac.new(b"i" * 32, b"phone\x0013812348899", hashlib.sha256).digest()
    assert index != ONE.blind_index("phone", "13812348898")
    assert index != ONE.blind_index("lookup", "13812348899")
    assert index != Keys(b"f" * 32, b"j" * 32).blind_index("phone", "13812348899")
    # The parts cannot run into each other.
    assert ONE.blind_index("a", "bc") != ONE.blind_index("ab", "c")


def test_a_fingerprint_names_the_pair_and_changes_with_either_key() -> None:
    prints = {
        ONE.fingerprint(),
        Keys(b"g" * 32, b"i" * 32).fingerprint(),
        Keys(b"f" * 32, b"j" * 32).fingerprint(),
        Keys(b"i" * 32, b"f" * 32).fingerprint(),
    }
    assert len(prints) == 4
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in prints)
    assert ONE.fingerprint() == Keys(b"f" * 32, b"i" * 32).fingerprint()


def test_keys_are_never_shown() -> None:
    assert repr(ONE) == "Keys()"
