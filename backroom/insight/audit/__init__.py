"""The audit of the three failures that cost money: lost, wrong, slow.

What belongs here: turning rows into findings and numbers, laying them out, and the same for a file of the past year.
What does not: SQL (`backroom.store`), definitions and advice (`backroom.domain`), showing in Prefect (`tasks.audit`).
"""
