"""Join what a provider demands, an endpoint configures and the loaded keys: one policy each."""

from collections.abc import Callable, Mapping
from functools import partial

from contracts.errors import Broken
from contracts.provider import Provider
from runtime.configuration import Endpoint
from runtime.key_source import EndpointKeys, KeySource
from workers.verifier.prove import Policy


def endpoint_policies(
    provider: Provider, endpoints: Mapping[str, Endpoint], keys: KeySource
) -> dict[str, Policy]:
    """Return the policy of each of the provider's endpoints by name.

    Raises:
        Broken: the provider has no endpoint, or one lacks a credential that the provider demands.
    """
    if not endpoints:
        raise Broken(f"the configuration has no endpoint of provider {provider.name}")
    for name, endpoint in endpoints.items():
        for credential in provider.door.credentials:
            if getattr(endpoint, credential) is None:
                raise Broken(
                    f"endpoint {name}: provider {provider.name} needs the key {credential}"
                )
    return {
        name: Policy(endpoint, provider.door, _keys_of(keys, name))
        for name, endpoint in endpoints.items()
    }


def _keys_of(keys: KeySource, name: str) -> Callable[[], EndpointKeys]:
    return partial(keys.of, name)
