"""What `polysilicon doctor` tells, and what it never tells."""

from __future__ import annotations

import json
import sys

import click.testing
import pytest

from polysilicon.cli.doctor import command
from polysilicon.engine import accounts, checkup
from polysilicon.errors import UserError

# fmt: off
VARIABLES = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
    "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "GOOGLE_CREDENTIALS",
    "GOOGLE_CLOUD_KEYFILE_JSON", "GCLOUD_KEYFILE_JSON", "GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_CONFIG",
    "GOOGLE_APPLICATION_CREDENTIALS", "PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN", "PULUMI_HOME",
    "PULUMI_CREDENTIALS_PATH", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE",
)
# fmt: on


@pytest.fixture
def home(machine, monkeypatch, tmp_path):
    """A person without any account, whose Python has the SDKs of all clouds."""
    folder = tmp_path / "home"
    (folder / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder / "work")
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for module in (accounts, checkup):
        monkeypatch.setattr(module, "installed_version", lambda name: "9.9.9")
    return folder


class Told:
    def __init__(self, result):
        self.exit_code = result.exit_code
        self.text = result.output

    def row(self, what):
        """The state of a row, and all that is said about it, on one line."""
        lines = self.text.splitlines()
        start = next(n for n, line in enumerate(lines) if line[9:].startswith(f"{what} "))
        end = next(n for n in range(start + 1, len(lines)) if not lines[n].startswith(" " * 28))
        return lines[start].split()[0], " ".join(line[28:].strip() for line in lines[start:end])


@pytest.fixture
def doctor():
    def call(*arguments):
        return Told(click.testing.CliRunner().invoke(command, arguments, env={"COLUMNS": "80"}, catch_exceptions=False))

    return call


def test_a_machine_with_an_engine_can_rehearse(home, machine, doctor):
    machine.pulumi(machine.bin, "v3.260.0")
    told = doctor()
    assert told.exit_code == 0
    assert told.row("engine")[0] == "ok"
    assert "pulumi 3.260.0, found on PATH" in told.row("engine")[1]
    assert told.row("language host") == ("ok", "Pulumi's own, beside the engine")
    assert told.row("Go") == ("optional", "not found, and not needed: there is an engine")
    assert told.row("pulumi-aws") == ("ok", "9.9.9")
    assert told.text.endswith("Rehearsals can run.\n")


def test_an_engine_that_polysilicon_built_is_told_apart(home, machine, doctor):
    machine.cached()
    told = doctor()
    assert "pulumi 3.250.0, built from Go modules" in told.row("engine")[1]
    assert told.row("language host") == ("ok", "Polysilicon's own, beside the engine")


def test_a_machine_without_an_engine_and_without_go_cannot_rehearse(home, doctor):
    told = doctor()
    assert told.exit_code == 1
    state, said = told.row("engine")
    assert state == "missing"
    assert "fix: polysilicon doctor --install, or install Pulumi" in said
    assert "fix: install Go 1." in told.row("Go")[1]
    assert told.text.endswith("Rehearsals cannot run: engine missing.\n")


def test_a_machine_with_go_gets_its_engine_by_itself(home, machine, doctor):
    machine.script(machine.bin / "go", "echo go1.30.0")
    told = doctor()
    assert told.exit_code == 0
    assert told.row("engine")[0] == "optional"


def test_install_that_fails_tells_why(home, machine, doctor, monkeypatch):
    monkeypatch.setenv("POLYSILICON_ENGINE", "build")
    with pytest.raises(UserError, match="build with Go: there is no `go` on PATH"):
        doctor("--install")


def test_a_cloud_whose_sdk_is_not_installed_is_optional(home, doctor, monkeypatch):
    for module in (accounts, checkup):
        monkeypatch.setattr(module, "installed_version", lambda name: None if "aws" in name else "9.9.9")
    told = doctor()
    assert told.row("pulumi-aws") == (
        "optional",
        "not installed; aws components need it fix: pip install 'polysilicon[aws]'",
    )
    assert told.row("AWS credentials")[0] == "optional"
    assert told.row("aws command")[0] == "optional"
    assert told.row("Google credentials")[0] == "missing"


def test_nothing_is_there_and_each_missing_thing_has_its_fix(home, doctor):
    told = doctor()
    for what in ("Pulumi backend", "AWS credentials", "Google credentials", "aws command", "GKE auth plugin"):
        state, said = told.row(what)
        assert state == "missing"
        assert "fix: " in said


