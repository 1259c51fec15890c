"""Stand in for Kubernetes: processes as pods of a Deployment, ended by the manifests' own numbers.

A pod is called while it is ready by its probe, and for a while after it was told to go, because the
news takes that long to reach whoever calls. Probes are asked more often than by kubelet.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import yaml

from ops.embedded.storage import free_ports
from tests.faults.pipeline import Pipeline
from tests.faults.processes import ROOT, EsitoProcess, until

_PROBE_SECONDS: Final = 0.2  # periodSeconds: 5
_NEWS_SECONDS: Final = 1.0
_FILES: Final = {"ingress": "ingress/ingress.yaml"}
_BASE: Final = ROOT / "deploy/k8s/base"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the manifests say about coming and going."""

    grace_seconds: float
    pause_seconds: float  # of preStop, a part of the grace
    readiness_path: str
    readiness_seconds_max: float
    readiness_failures_max: int
    surge_max: int
    unavailable_max: int
    disruptions_max: int

    @classmethod
    def of(cls, role: str) -> "Terms":
        """Read the manifests of `role`."""
        file = _BASE / _FILES.get(role, f"worker/{role}.yaml")
        objects = {one["kind"]: one["spec"] for one in _objects(file.read_text()) if "spec" in one}
        pod = objects["Deployment"]["template"]["spec"]
        (container,) = pod["containers"]
        (common,) = _objects((_BASE / "pod/deployment.yaml").read_text())
        update = common["spec"]["strategy"]["rollingUpdate"]
        probe = common["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
        return cls(
            grace_seconds=pod["terminationGracePeriodSeconds"],
            pause_seconds=container["lifecycle"]["preStop"]["sleep"]["seconds"]
            if "lifecycle" in container
            else 0,
            readiness_path=probe["httpGet"]["path"],
            readiness_seconds_max=probe["timeoutSeconds"],
            readiness_failures_max=probe["failureThreshold"],
            surge_max=update["maxSurge"],
            unavailable_max=update["maxUnavailable"],
            disruptions_max=objects["PodDisruptionBudget"]["maxUnavailable"],
        )


class Pod:
    """One process, from its start to its end."""

    def __init__(self, process: EsitoProcess, terms: Terms, *, port: int, probed: int) -> None:
        """Take a process that was just started, listening on `port` and answering on `probed`."""
        self.process = process
        self.port = port
        self.is_ready = False
        self.end_seconds = 0.0
        self._terms = terms
        self._probed = f"http://127.0.0.1:{probed}{terms.readiness_path}"
        self._deleted_at: float | None = None

    @property
    def is_going(self) -> bool:
        """Tell whether it was told to go."""
        return self._deleted_at is not None

    @property
    def is_called(self) -> bool:
        """Tell whether callers believe that it is there."""
        if self._deleted_at is None:
            return self.is_ready
        return time.monotonic() < self._deleted_at + _NEWS_SECONDS

    async def watch(self, session: aiohttp.ClientSession) -> None:
        """Ask for its readiness again and again until it goes."""
        failures = 0
        while not self.is_going:
            answers = await self._answers(session)
            failures = 0 if answers else failures + 1
            if answers or failures >= self._terms.readiness_failures_max:
                self.is_ready = answers
            await asyncio.sleep(_PROBE_SECONDS)

    def delete(self) -> "asyncio.Task[None]":
        """End it as kubelet does: preStop, SIGTERM, and SIGKILL when the grace period is over."""
        self._deleted_at = time.monotonic()
        return asyncio.create_task(self._end(self._deleted_at))

    async def _end(self, deleted_at: float) -> None:
        await asyncio.sleep(self._terms.pause_seconds)
        with suppress(AssertionError):
            await self.process.stop(self._terms.grace_seconds - self._terms.pause_seconds)
        self.process.kill()
        self.end_seconds = time.monotonic() - deleted_at

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        with suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(self._probed) as response:
                return response.ok
        return False


class Deployment:
    """The pods of one role, which outlive a test; what acts on them does so inside `controlled`."""

    def __init__(self, pipeline: Pipeline, role: str) -> None:
        """Begin without a pod."""
        self.role = role
        self.terms = Terms.of(role)
        self.pods: list[Pod] = []
        self._pipeline = pipeline
        self._replicas = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def controlled(self) -> AsyncIterator[None]:
        """Follow the readiness of pods until the block ends."""
        timeout = aiohttp.ClientTimeout(total=self.terms.readiness_seconds_max)
        async with aiohttp.ClientSession(timeout=timeout) as self._session:
            self._watch(*self.pods)
            try:
                yield
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
                self._tasks.clear()

    async def begin(self, replicas: int) -> None:
        """Have `replicas` pods, and forget those that went."""
        await self.scale(replicas)
        self.pods = self._staying

    async def scale(self, replicas: int) -> None:
        """Start what is missing and wait for it, or end the youngest, all at once."""
        self._replicas = replicas
        while len(self._staying) < replicas:
            self._start()
        await self._until_ready(replicas)
        await asyncio.gather(*(pod.delete() for pod in self._staying[replicas:]))

    async def roll_out(self) -> None:
        """Replace every pod, as `rollingUpdate` says."""
        going = []
        for pod in self._staying:
            while len(self._staying) < self._replicas + self.terms.surge_max:
                self._start()
            await self._until_ready(self._replicas - self.terms.unavailable_max + 1)
            going.append(pod.delete())
        await asyncio.gather(*going)

    async def drain(self) -> None:
        """Evict each pod once the PodDisruptionBudget allows it; another is started elsewhere."""
        going = []
        for pod in self._staying:
            await self._until_ready(self._replicas - self.terms.disruptions_max + 1)
            going.append(pod.delete())
            self._start()
        await self._until_ready(self._replicas)
        await asyncio.gather(*going)

    @property
    def gone(self) -> list[Pod]:
        """Return the pods that were told to go."""
        return [pod for pod in self.pods if pod.is_going]

    @property
    def _staying(self) -> list[Pod]:
        return [pod for pod in self.pods if not pod.is_going]

    def _start(self) -> None:
        port, probed = free_ports(2)
        process = self._pipeline.pod(self.role, port=port, management_port=probed)
        pod = Pod(process, self.terms, port=port, probed=probed)
        self.pods.append(pod)
        self._watch(pod)

    def _watch(self, *pods: Pod) -> None:
        assert self._session is not None, "act inside `controlled`"
        self._tasks.extend(asyncio.create_task(pod.watch(self._session)) for pod in pods)

    async def _until_ready(self, number: int) -> None:
        await until(
            lambda: sum(pod.is_ready for pod in self._staying) >= number,
            f"{number} pods of {self.role} are ready",
        )


class Service:
    """Whom to call next: each pod in turn that callers believe to be there."""

    def __init__(self, deployment: Deployment) -> None:
        """Call the pods of `deployment`."""
        self._deployment = deployment
        self.calls: Counter[int] = Counter()

    def port(self) -> int:
        """Return the port of the next pod.

        Raises:
            aiohttp.ClientConnectionError: there is none.
        """
        called = [pod for pod in self._deployment.pods if pod.is_called]
        if not called:
            raise aiohttp.ClientConnectionError("no pod is ready")
        port = called[self.calls.total() % len(called)].port
        self.calls[port] += 1
        return port


def _objects(text: str) -> list[Any]:
    return [one for one in yaml.safe_load_all(text) if one]
