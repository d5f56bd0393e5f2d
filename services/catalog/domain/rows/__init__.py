"""Rows of an import file: the fields that a cell can hold, how a row is read, whole items."""
