"""Entrypoints: thin compositions of tasks. No types, no rules, no SQL; they do not import each other."""
