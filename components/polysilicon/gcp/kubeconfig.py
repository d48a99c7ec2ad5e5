"""How `kubectl` and Pulumi reach a GKE cluster."""

from __future__ import annotations

import json


def gke_kubeconfig(name: str, endpoint: str, certificate_authority: str) -> str:
    """A kubeconfig that asks gke-gcloud-auth-plugin for a token each time; it holds no secret and never goes stale."""
    exec_plugin = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "gke-gcloud-auth-plugin",
        # The same credentials as the provider's: by default the plugin asks for gcloud's own login.
        "args": ["--use_application_default_credentials"],
        "installHint": "Install gke-gcloud-auth-plugin: gcloud components install gke-gcloud-auth-plugin",
        "provideClusterInfo": True,
        "interactiveMode": "Never",
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": f"https://{endpoint}",
                    "certificate-authority-data": certificate_authority,
                },
            }
        ],
        "users": [{"name": name, "user": {"exec": exec_plugin}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return json.dumps(config)
