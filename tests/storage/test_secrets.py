"""Addresses as they are shown: no password in them, whatever stands in the password or after it."""

from __future__ import annotations

import pytest

from boltcli.storage.secrets import original_url, redact_text, redact_url


@pytest.mark.parametrize(
    ("address", "secret", "rest"),
    [
        ("s3://user:{}@host/123", "pw-1", "host/123"),
        ("ssh://u:{}@h:22/0", "pw-2", "h:22/0"),
        ("sftp://u:{}@h:22/0", "12/34", "h:22/0"),
        ("https://u:{}@h/7", "8080/word", "h/7"),
        ("https://first.last:{}@h/7", "22/word", "h/7"),
        ("https://u:{}@h", "22/word", "h"),
        ("https://u:{}@h/x", "p@ss", "h/x"),
        ("https://u:{}@h/x", "p:ss", "h/x"),
        ("https://u:{}@h/x", "p%40s%2Fs", "h/x"),
        ("https://u:{}@h/x!inner", "p?s#s", "h/x!inner"),
        ("simplecache::https://u:{}@h/1", "word", "h/1"),
    ],
)
def test_passwords(address: str, secret: str, rest: str) -> None:
    whole = address.format(secret)
    shown = redact_url(whole)
    assert secret not in shown
    assert not any(part in shown for part in secret.split("/") if len(part) > 2)
    assert shown.endswith("@" + rest)
    assert original_url(shown) == whole
    assert redact_url(shown) == shown


def test_addresses_that_look_alike_without_their_secrets() -> None:
    addresses = [f"https://u:word-{number}@alike/x" for number in range(3)]
    shown = [redact_url(address) for address in addresses]
    assert shown == ["https://u:***@alike/x", "https://u:***2@alike/x", "https://u:***3@alike/x"]
    assert [original_url(each) for each in shown] == addresses


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9000/bucket/1@2", "http://localhost:80/a@b", "http://h:80/1", "s3://b/a@b/c"]
)
def test_no_password(address: str) -> None:
    assert redact_url(address) == address


def test_messages_of_libraries() -> None:
    address = "https://u:p%40ss@h/x?sig=ab"
    assert redact_text("no p@ss, p%40ss for https://u:p%40ss@h/x?sig=ab", address) == (
        "no ***, *** for https://u:***@h/x?sig=***"
    )
    assert redact_text("http://u:pw@h:1 refused: pwd", "http://u:pw@h:1") == "http://u:***@h:1 refused: pwd"
