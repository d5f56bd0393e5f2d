"""Importing items from files."""

from services.catalog.handlers.imports.readers import FORMATS, Format, format_named
from services.catalog.handlers.imports.report import ReportFile
from services.catalog.handlers.imports.run import Order, import_items

__all__ = ["FORMATS", "Format", "Order", "ReportFile", "format_named", "import_items"]
