"""The label `service_name`, which Grafana's Logs Drilldown groups by, found among the labels that a stream has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

CompleteLabels = Callable[[Mapping[str, str]], Mapping[str, str]]
"""What is done to the labels of a stream before they are validated."""

_NAME: Final = "service_name"
_UNKNOWN: Final = "unknown_service"
SERVICE_LABELS: Final = (
    "service", "app", "application", "app_name", "name", "app_kubernetes_io_name", "container", "container_name",
    "k8s_container_name", "component", "workload", "job", "k8s_job_name",
)  # fmt: skip
"""The labels that may name a service, the first ones first: Loki's."""


def as_sent(labels: Mapping[str, str]) -> Mapping[str, str]:
    """Leave the labels alone."""
    return labels


def with_service_name(labels: Mapping[str, str]) -> Mapping[str, str]:
    """Add `service_name`, unless there is one: the first of Loki's labels that name a service, or `unknown_service`."""
    if labels.get(_NAME):
        return labels
    found = next((value for name in SERVICE_LABELS if (value := labels.get(name))), _UNKNOWN)
    return {**labels, _NAME: found}
