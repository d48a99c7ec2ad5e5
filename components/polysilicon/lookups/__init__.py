"""Looks into real accounts, read-only, with the credentials of the environment: what exists with a given identity.

Only here are the clouds' own clients used, and only when something is looked for.
"""

from polysilicon.lookups.account import AccountFinder

__all__ = ["AccountFinder"]
