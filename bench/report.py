"""What came of a run: medians, ratios and one table."""

import statistics
from collections import defaultdict
from dataclasses import dataclass, field

HEAD = (
    "families",
    "case",
    "clients",
    "HTTP/s",
    "p50 ms",
    "p99 ms",
    "SQL/s",
    "HTTP:SQL",
    "bare/s",
    "HTTP:bare",
    "refused",
)


@dataclass(frozen=True)
class Figure:
    """One measurement: answers a second, and latencies in seconds."""

    rate: float
    p50: float
    p99: float
    refused: int


Key = tuple[int, str, int]


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    return "| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + " |"


@dataclass
class Report:
    """All measurements of a run, by number of families, case, number of clients and way."""

    seeded: dict[int, float] = field(default_factory=dict)
    figures: dict[Key, dict[str, list[Figure]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def add(self, families: int, case: str, clients: int, way: str, figure: Figure) -> None:
        self.figures[families, case, clients][way].append(figure)

    def rate(self, families: int, case: str, clients: int, way: str) -> float:
        return statistics.median(figure.rate for figure in self.figures[families, case, clients][way])

    def text(self) -> str:
        lines = [f"seeded {families} families at {rate:.0f}/s" for families, rate in self.seeded.items()]
        rows = [HEAD, *(self._row(*key) for key in self.figures)]
        widths = [max(len(row[place]) for row in rows) for place in range(len(HEAD))]
        rows.insert(1, tuple("-" * (width - 1) + ":" for width in widths))
        lines += ["", *(_line(row, widths) for row in rows), ""]
        return "\n".join([*lines, *self._growth()])

    def _row(self, families: int, case: str, clients: int) -> tuple[str, ...]:
        ways = self.figures[families, case, clients]
        http = ways["http"]
        rates = {way: statistics.median(one.rate for one in some) for way, some in ways.items()}
        p50, p99 = (statistics.median(getattr(one, name) for one in http) * 1000 for name in ("p50", "p99"))
        sql = (f"{rates['sql']:.0f}", f"{rates['http'] / rates['sql']:.2f}") if "sql" in rates else ("-", "-")
        bare = (f"{rates['bare']:.0f}", f"{rates['http'] / rates['bare']:.2f}")
        refused = sum(one.refused for one in http)
        figures = (f"{rates['http']:.0f}", f"{p50:.2f}", f"{p99:.2f}", *sql, *bare)
        return (str(families), case, str(clients), *figures, str(refused))

    def _growth(self) -> list[str]:
        """How the median latency grows from the smallest size to the largest."""
        smallest, largest = min(key[0] for key in self.figures), max(key[0] for key in self.figures)
        if smallest == largest:
            return []
        return [
            f"{case}, {clients} clients: p50 at {largest} families is {self._p50(largest, case, clients) / p50:.2f} x "
            f"that at {smallest}"
            for families, case, clients in self.figures
            if families == smallest and (p50 := self._p50(smallest, case, clients))
        ]

    def _p50(self, families: int, case: str, clients: int) -> float:
        return statistics.median(one.p50 for one in self.figures[families, case, clients]["http"])
