"""Whole profiles, each kept once under the digest of its content: what a record's slice of settings was cut from.

A record's `config` says what determined one artefact; to make it again takes the profile it was made with.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from g3lib.store.artifacts import Home
from g3lib.store.files import replacing

Plain = dict[str, Any]

_WEB = re.compile(r"^(https?://)(?:[^/?#@]*@)?([^?#]*).*$", re.DOTALL | re.IGNORECASE)


class NoSnapshot(RuntimeError):
    """A profile that a record names is not there, or is not what its name says."""


def snapshot_path(home: Home, version: str) -> Path:
    """Where the profile of that digest is kept."""
    return home.profiles / f"{version}.json"


def keep_profile(home: Home, plain: Mapping[str, Any]) -> str:
    """Keep a profile's JSON values under G3_HOME/profiles, unless it is there; its digest, for the record.

    No secret is among the values a profile gives away (`Profile.model_dump`); user names, passwords and queries of web
    addresses, where people put keys too, are left out here.
    """
    text = _canonical(without_credentials(plain))
    version = hashlib.sha256(text.encode()).hexdigest()
    path = snapshot_path(home, version)
    if not path.exists():
        with replacing(path) as scratch:
            scratch.write_text(text, encoding="utf-8")
    return version


def kept_profile(home: Home, version: str) -> Plain:
    """The profile of that digest as JSON values; NoSnapshot if it is gone or was altered."""
    path = snapshot_path(home, version)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise NoSnapshot(f"{path}: the profile that a record names cannot be read ({problem})") from problem
    if hashlib.sha256(text.encode()).hexdigest() != version:
        raise NoSnapshot(f"{path}: was altered, its content is not what its name says")
    plain: Plain = json.loads(text)
    return plain


def without_credentials(value: Any) -> Any:
    """JSON values with every web address reduced to scheme, host and path."""
    if isinstance(value, Mapping):
        return {name: without_credentials(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_credentials(each) for each in value]
    return _WEB.sub(r"\1\2", value) if isinstance(value, str) else value


def _canonical(plain: Any) -> str:
    return json.dumps(plain, sort_keys=True, indent=1) + "\n"