def test_keys_in_the_environment_are_found_and_never_shown(home, doctor, monkeypatch):
    secrets = {
        "AWS_ACCESS_KEY_ID": "AKIASECRET",
        "AWS_SECRET_ACCESS_KEY": "sesame",
        "GOOGLE_CREDENTIALS": '{"private_key": "sesame"}',
        "PULUMI_CONFIG_PASSPHRASE": "sesame",
        "PULUMI_BACKEND_URL": "s3://user:sesame@bucket/path?key=sesame",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    told = doctor()
    assert told.row("AWS credentials") == ("ok", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set")
    assert told.row("Google credentials") == ("ok", "GOOGLE_CREDENTIALS is set")
    assert told.row("passphrase") == ("ok", "PULUMI_CONFIG_PASSPHRASE is set")
    assert told.row("Pulumi backend") == ("ok", "s3://bucket/path (from PULUMI_BACKEND_URL)")
    assert "sesame" not in told.text
    assert "AKIASECRET" not in told.text


@pytest.mark.parametrize(
    ("file", "content", "profile", "state"),
    [
        ("credentials", "[default]\naws_access_key_id = AKIASECRET\n", None, "ok"),
        ("config", "[profile work]\nsso_session = corp\n", "work", "ok"),
        ("config", "[profile work]\nsso_session = corp\n", None, "missing"),
        ("config", "[default]\nregion = eu-west-1\n", None, "missing"),
        ("config", "not an ini file", None, "missing"),
        ("credentials", "[other]\naws_access_key_id = AKIASECRET\n", "work", "missing"),
    ],
)
def test_a_profile_counts_if_it_can_give_credentials(home, doctor, monkeypatch, file, content, profile, state):
    (home / ".aws").mkdir()
    (home / ".aws" / file).write_text(content)
    if profile:
        monkeypatch.setenv("AWS_PROFILE", profile)
    told = doctor()
    assert told.row("AWS credentials")[0] == state
    assert "AKIASECRET" not in told.text
    if state == "ok":
        assert told.row("AWS credentials")[1] == f"profile {profile or 'default'} in ~/.aws/{file}"


def test_googles_default_credentials_are_found(home, doctor):
    path = home / ".config" / "gcloud" / "application_default_credentials.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    assert doctor().row("Google credentials")[0] == "ok"


def test_a_credentials_file_that_is_not_there_is_told(home, doctor, monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/gone.json")
    state, said = doctor().row("Google credentials")
    assert state == "missing"
    assert "names /gone.json, which is not there" in said


def test_the_last_login_is_the_backend(home, doctor):
    (home / ".pulumi").mkdir()
    stored = {"current": "https://api.pulumi.com", "accessTokens": {"https://api.pulumi.com": "pul-sesame"}}
    (home / ".pulumi" / "credentials.json").write_text(json.dumps(stored))
    told = doctor()
    assert told.row("Pulumi backend") == ("ok", "https://api.pulumi.com (from pulumi login)")
    assert told.row("passphrase")[1] == "not needed: secrets are kept by the backend or by a cloud's key"
    assert "sesame" not in told.text


def write_project(folder, stack, **more):
    text = "name: shop\nruntime:\n  name: python\nmain: stacks\nstackConfigDir: stacks\n"
    (folder / "stacks").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(text + "".join(f"{name}: {value}\n" for name, value in more.items()))
    (folder / "stacks" / "Pulumi.dev.yaml").write_text(stack)
    return folder


@pytest.mark.parametrize(
    ("stack", "backend", "state"),
    [
        ("encryptionsalt: v1:x\n", "https://api.pulumi.com", "missing"),
        ("config: {}\n", "s3://bucket", "missing"),
        ("config: {}\n", "https://api.pulumi.com", "ok"),
        ("secretsprovider: awskms://alias/key\n", "s3://bucket", "ok"),
        ("secretsprovider: passphrase\n", "https://api.pulumi.com", "missing"),
    ],
)
def test_a_stack_says_whether_it_needs_a_passphrase(home, doctor, stack, backend, state):
    folder = write_project(home / "shop", stack, backend=json.dumps({"url": backend}))
    told = doctor("--stack", str(folder / "stacks"))
    assert told.row("Pulumi backend") == ("ok", f"{backend} (from Pulumi.yaml)")
    assert told.row("passphrase")[0] == state
    if state == "missing":
        assert "the secrets of dev are locked with one" in told.row("passphrase")[1]


def test_a_projects_environment_must_be_there(home, machine, doctor, monkeypatch):
    machine.pulumi(machine.bin)
    folder = write_project(home / "shop", "")
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime:\n  name: python\n  options:\n    virtualenv: venv\n")
    monkeypatch.chdir(folder)
    told = doctor()
    assert told.exit_code == 1
    assert told.row("project")[0] == "missing"
    assert "fix: pulumi install" in told.row("project")[1]
    (folder / "venv" / "bin").mkdir(parents=True)
    (folder / "venv" / "bin" / "python").symlink_to(sys.executable)
    assert doctor().row("project")[0] == "ok"


def test_a_project_that_cannot_be_read_is_told(home, doctor, tmp_path):
    (tmp_path / "Pulumi.yaml").write_text("a: [")
    with pytest.raises(UserError, match="cannot be read"):
        doctor("-C", str(tmp_path))


def test_it_fits_a_narrow_terminal(home, machine, doctor):
    machine.pulumi(machine.bin)
    assert max(len(line.rstrip()) for line in doctor().text.splitlines()) <= 80
