"""Hooks: the only holders of secrets."""
