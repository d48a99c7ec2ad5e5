"""Where weights lie."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from polysilicon.specs.base import Spec

BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][-a-z0-9]{1,61}[a-z0-9]$")]
"""A bucket's name without dots, which break TLS by host name: 3 to 63 lower-case letters, digits and dashes."""


class NewBucket(Spec):
    """A bucket of the component's own: encrypted, versioned, private, reached over TLS only."""

    kind: Literal["new"]
    region: str
    """Region of the bucket: the cluster's, since reading from another costs time and money."""
    keep_old_days: int = Field(default=30, ge=1, le=3650)
    """Days for which a replaced or removed object can be brought back."""
    force_destroy: bool = False
    """Whether destroy also removes the objects. By default it stops at a bucket that is not empty."""


class ExistingBucket(Spec):
    """A bucket that somebody else looks after; nothing of it is changed."""

    kind: Literal["existing"]
    bucket: BucketName
    region: str
    """Region of the bucket."""


WeightStoreSpec = Annotated[NewBucket | ExistingBucket, Field(discriminator="kind")]
"""A store of weights: a new bucket, or one that is there."""
