"""Pulumi components for AI inference clusters on any silicon.

Importing this package loads no cloud SDK: take what you need from `polysilicon.specs`, `polysilicon.aws`,
`polysilicon.gcp` and `polysilicon.kubernetes`.
"""

__version__ = "0.1.0"
