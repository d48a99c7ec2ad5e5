"""Where weights lie."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from polysilicon.specs.base import Spec
from polysilicon.specs.network import kind

BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][-a-z0-9]{1,61}[a-z0-9]$")]
"""A bucket's name without dots, which break TLS by host name: 3 to 63 lower-case letters, digits and dashes."""

KeyArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:kms:[-a-z0-9]+:\d{12}:key/[-0-9a-z]+$")]
"""A KMS key, by its ARN. Aliases are refused by IAM policies."""


class NewBucket(Spec):
    """A bucket of the component's own, in the cluster's region: encrypted, versioned, private, over TLS only."""

    kind: Literal["new"] = "new"
    key_arn: KeyArn | None = None
    """KMS key that encrypts its objects, in the cluster's region. By default S3's own keys do."""
    keep_old_days: int = Field(default=30, ge=1, le=3650)
    """Days for which a replaced or removed object can be brought back."""
    force_destroy: bool = False
    """Whether destroy also removes the objects. By default it stops at a bucket that is not empty."""


class ExistingBucket(Spec):
    """A bucket that somebody else looks after; nothing of it is changed."""

    kind: Literal["existing"]
    bucket: BucketName
    region: str
    """Region of the bucket: the cluster's, since reading from another costs time and money."""
    key_arn: KeyArn | None = None
    """KMS key that encrypts its objects, for the rights to read them. By default S3's own keys do, which need none."""


WeightStoreSpec = Annotated[
    Annotated[NewBucket, Tag("new")] | Annotated[ExistingBucket, Tag("existing")], Discriminator(kind)
]
"""A store of weights: a new bucket, or one that is there."""


class StoredWeights(Spec):
    """Weights in the store of the cluster that serves them: the files of the model, as its hub has them."""

    prefix: str | None = None
    """What the names of the files begin with, such as Qwen/Qwen3-0.6B. By default the model's name."""
