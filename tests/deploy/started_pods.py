"""Lay out on disk what a pod sees, and no more, and run its process there.

Kafka, the database and everything else are away: nothing outside this machine is spoken to.
"""

import asyncio
import hashlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import aiohttp
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from ops.embedded.storage import free_ports
from runtime.endpoint_configuration import Endpoint
from runtime.mac import MacInput, write_mac
from tests.certificates import leaf, pem, revocation_list, root
from tests.deploy.objects import Pod, Rendered
from tests.deploy.rendering import ROOT
from tests.deploy.secret_files import NamedFile, named_files

_SECONDS_MAX = 60.0
_POLL_SECONDS = 0.1
_NOWHERE = "127.0.0.1:1"
_ELSEWHERE = {
    "esito-kafka-bootstrap.kafka.svc:9093": _NOWHERE,
    "esito.postgres.svc": _NOWHERE,
    "https://wallet.example.org/jwks.json": f"https://{_NOWHERE}/jwks.json",
    "https://s3.example.org": f"https://{_NOWHERE}",
    "https://api.notifichedigitali.it": f"https://{_NOWHERE}",
    "0.0.0.0": "127.0.0.1",  # noqa: S104 - taken away here
}


@dataclass(frozen=True)
class Ended:
    """How a pod's process began and ended."""

    answered: int
    exit_code: int
    seconds: float
    log: str


def lay_out(rendered: Rendered, pod: Pod, folder: Path) -> Path:
    """Write the pod's /etc/esito below `folder`; return the path of its configuration."""
    text = rendered.configuration_text.replace("/etc/esito", str(folder))
    for here, nowhere in _ELSEWHERE.items():
        text = text.replace(here, nowhere)
    mounted = {place for place, _, _ in pod.mounts("secret")}
    configuration = rendered.configuration()
    for file in named_files(configuration):
        if file.path.parent in mounted:
            place = folder / file.path.relative_to("/etc/esito")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(_content(file, configuration.endpoints))
    found = folder / "config" / "esito.yaml"
    found.parent.mkdir(parents=True)
    found.write_text(text)
    return found


def take_away(place: PurePosixPath, configuration: Path) -> None:
    """Let nothing be mounted at `place` of what was laid out around a configuration."""
    below = configuration.parent.parent / place.relative_to("/etc/esito")
    for file in below.iterdir():
        file.unlink()


async def run_until_healthy(pod: Pod, configuration: Path) -> Ended:
    """Start the process, wait for /healthz, end it with SIGTERM; or wait for its own end."""
    port = free_ports(1)[0]
    log = configuration.parent / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *pod.arguments,
            cwd=ROOT,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            env={
                "PATH": os.environ["PATH"],
                **pod.environ,
                "ESITO_CONFIGURATION": str(configuration),
                "ESITO_MANAGEMENT_HOST": "127.0.0.1",
                "ESITO_MANAGEMENT_PORT": str(port),
                "ESITO_INGRESS__PORT": "0",
                "ESITO_INTAKE__PORT": "0",
                "ESITO_STREAMS__PORT": "0",
            },
        )
    try:
        answered = await _healthy(process, port)
        began = asyncio.get_running_loop().time()
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), _SECONDS_MAX)
        return Ended(answered, code, asyncio.get_running_loop().time() - began, log.read_text())
    finally:
        if process.returncode is None:
            process.kill()


async def _healthy(process: asyncio.subprocess.Process, port: int) -> int:
    async with asyncio.timeout(_SECONDS_MAX), aiohttp.ClientSession() as session:
        while process.returncode is None:
            try:
                async with session.get(f"http://127.0.0.1:{port}/healthz") as response:
                    return response.status
            except aiohttp.ClientError:
                await asyncio.sleep(_POLL_SECONDS)
    return 0


def _content(file: NamedFile, endpoints: tuple[Endpoint, ...]) -> bytes:
    if file.key.endswith("golden_vector_file"):
        return _golden_vector(next(one for one in endpoints if one.hmac))
    match file.path.suffix:
        case ".pem":
            return pem(root())
        case ".crl":
            return revocation_list(root()).public_bytes(Encoding.PEM)
        case ".crt":
            return pem(root()) if file.path.stem == "ca" else pem(leaf(root()))
        case ".key":
            form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            return leaf(root()).key.private_bytes(*form)
    return _secret(file.path)


@cache
def _secret(path: PurePosixPath) -> bytes:
    return hashlib.sha256(str(path).encode()).hexdigest().encode()


def _golden_vector(endpoint: Endpoint) -> bytes:
    if endpoint.hmac is None:
        raise LookupError(endpoint.name)
    secret = _secret(PurePosixPath(endpoint.hmac.keys[0].file))
    target = f"https://callbacks.example.org{endpoint.path}"
    signed = MacInput(b"1790000000", "POST", endpoint.path, target, b"{}")
    vector = {
        "method": signed.method,
        "path": signed.path,
        "target_uri": signed.target_uri,
        "timestamp": signed.timestamp.decode(),
        "signature": write_mac(endpoint.hmac.profile, signed, secret).decode(),
        "body_base64": "e30=",
        "secret": secret.decode(),
    }
    return json.dumps(vector).encode()
