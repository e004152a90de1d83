"""Serves trained runs over HTTP."""
