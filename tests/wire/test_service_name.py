"""The label service_name: Loki's sources in Loki's order."""

from __future__ import annotations

import pytest

from logpulse.wire.service_name import as_sent, with_service_name


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        ({"service_name": "mine", "service": "x"}, "mine"),
        ({"service_name": "", "service": "x"}, "x"),
        ({"app": "b", "service": "a"}, "a"),
        ({"job": "cron", "container": "c", "app_kubernetes_io_name": "k"}, "k"),
        ({"k8s_job_name": "j"}, "j"),
        ({"service": "", "job": "cron"}, "cron"),
        ({"env": "prod"}, "unknown_service"),
    ],
)
def test_the_first_label_that_names_a_service(labels: dict[str, str], name: str) -> None:
    assert with_service_name(labels) == {**labels, "service_name": name}
    assert as_sent(labels) == labels
