"""Write the expressions that panels have in common."""

from typing import Final

from ops.generated.dashboards import Panel, Query

WINDOW: Final = "[$__rate_interval]"


def rate(metric: str, by: str = "", where: str = "") -> str:
    """Return a counter's rate, summed by labels."""
    grouping = f" by ({by}) " if by else ""
    labels = f"{{{where}}}" if where else ""
    return f"sum{grouping}(rate({metric}{labels}{WINDOW}))"


def quantile(share: float, metric: str, by: str = "", where: str = "") -> str:
    """Return a quantile of a histogram."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {rate(metric + '_bucket', labels, where)})"


def stat(title: str, unit: str, width: int, expression: str) -> Panel:
    """Return a panel with one number."""
    return Panel(title, unit, (Query(expression),), "stat", width)


def lines(title: str, unit: str, *queries: tuple[str, str], meaning: str = "") -> Panel:
    """Return a panel with a line for each series of the queries: expression and legend."""
    return Panel(title, unit, tuple(Query(*one) for one in queries), meaning=meaning)


def rates(title: str, metric: str, by: str, where: str = "", *, nonzero: bool = False) -> Panel:
    """Return a panel of a counter's rates; `nonzero` leaves out what does not happen."""
    legend = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))
    return lines(title, "cps", (rate(metric, by, where) + (" > 0" if nonzero else ""), legend))


def durations(title: str, metric: str, by: str = "", where: str = "", meaning: str = "") -> Panel:
    """Return a panel with median and 99th percentile of a histogram."""
    legend = f" {{{{{by}}}}}" if by else ""
    return lines(
        title,
        "s",
        *(
            (quantile(share, metric, by, where), f"p{share * 100:.0f}{legend}")
            for share in (0.5, 0.99)
        ),
        meaning=meaning,
    )


def table(title: str, unit: str, expression: str, width: int = 12) -> Panel:
    """Return a table of the series as they are now."""
    return Panel(title, unit, (Query(expression),), "table", width)
