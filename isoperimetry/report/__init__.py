"""Records as text: strict JSON, Markdown tables, plain English; and results folders as a page that a team reads."""

from isoperimetry.report.folder import Results, load
from isoperimetry.report.markdown import markdown_page
from isoperimetry.report.page import html_page
from isoperimetry.report.summary import summary
from isoperimetry.report.text import describe, describe_family, format_value, to_json, to_markdown

__all__ = [
    "Results",
    "describe",
    "describe_family",
    "format_value",
    "html_page",
    "load",
    "markdown_page",
    "summary",
    "to_json",
    "to_markdown",
]
