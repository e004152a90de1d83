"""Puts the parts together as a config says; the only place, besides the commands, that sees one."""
