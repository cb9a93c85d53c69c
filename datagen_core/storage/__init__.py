"""Decides how a run's folder may be a URL: work is done in a mirror on this machine."""

from datagen_core.storage.artifacts import is_intact, localize, relocate
from datagen_core.storage.fetching import fetch, pull_file
from datagen_core.storage.leasing import Lease, lease_folder
from datagen_core.storage.locations import check_location, is_remote, join_location, location_of, mirror_path
from datagen_core.storage.publishing import publishing, push_file

__all__ = [
    "Lease",
    "check_location",
    "fetch",
    "is_intact",
    "is_remote",
    "join_location",
    "lease_folder",
    "localize",
    "location_of",
    "mirror_path",
    "publishing",
    "pull_file",
    "push_file",
    "relocate",
]
