"""Importing items from files."""
