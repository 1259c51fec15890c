"""promtool accepts what Prometheus is given; every alert fires when it should, and only then."""

from tests.deploy.monitoring.prometheus import promtool
from tests.monitoring import CASES, MONITORING


def test_promtool_accepts_configuration_and_rules() -> None:
    code, said = promtool("check", "config", str(MONITORING / "prometheus.yml"))

    assert code == 0, said
    assert "rules found" in said


def test_every_alert_fires_and_is_quiet_as_its_cases_say() -> None:
    code, said = promtool("test", "rules", *map(str, CASES))

    assert code == 0, said
