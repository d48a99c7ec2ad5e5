"""The same pools and model servers as a plain program would register them: literals and the SDKs, nothing of ours."""

import base64
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import measured
import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

measured.at_exit()
ZONES = ["use1-az4", "use1-az6"]
TAGS = {"CostCenter": "ml", "Workload": "chat", "Environment": "bench", "ManagedBy": "pulumi"}
TOLERATION = {"key": "aws.amazon.com/neuron", "operator": "Equal", "value": "present", "effect": "NoSchedule"}
LOCKED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
PLUGIN_IMAGE = "public.ecr.aws/neuron/neuron-device-plugin:2.32.0.0"
SERVER_IMAGE = (
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-vllm-inference-neuronx:"
    "0.11.0-optimum0.4.5-neuronx-py310-sdk2.26.1-ubuntu22.04"
)
USER_DATA = """MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="POLYSILICON"

--POLYSILICON
Content-Type: application/node.eks.aws

---
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  featureGates:
    FastImagePull: true

--POLYSILICON--
"""
RULES = [
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["update", "patch", "get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["patch", "update"]},
]
DRAIN = (Path(os.environ["BENCHMARK_DRAIN"])).read_text()
provider = k8s.Provider("main", kubeconfig="{}", cluster_identifier="main")


def under(parent: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(parent=parent, provider=provider)


def pool(name: str) -> None:
    capacity = [{"kind": "on_demand", "min": 1, "max": 1}]
    spec = {"cluster": "main", "machine": "inf2.8xlarge", "capacity": capacity, "zones": [], "kind": "neuron"}
    spec |= {"efa": False, "placement_group": False, "local_disks": "raid0"}
    plan = {"amiRelease": "1.35.6-20260625", "zones": ZONES, "driver": "2.28.0.0"}
    props = {"spec": {**spec, "root_disk_gib": 500}, "plan": plan}
    component = pulumi.ComponentResource("polysilicon:index:NeuronPool", name, props)
    group_name = f"{name}-on-demand"
    named = {**TAGS, "Name": group_name}
    whose = {"project": pulumi.get_project(), "stack": pulumi.get_stack(), "resource": group_name}
    identified = {**named, **{f"polysilicon:{key}": value for key, value in whose.items()}}
    ebs = {
        "volume_type": "gp3",
        "volume_size": 500,
        "throughput": 600,
        "encrypted": "true",
        "delete_on_termination": "true",
    }
    template = aws.ec2.LaunchTemplate(
        group_name,
        update_default_version=True,
        block_device_mappings=[{"device_name": "/dev/xvda", "ebs": ebs}],
        metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
        user_data=base64.b64encode(USER_DATA.encode()).decode(),
        tag_specifications=[
            {"resource_type": kind, "tags": named} for kind in ("instance", "volume", "network-interface")
        ],
        tags=identified,
        opts=pulumi.ResourceOptions(parent=component),
    )
    aws.eks.NodeGroup(
        group_name,
        cluster_name="main",
        node_role_arn="arn:aws:iam::123456789012:role/nodes",
        subnet_ids=measured.SUBNETS,
        ami_type="AL2023_x86_64_NEURON",
        release_version="1.35.6-20260625",
        capacity_type="ON_DEMAND",
        instance_types=["inf2.8xlarge"],
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        scaling_config={"min_size": 1, "max_size": 1, "desired_size": 1},
        update_config={"max_unavailable": 1, "update_strategy": "MINIMAL"},
        labels={"polysilicon.dev/landing": name},
        taints=[{"key": "aws.amazon.com/neuron", "value": "present", "effect": "NO_SCHEDULE"}],
        tags=identified,
        opts=pulumi.ResourceOptions(parent=component),
    )
    device_plugin(name, component)
    monitor(name, component)
    component.register_outputs({"nodeGroups": []})


def monitor(name: str, parent: pulumi.Resource) -> None:
    component = pulumi.ComponentResource(
        "polysilicon:index:NeuronMonitor", name, {"landing": name}, pulumi.ResourceOptions(parent=parent)
    )
    object_name = f"neuron-monitor-{name}"
    labels = {"app.kubernetes.io/name": "neuron-monitor", "app.kubernetes.io/instance": object_name}
    container = {
        "name": "neuron-monitor",
        "image": "public.ecr.aws/neuron/neuron-monitor:1.3.0",
        "command": ["/opt/bin/entrypoint.sh"],
        "args": ["--port", "8000", "--neuron-monitor-config", "/opt/aws/neuron/bin/neuron-monitor.conf"],
        "env": [{"name": "GOMEMLIMIT", "value": "160MiB"}],
        "ports": [{"name": "metrics", "containerPort": 8000, "protocol": "TCP"}],
        "securityContext": {"privileged": True},
        "volumeMounts": [],
        "resources": {"requests": {"cpu": "256m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
    }
    pod = {
        "automountServiceAccountToken": False,
        "priorityClassName": "system-node-critical",
        "nodeSelector": {"polysilicon.dev/landing": name},
        "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}, TOLERATION],
        "containers": [container],
        "volumes": [],
    }
    spec = {
        "selector": {"matchLabels": labels},
        "updateStrategy": {"type": "RollingUpdate"},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    placed = {"name": object_name, "labels": labels, "namespace": "kube-system"}
    k8s.apps.v1.DaemonSet(f"{name}-monitor", metadata=placed, spec=spec, opts=under(component))
    port = {"name": "metrics", "port": 8000, "targetPort": "metrics", "protocol": "TCP"}
    service = {"clusterIP": "None", "selector": labels, "ports": [port]}
    k8s.core.v1.Service(f"{name}-monitor", metadata=placed, spec=service, opts=under(component))
    component.register_outputs({"daemonSet": object_name, "service": object_name, "port": 8000})


def device_plugin(name: str, parent: pulumi.Resource) -> None:
    component = pulumi.ComponentResource(
        "polysilicon:index:NeuronDevicePlugin", name, {"landing": name}, pulumi.ResourceOptions(parent=parent)
    )
    object_name = f"neuron-device-plugin-{name}"
    labels = {"app.kubernetes.io/name": "neuron-device-plugin", "app.kubernetes.io/instance": object_name}
    named = {"name": object_name, "labels": labels}
    placed = {**named, "namespace": "kube-system"}
    account = k8s.core.v1.ServiceAccount(name, metadata=placed, opts=under(component))
    role = k8s.rbac.v1.ClusterRole(name, metadata=named, rules=RULES, opts=under(component))
    binding = k8s.rbac.v1.ClusterRoleBinding(
        name,
        metadata=named,
        role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role.metadata.name},
        subjects=[{"kind": "ServiceAccount", "name": account.metadata.name, "namespace": "kube-system"}],
        opts=under(component),
    )
    container = {
        "name": "neuron-device-plugin",
        "image": PLUGIN_IMAGE,
        "env": [
            {"name": "KUBECONFIG", "value": "/etc/kubernetes/kubelet.conf"},
            {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ],
        "securityContext": LOCKED,
        "volumeMounts": [
            {"name": "device-plugins", "mountPath": "/var/lib/kubelet/device-plugins"},
            {"name": "device-map", "mountPath": "/run"},
            {"name": "aws-config", "mountPath": "/opt/aws", "readOnly": True},
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
    }
    pod = {
        "serviceAccountName": object_name,
        "priorityClassName": "system-node-critical",
        "nodeSelector": {"polysilicon.dev/landing": name},
        "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}, TOLERATION],
        "containers": [container],
        "volumes": [
            {"name": "device-plugins", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}},
            {"name": "device-map", "hostPath": {"path": "/run"}},
            {"name": "aws-config", "hostPath": {"path": "/opt/aws"}},
        ],
    }
    spec = {
        "selector": {"matchLabels": labels},
        "updateStrategy": {"type": "RollingUpdate"},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    k8s.apps.v1.DaemonSet(name, metadata=placed, spec=spec, opts=under(component))
    component.register_outputs({"daemonSet": object_name, "binding": binding.metadata.name})


def model(name: str, landing: str) -> None:
    component = pulumi.ComponentResource("polysilicon:index:ModelServer", name, model_props(landing))
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/component": "model-server"}
    namespace = k8s.core.v1.Namespace(
        name,
        metadata={"name": name, "labels": {"pod-security.kubernetes.io/enforce": "baseline"}},
        opts=under(component),
    )
    placed = {"name": name, "namespace": namespace.metadata.name, "labels": labels}
    chosen = {"matchLabels": labels}
    waits = {"polysilicon.dev/cold-start-seconds": "2309", "polysilicon.dev/container-start-seconds": "1926"}
    k8s.core.v1.ServiceAccount(name, metadata=placed, automount_service_account_token=False, opts=under(component))
    policy = {
        "podSelector": chosen,
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 8080, "protocol": "TCP"}]}],
    }
    rules = k8s.networking.v1.NetworkPolicy(name, metadata=placed, spec=policy, opts=under(component))
    disruption = {"maxUnavailable": 1, "selector": chosen}
    k8s.policy.v1.PodDisruptionBudget(name, metadata=placed, spec=disruption, opts=under(component))
    k8s.apps.v1.Deployment(
        name,
        metadata=placed,
        spec={
            "replicas": 1,
            "progressDeadlineSeconds": 4778,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "selector": chosen,
            "template": {"metadata": {"labels": labels, "annotations": waits}, "spec": pod_spec(name, landing)},
        },
        opts=pulumi.ResourceOptions(
            parent=component,
            provider=provider,
            depends_on=[rules],
            custom_timeouts=pulumi.CustomTimeouts(create="4778s", update="4778s", delete="460s"),
        ),
    )
    port = {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}
    service = {"type": "ClusterIP", "selector": labels, "ports": [port]}
    unawaited = {**placed, "annotations": {"pulumi.com/skipAwait": "true"}}
    k8s.core.v1.Service(name, metadata=unawaited, spec=service, opts=under(component))
    component.register_outputs({"endpoint": f"http://{name}.{name}.svc.cluster.local/v1"})


def model_props(landing: str) -> dict[str, object]:
    spec = {
        "model": "Qwen/Qwen3-0.6B",
        "pool": landing,
        "engine": "vllm",
        "replicas": 1,
        "max_model_len": 4096,
        "max_concurrency": 8,
        "compile_cache": False,
        "drain_seconds": 120,
        "extra_args": [],
    }
    plan = {
        "landing": landing,
        "silicon": "inferentia2",
        "line": "huggingface-0.4.5",
        "coldStartSeconds": 2309,
        "assumed": ["node", "image", "weights", "compile", "warm-up"],
    }
    return {"spec": spec, "plan": plan}


def pod_spec(name: str, landing: str) -> dict[str, object]:
    health = {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 10}
    container = {
        "name": "server",
        "image": SERVER_IMAGE,
        "command": ["optimum-cli", "neuron", "serve", "--allow-non-cached-model"],
        "args": [
            *("--model", "Qwen/Qwen3-0.6B", "--served-model-name", "Qwen/Qwen3-0.6B", "--port", "8080"),
            *("--tensor-parallel-size", "2", "--batch-size", "8", "--sequence-length", "4096"),
        ],
        "env": [
            {"name": "HF_HUB_CACHE", "value": "/cache/hub"},
            {"name": "NEURON_COMPILE_CACHE_URL", "value": "/cache/neuron"},
        ],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "resources": {
            "requests": {"cpu": "25480m", "memory": "92Gi", "aws.amazon.com/neuron": "1"},
            "limits": {"memory": "92Gi", "aws.amazon.com/neuron": "1"},
        },
        "securityContext": LOCKED,
        "volumeMounts": [{"name": "cache", "mountPath": "/cache"}, {"name": "shm", "mountPath": "/dev/shm"}],
        "lifecycle": {
            "preStop": {"exec": {"command": ["python3", "-c", DRAIN, "http://127.0.0.1:8080/metrics", "10", "120"]}}
        },
        "startupProbe": {**health, "failureThreshold": 386},
        "readinessProbe": {**health, "failureThreshold": 2, "timeoutSeconds": 5},
        "livenessProbe": {**health, "failureThreshold": 6, "timeoutSeconds": 10},
    }
    shm = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}
    return {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 160,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "nodeSelector": {"polysilicon.dev/landing": landing},
        "tolerations": [TOLERATION],
        "containers": [container],
        "volumes": [{"name": "cache", "emptyDir": {}}, shm],
    }


for number in range(int(os.environ["BENCHMARK_PAIRS"])):
    pool(f"pool-{number}")
    model(f"model-{number}", f"pool-{number}")
