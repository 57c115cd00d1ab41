"""Keys for trying out: made once, kept in files that only their owner can read. Production brings its own."""

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jose import jwk

from api.auth.issuing import jwk_thumbprint
from api.cli.configuration import GivenSettings
from api.cli.folder import CHECKPOINTS, KEYS
from api.domain.vault import Vault
from api.settings import Settings


def new_private_key() -> str:
    """A fresh EC key on P-256, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_jwk(pem: str) -> dict[str, Any]:
    """The public half of an EC key, named by its thumbprint."""
    public = jwk.construct(pem, "ES256").public_key().to_dict()
    named = {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in public.items()}
    return named | {"kid": jwk_thumbprint(named), "use": "sig", "alg": "ES256"}


def new_keys() -> dict[str, str]:
    """A fresh key for each setting that needs one."""
    return {
        "signing_key": new_private_key(),
        "data_keys": json.dumps({"1": base64.b64encode(secrets.token_bytes(32)).decode()}),
        "pseudonym_key": base64.b64encode(secrets.token_bytes(32)).decode(),
    }


def new_checkpoint_key() -> str:
    """A fresh Ed25519 key, as PEM."""
    return (
        ed25519.Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def kept_keys(folder: Path) -> dict[str, str]:
    """The keys of this folder, made when they aren't there yet, and where its checkpoints are."""
    file = folder / KEYS
    keys: dict[str, str] = json.loads(file.read_text()) if file.exists() else new_keys()
    if not file.exists() or "checkpoint_key" not in keys:
        keys = keys | {"checkpoint_key": new_checkpoint_key()}
        write_private(file, json.dumps(keys, indent=2))
    return keys | {"checkpoints": str(folder / CHECKPOINTS)}


UNLIMITED = {"rate_limit": 0, "address_rate_limit": 0}


def settings_on(keys: dict[str, str], database_url: str, base_url: str) -> Settings:
    """Settings for trying out, whatever the environment says."""
    given = {"database_url": database_url, "base_url": base_url, "receivers": "anywhere"} | UNLIMITED
    return GivenSettings.model_validate(keys | given)


def vault_of(settings: Settings) -> Vault:
    return Vault(settings.vault_keys, settings.vault_pseudonym_keys)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read: whole, or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)
