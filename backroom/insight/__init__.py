"""Insight: figures of past orders, computed with polars.

What belongs here: turning rows into facts, facts into key figures, and key figures into pictures and files. What does
not: SQL (`backroom.store`), definitions (`backroom.domain.kpi`), and showing them in Prefect (`tasks.kpi`).
"""
