"""The accounts and their journal."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from polysilicon.errors import UserError
from polysilicon.rehearsal import Accounts, Record, Scope

HERE = Scope("aws", "123456789012", "us-east-1", "AWS")


def record(name: str, **more: object) -> Record:
    made = Record(
        key=0, package="aws", type="t", urn=f"urn:{name}", name=name, id=name, scope=HERE, inputs={}, outputs={}
    )
    return replace(made, **more)  # type: ignore[arg-type]


def test_found_by_id_by_name_by_mention_by_endpoint() -> None:
    accounts = Accounts()
    vpc = accounts.add(record("vpc-1", names=("vpc-1", "sg-default")))
    subnet = accounts.add(record("subnet-1", inputs={"vpcId": "vpc-1", "long": "x" * 1000}))
    cluster = accounts.add(record("c", outputs={"endpoint": "https://Host/", "dns": {"endpoint": "dns.host"}}))
    assert accounts.get(HERE, "t", "vpc-1") == vpc
    assert accounts.get(replace(HERE, place="eu-west-1"), "t", "vpc-1") is None
    assert accounts.called("sg-default") == [vpc]
    assert accounts.mentioning("vpc-1") == [subnet]
    assert not accounts.mentioning("x" * 1000)
    for endpoint in ("https://host", "HOST", "https://host:443/", "dns.host"):
        assert accounts.at_endpoint(endpoint) == cluster
    accounts.remove(cluster)
    assert accounts.at_endpoint("host") is None
    accounts.change(replace(subnet, inputs={}))
    assert not accounts.mentioning("vpc-1")
    assert [made.key for made in accounts.records()] == [1, 2]


def test_found_by_type() -> None:
    accounts = Accounts()
    first, other = accounts.add(record("a")), accounts.add(record("b", type="u"))
    last = accounts.add(record("c"))
    assert accounts.of_types("t".__eq__) == [first, last]
    assert accounts.of_types(lambda _: True) == [first, other, last]
    accounts.change(changed := replace(first, type="u"))
    accounts.remove(last)
    assert accounts.of_types("t".__eq__) == []
    assert accounts.of_types("u".__eq__) == [changed, other]


def test_what_was_worked_out_holds_until_its_cloud_changes() -> None:
    accounts = Accounts()
    counted: list[int] = []

    def count() -> int:
        counted.append(len(accounts.records()))
        return counted[-1]

    assert [accounts.recall("n", "aws", count) for _ in range(2)] == [0, 0]
    first = accounts.add(record("a"))
    assert accounts.recall("n", "aws", count) == 1
    accounts.add(record("b", scope=Scope("kubernetes")))
    assert accounts.recall("n", "aws", count) == 1, "of another cloud"
    accounts.remove(first)
    assert [accounts.recall("n", "aws", count) for _ in range(2)] == [1, 1]
    assert counted == [0, 1, 1]


def test_the_journal_keeps_everything(tmp_path: Path) -> None:
    journal = tmp_path / "accounts.jsonl"
    accounts = Accounts(journal)
    first, second = accounts.add(record("a")), accounts.add(record("b"))
    accounts.change(replace(first, outputs={"n": 1}))
    accounts.remove(second)
    accounts.learn(["ami-1"])
    assert journal.stat().st_mode & 0o077 == 0, "it holds secrets"
    # Not closed: what a killed rehearsal has made is there for the next one.
    with journal.open("a") as file:
        file.write('{"add": {"half a li')
    again = Accounts(journal)
    assert [(found.id, found.outputs, found.scope) for found in again.records()] == [("a", {"n": 1}, HERE)]
    assert again.times_made("urn:a") == again.times_made("urn:b") == 1
    assert again.is_elsewhere("ami-1")
    assert again.add(record("c")).key > first.key
    again.close()
    accounts.close()
    assert len(journal.read_text().splitlines()) == 4


def test_a_journal_of_another_version(tmp_path: Path) -> None:
    journal = tmp_path / "accounts.jsonl"
    journal.write_text('{"add": {"id": "x"}}\n')
    with pytest.raises(UserError, match="written by another version"):
        Accounts(journal)


def test_a_key_is_never_used_twice_in_a_run() -> None:
    accounts = Accounts()
    keys = []
    for _ in range(3):
        made = accounts.add(record("a"))
        keys.append(made.key)
        accounts.remove(made)
    assert keys == [1, 2, 3]


def test_many_threads(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "accounts.jsonl")

    def work(number: int) -> None:
        for index in range(50):
            made = accounts.add(record(f"{number}-{index}"))
            if index % 2:
                accounts.remove(made)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    accounts.close()
    again = Accounts(tmp_path / "accounts.jsonl")
    assert len(again.records()) == 200
    again.close()
