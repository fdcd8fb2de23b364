"""Operators: tasks that move money, once."""
