"""What this machine has for a real account: credentials, tools, a backend. Only looks whether they are there: no cloud
is called, and no secret is read further than its name."""

from __future__ import annotations

import configparser
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from polysilicon.engine.checkup import Check, State, installed_version, shown, tool
from polysilicon.engine.project import Project

_AWS_KEYS = {
    "aws_access_key_id",
    "credential_process",
    "login_session",
    "role_arn",
    "sso_account_id",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
}
_GOOGLE_VARIABLES = (
    "GOOGLE_CREDENTIALS",
    "GOOGLE_CLOUD_KEYFILE_JSON",
    "GCLOUD_KEYFILE_JSON",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
)
_PASSPHRASES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
# The schemes of the state stores that Pulumi keeps itself; any other backend is a service that keeps secrets too.
_OWN_STORE = re.compile(r"(file|s3|gs|azblob|mem)://", re.IGNORECASE)


def account_checks(project: Project | None) -> list[Check]:
    """What `pulumi up` needs to build in a real account; a cloud is taken as wanted if its SDK is installed."""
    aws = installed_version("pulumi-aws") is not None
    gcp = installed_version("pulumi-gcp") is not None
    backend, where = backend_url(project)
    return [
        _backend(backend, where),
        _passphrase(backend, project),
        _aws_credentials(needed=aws),
        tool(
            "aws command",
            ("aws",),
            "access to EKS clusters asks it for tokens",
            "install it: https://aws.amazon.com/cli",
            needed=aws,
        ),
        _google_credentials(needed=gcp),
        tool(
            "gcloud command",
            ("gcloud",),
            "it logs in to Google Cloud",
            "install it: https://cloud.google.com/sdk/docs/install",
            needed=False,
        ),
        tool(
            "GKE auth plugin",
            ("gke-gcloud-auth-plugin",),
            "access to GKE clusters asks it for tokens",
            "gcloud components install gke-gcloud-auth-plugin",
            needed=gcp,
        ),
        tool(
            "kubectl",
            ("kubectl",),
            "handy to look into a cluster",
            "install it: https://kubernetes.io/docs/tasks/tools",
            needed=False,
        ),
    ]


def backend_url(project: Project | None) -> tuple[str, str]:
    """Where Pulumi keeps its state, and what says so: the environment, `Pulumi.yaml`, or the last login."""
    if url := os.environ.get("PULUMI_BACKEND_URL", ""):
        return url, "PULUMI_BACKEND_URL"
    if project is not None and project.backend:
        return project.backend, "Pulumi.yaml"
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    try:
        stored = json.loads((Path(os.environ.get("PULUMI_CREDENTIALS_PATH") or home) / "credentials.json").read_text())
    except (OSError, ValueError):
        return "", ""
    return str(stored.get("current") or "") if isinstance(stored, dict) else "", "pulumi login"


def _backend(url: str, where: str) -> Check:
    if url:
        return Check("Pulumi backend", "ok", f"{_without_secrets(url)} (from {where})")
    if "PULUMI_ACCESS_TOKEN" in os.environ:
        return Check("Pulumi backend", "ok", "Pulumi Cloud (PULUMI_ACCESS_TOKEN is set)")
    fix = "pulumi login s3://BUCKET, gs://BUCKET or file://DIR; or `pulumi login` for Pulumi Cloud"
    return Check("Pulumi backend", "missing", "not logged in", fix)


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.scheme else url


def _passphrase(backend: str, project: Project | None) -> Check:
    for name in _PASSPHRASES:
        if name in os.environ:
            return Check("passphrase", "ok", f"{name} is set")
    stacks = project.passphrase_stacks(by_default=bool(_OWN_STORE.match(backend))) if project else []
    fix = "export PULUMI_CONFIG_PASSPHRASE_FILE=FILE, or use a key: pulumi stack change-secrets-provider"
    if stacks:
        return Check("passphrase", "missing", f"the secrets of {', '.join(stacks)} are locked with one", fix)
    if project is None and _OWN_STORE.match(backend):
        return Check("passphrase", "optional", "a stack in this backend has one, unless it uses a cloud's key", fix)
    if not backend and "PULUMI_ACCESS_TOKEN" not in os.environ:
        return Check("passphrase", "optional", "needed or not, as the backend will be")
    return Check("passphrase", "ok", "not needed: secrets are kept by the backend or by a cloud's key")


def _aws_credentials(needed: bool) -> Check:
    found = next(_aws_sources(), None)
    if found:
        return Check("AWS credentials", "ok", found)
    fix = "aws configure sso, then export AWS_PROFILE=NAME; on CI let the runner assume a role"
    return Check("AWS credentials", "missing" if needed else "optional", _no_aws_credentials(), fix)


def _aws_sources() -> Iterator[str]:
    given = os.environ
    if "AWS_ACCESS_KEY_ID" in given and "AWS_SECRET_ACCESS_KEY" in given:
        yield "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set"
    profile = _aws_profile()
    if files := [shown(path) for path, section in _aws_sections(profile) if _AWS_KEYS & set(section)]:
        yield f"profile {profile} in {' and '.join(files)}"
    if "AWS_WEB_IDENTITY_TOKEN_FILE" in given and "AWS_ROLE_ARN" in given:
        yield "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are set"
    for name in ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        if name in given:
            yield f"{name} is set"


def _no_aws_credentials() -> str:
    if os.environ.get("AWS_PROFILE"):
        return f"AWS_PROFILE is {_aws_profile()}, and no such profile has credentials in ~/.aws"
    return "no variable and no default profile has them (an instance's own role is not looked for)"


def _aws_profile() -> str:
    return os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or "default"


def _aws_sections(profile: str) -> Iterator[tuple[Path, configparser.SectionProxy]]:
    """Where this profile is written, in both of AWS's files."""
    files = (
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", profile),
        ("AWS_CONFIG_FILE", "config", profile if profile == "default" else f"profile {profile}"),
    )
    for variable, name, section in files:
        path = Path(os.environ.get(variable) or Path.home() / ".aws" / name).expanduser()
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read(path)
        except (configparser.Error, UnicodeDecodeError):
            continue
        if parser.has_section(section):
            yield path, parser[section]


def _google_credentials(needed: bool) -> Check:
    state: State = "missing" if needed else "optional"
    for name in _GOOGLE_VARIABLES:
        if name in os.environ:
            return Check("Google credentials", "ok", f"{name} is set")
    if named := os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        if Path(named).is_file():
            return Check("Google credentials", "ok", f"{shown(Path(named))} (GOOGLE_APPLICATION_CREDENTIALS)")
        found = f"GOOGLE_APPLICATION_CREDENTIALS names {named}, which is not there"
        return Check("Google credentials", state, found, "name the right file, or unset it")
    folder = Path(os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config" / "gcloud")
    path = folder / "application_default_credentials.json"
    if path.is_file():
        return Check("Google credentials", "ok", shown(path))
    return Check(
        "Google credentials", state, "no application default credentials", "gcloud auth application-default login"
    )
