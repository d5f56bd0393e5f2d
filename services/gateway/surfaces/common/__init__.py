"""What several surfaces show: forms from an item's schema, a case in words and as a line, uploads."""
