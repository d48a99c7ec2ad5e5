"""A chip that no catalog has, as a stack's overlay describes it."""

from __future__ import annotations

from typing import Any

NEW_CHIP: dict[str, Any] = {
    "silicon": {
        "inferentia9": {
            "source": "vendor page",
            "as_of": "2026-11",
            "family": "neuron",
            "vendor": "AWS",
            "memory_gib": 64,
            "memory_bandwidth_gbs": 3000,
            "dense_bf16_tflops": 900,
            "cores": 4,
            "resource": "aws.amazon.com/neuron",
            "taint": {"key": "aws.amazon.com/neuron", "value": "present"},
            "shm_gib": 4,
        }
    },
    "machines": {
        "inf9.4xlarge": {
            "source": "vendor page",
            "as_of": "2026-11",
            "cloud": "aws",
            "silicon": "inferentia9",
            "accelerators": 2,
            "vcpus": 16,
            "memory_gib": 64,
        }
    },
    "runtimes": [
        {
            "source": "vendor page",
            "as_of": "2026-11",
            "engine": "vllm",
            "silicon": ["inferentia9"],
            "line": "vendor-1",
            "rank": 1,
            "version": "1.0",
            "image": "registry.example/vllm-inf9:1.0",
            "command": ["vllm", "serve"],
            "arguments": {"model": "", "port": "--port", "tensor_parallel": "--tensor-parallel-size"},
            "port": 8000,
            "health_path": "/health",
            "cache_path": "/cache",
        }
    ],
}
