"""The report: one HTML file per benchmark, to look at what was measured, down to every photo and candidate."""

from g3lib.results.report.budget import BUDGET, MEGABYTE
from g3lib.results.report.building import Report, build_report, build_reports
from g3lib.results.report.freshness import needs_report, report_path

__all__ = ["BUDGET", "MEGABYTE", "Report", "build_report", "build_reports", "needs_report", "report_path"]
