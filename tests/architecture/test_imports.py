"""Who imports whom: the dataflow is the only direction there is."""

import json
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest

from tests.architecture.source import OWN, ROOT, SHIPPED, Module, modules, shipped

# Each package, and the packages of ours it may import.
ALLOWED = {
    "contracts": set(),
    "runtime": {"contracts"},
    "ingress": {"contracts", "runtime"},
    "intake": {"contracts", "runtime"},
    "workers": {"contracts", "runtime"},
    "streams": {"contracts", "runtime"},
    "simulator": {"contracts", "runtime"},
    "ops": {"contracts", "runtime", "ingress", "intake", "workers", "streams", "simulator"},
    "benchmarks": {*SHIPPED},
    "tests": {*SHIPPED, "benchmarks"},
}
# What a module that promises purity has no use for: I/O, the clock, secrets, concurrency.
IMPURE = {
    "aiohttp",
    "aiokafka",
    "asyncio",
    "http.client",
    "http.server",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "prometheus_client",
    "secrets",
    "selectors",
    "signal",
    "socket",
    "ssl",
    "structlog",
    "subprocess",
    "threading",
    "time",
    "urllib.request",
}
PURE = [module for module in modules().values() if module.is_pure]
# The modules that decide, and that every test of theirs relies on to do nothing else.
DECIDING = {
    "contracts.iso20022.envelope",
    "contracts.iso20022.parties",
    "contracts.iso20022.profile",
    "contracts.iso20022.profile_table",
    "contracts.iso20022.report",
    "contracts.iso20022.resolution",
    "contracts.iso20022.telling",
    "contracts.iso20022.tree",
    "contracts.lifecycle",
    "contracts.presented",
    "contracts.terms",
    "contracts.wallet_payload",
    "ingress.authenticate",
    "ingress.client_certificate",
    "ingress.waiting",
    "runtime.key_ring",
    "runtime.mac",
    "runtime.path_token",
    "runtime.plain_base64",
    "workers.breaker",
    "workers.dead_letters",
    "workers.state_machine.decide",
    "workers.state_machine.digests",
    "workers.state_machine.events",
    "workers.state_machine.snapshot",
    "workers.state_machine.timers",
    "workers.verifier.base64url",
    "workers.verifier.carrier",
    "workers.verifier.cbor",
    "workers.verifier.certificate_paths",
    "workers.verifier.certificates",
    "workers.verifier.cose",
    "workers.verifier.decode",
    "workers.verifier.decode_xml",
    "workers.verifier.detached_jws",
    "workers.verifier.detached_signature",
    "workers.verifier.iso_message",
    "workers.verifier.issuer_certificate",
    "workers.verifier.issuer_keys",
    "workers.verifier.jwk",
    "workers.verifier.jws",
    "workers.verifier.mdoc",
    "workers.verifier.presentation_policy",
    "workers.verifier.presentations",
    "workers.verifier.prove",
    "workers.verifier.prove_signature",
    "workers.verifier.registry",
    "workers.verifier.revocation",
    "workers.verifier.sd_jwt",
    "workers.verifier.sd_jwt_binding",
    "workers.verifier.sd_jwt_disclosures",
    "workers.verifier.sd_jwt_issuer",
    "workers.verifier.tokens",
    "workers.verifier.verify",
    "workers.verifier.xml_algorithms",
    "workers.verifier.xml_document",
    "workers.verifier.xml_key_info",
    "workers.verifier.xml_signature",
    "workers.verifier.xmldsig",
    "workers.verifier.xmldsig_business_message",
}
ONLY_THE_VERIFIER = {"xmldsig", "signxml", "lxml", "jwt"}


@pytest.mark.parametrize("package", OWN)
def test_package_imports_only_those_before_it_in_the_dataflow(package: str) -> None:
    allowed = ALLOWED[package] | {package}

    strangers = [
        f"{module.path} imports {name}"
        for module in modules().values()
        if module.package == package
        for name in sorted(module.imported())
        if name.partition(".")[0] in OWN and name.partition(".")[0] not in allowed
    ]

    assert strangers == []


def test_contracts_import_the_standard_library_and_pydantic_alone() -> None:
    known = sys.stdlib_module_names | {"pydantic", "contracts"}

    strangers = [
        f"{module.path} imports {name}"
        for module in modules().values()
        if module.package == "contracts"
        for name in module.imported()
        if name.partition(".")[0] not in known
    ]

    assert strangers == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("workers.verifier", "workers.state_machine"),
        ("workers.state_machine", "workers.verifier"),
        ("ingress", "contracts.providers"),
        ("ingress", "contracts.payload"),
        ("runtime", "contracts.providers"),
        ("contracts.providers", "contracts.providers"),
    ],
)
def test_parts_that_must_not_know_each_other_do_not(one: str, other: str) -> None:
    importing = [
        f"{module.path} imports {name}"
        for module in modules().values()
        if _below(module.name, one) and module.name != one
        for name in module.imported()
        if _below(name, other) and not _below(name, module.name)
    ]

    assert importing == []


def test_no_module_imports_in_a_circle() -> None:
    graph = {
        name: {target for target in module.imported(everywhere=False) if target in modules()}
        for name, module in modules().items()
    }

    order = list(TopologicalSorter(graph).static_order())  # CycleError names the circle

    assert set(order) == set(modules())


def test_signature_libraries_are_known_to_the_verifier_alone() -> None:
    """Nobody else may judge a signature; the simulator, which no process imports, makes them."""
    strangers = [
        f"{module.path} imports {name}"
        for module in shipped()
        if not _below(module.name, "workers.verifier") and not _below(module.name, "simulator")
        for name in module.imported()
        if name.partition(".")[0] in ONLY_THE_VERIFIER
    ]

    assert strangers == []


@pytest.mark.parametrize("module", PURE, ids=[module.path for module in PURE])
def test_pure_module_imports_nothing_that_acts(module: Module) -> None:
    acting = {
        name for name in module.imported() if name in IMPURE or name.partition(".")[0] in IMPURE
    }

    assert acting == set()


def test_the_modules_that_decide_promise_purity() -> None:
    """A promise that nobody makes is kept by everybody: these must make it."""
    pure = {module.name for module in PURE}

    assert DECIDING - pure == set()


def test_ingress_loads_no_payload_model_no_provider_and_no_signature_library() -> None:
    """In a fresh interpreter, with everything that serving imports."""
    program = (
        "import json, sys\n"
        "import ingress.__main__, ingress.app, ingress.build, ingress.server\n"
        "print(json.dumps(sorted(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True
    )

    loaded = json.loads(done.stdout)
    forbidden = ("contracts.payload", "contracts.providers", "workers", "simulator", "ops")
    libraries = ("lxml", "signxml", "jwt", "cryptography", "cbor2", "xml.etree", "typer")
    assert [name for name in loaded if any(_below(name, one) for one in forbidden)] == []
    assert [name for name in loaded if any(_below(name, one) for one in libraries)] == []
    assert "ingress.endpoint" in loaded


def _below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")
