"""The official release: fetched from a server on loopback, checked, unpacked, or refused with the reason."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import socket
import tarfile
import threading

import pytest

from polysilicon.engine import download, ensure_engine
from polysilicon.errors import UserError

ENGINE = b"#!/bin/sh\necho v3.250.0\n"
FILES = {
    "pulumi/pulumi": ENGINE,
    "pulumi/pulumi-language-python": b"host",
    "pulumi/pulumi-language-python-exec": b"exec",
    "pulumi/pulumi-resource-pulumi-python": b"dynamic",
}


class Site:
    """A place that has releases."""

    def __init__(self, folder, url):
        self.folder = folder
        self.url = url
        self.archive = folder / download.archive_name()

    def release(self, files=FILES, checksum=None, members=()):
        with tarfile.open(self.archive, "w:gz") as tar:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
            for entry in members:
                tar.addfile(entry)
        checksum = checksum or hashlib.sha256(self.archive.read_bytes()).hexdigest()
        self.checksums(f"{'0' * 64}  pulumi-v3.250.0-plan9-x64.tar.gz\n{checksum}  {self.archive.name}\n")

    def checksums(self, text):
        (self.folder / "pulumi-3.250.0-checksums.txt").write_text(text)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def site(machine, monkeypatch, tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: Quiet(*given, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("POLYSILICON_ENGINE_RELEASES", f"{url}/")
    monkeypatch.setenv("POLYSILICON_ENGINE", "download")
    yield Site(folder, url)
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_release_is_fetched_checked_and_found_again(site, machine):
    site.release()
    said = []
    engine = ensure_engine(lambda text, fraction=None: said.append((text, fraction)))
    assert (engine.origin, engine.version) == ("download", "3.250.0")
    assert sorted(path.name for path in engine.pulumi.parent.iterdir()) == sorted(
        name.removeprefix("pulumi/") for name in FILES
    )
    assert os.access(engine.pulumi, os.X_OK)
    assert machine.leftovers() == ["pulumi-v3.250.0-release"]
    assert ("downloading pulumi 3.250.0 from " + site.url.removeprefix("http://"), 1.0) in said
    site.archive.unlink()
    assert ensure_engine() == engine


def test_a_release_with_another_checksum_is_thrown_away(site, machine):
    site.release(checksum="f" * 64)
    with pytest.raises(UserError, match=f"was thrown away: its SHA-256 is [0-9a-f]+, published is {'f' * 64}"):
        ensure_engine()
    assert machine.leftovers() == []


def test_a_release_that_is_not_among_the_checksums_is_not_fetched(site, machine):
    site.release()
    site.checksums("")
    with pytest.raises(UserError, match=f"its checksums do not name {site.archive.name}"):
        ensure_engine()


def test_a_site_without_the_release_is_told(site):
    with pytest.raises(UserError, match=r"download: 127\.0\.0\.1:\d+: 404 File not found"):
        ensure_engine()


def test_a_download_that_breaks_off_leaves_nothing(site, machine, monkeypatch):
    site.release()

    def half(self):
        self.send_response(200)
        content = (site.folder / self.path.strip("/")).read_bytes()
        self.send_header("Content-Length", str(len(content) if self.path.endswith(".txt") else 2 * len(content)))
        self.end_headers()
        self.wfile.write(content)

    monkeypatch.setattr(Quiet, "do_GET", half)
    with pytest.raises(UserError, match=r"it broke off after|IncompleteRead"):
        ensure_engine()
    assert machine.leftovers() == []


def test_an_engine_that_does_not_run_here_is_not_kept(site, machine):
    site.release({**FILES, "pulumi/pulumi": b"#!/bin/sh\nexit 7\n"})
    with pytest.raises(UserError, match="the new pulumi does not run here"):
        ensure_engine()
    assert machine.leftovers() == []


def test_a_release_that_is_of_another_version_is_not_kept(site, machine):
    site.release({**FILES, "pulumi/pulumi": b"#!/bin/sh\necho v3.1.0\n"})
    with pytest.raises(UserError, match=r"calls itself 3\.1\.0, not 3\.250\.0"):
        ensure_engine()


def test_what_an_archive_has_no_business_to_hold_is_not_unpacked(site, machine, tmp_path):
    link = tarfile.TarInfo("pulumi/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    site.release({**FILES, "pulumi/../../evil": b"", "evil": b"", "pulumi/deep/evil": b""}, members=[link])
    folder = ensure_engine().pulumi.parent
    assert sorted(path.name for path in folder.iterdir()) == sorted(name.removeprefix("pulumi/") for name in FILES)
    assert not [path for path in tmp_path.rglob("evil*") if path.parent != site.folder]


def test_a_file_that_is_no_archive_is_told(site, machine):
    site.release()
    site.archive.write_bytes(b"<html>")
    site.checksums(f"{hashlib.sha256(b'<html>').hexdigest()}  {site.archive.name}")
    with pytest.raises(UserError, match="cannot be unpacked"):
        ensure_engine()


def test_a_site_that_is_not_there_is_given_up_at_once(machine, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("POLYSILICON_ENGINE_RELEASES", f"http://127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(UserError) as told:
        ensure_engine()
    assert "download: 127.0.0.1:" in str(told.value)
    assert "Connection refused" in str(told.value)


def test_a_site_that_says_nothing_is_given_up_in_time(machine, monkeypatch):
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.1)
    monkeypatch.setenv("POLYSILICON_ENGINE", "download")
    with socket.create_server(("127.0.0.1", 0)) as silent_site:
        monkeypatch.setenv("POLYSILICON_ENGINE_RELEASES", f"http://127.0.0.1:{silent_site.getsockname()[1]}")
        with pytest.raises(UserError, match="no answer within seconds"):
            ensure_engine()


def test_a_name_server_that_says_nothing_is_given_up_in_time():
    never = threading.Event()
    with pytest.raises(TimeoutError):
        download._within(0.05, never.wait)
    never.set()


@pytest.mark.parametrize(
    ("system", "machine_name", "archive"),
    [
        ("linux", "x86_64", "pulumi-v3.250.0-linux-x64.tar.gz"),
        ("linux", "aarch64", "pulumi-v3.250.0-linux-arm64.tar.gz"),
        ("darwin", "arm64", "pulumi-v3.250.0-darwin-arm64.tar.gz"),
    ],
)
def test_each_system_has_its_archive(monkeypatch, system, machine_name, archive):
    monkeypatch.setattr(download.sys, "platform", system)
    monkeypatch.setattr(download.platform, "machine", lambda: machine_name)
    assert download.archive_name() == archive


def test_a_system_without_a_release_is_told(site, monkeypatch):
    monkeypatch.setattr(download.platform, "machine", lambda: "riscv64")
    with pytest.raises(UserError, match=r"there is no release that can be unpacked here \(linux, riscv64\)"):
        ensure_engine()
