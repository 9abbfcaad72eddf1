"""The report: figures, and one self-contained HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spikelearn.report.data import Raster, ReportData

if TYPE_CHECKING:
    from spikelearn.report.page import write_report

__all__ = ["Raster", "ReportData", "write_report"]


def __getattr__(name: str) -> Any:
    if name == "write_report":
        from spikelearn.report.page import write_report

        return write_report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
