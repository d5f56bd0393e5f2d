"""What is looked for and how it is ordered: documents, queries, ranking, mending. Pure; statements are in the store.

Every rule gives the same on SQLite and PostgreSQL: the databases only answer which documents hold which terms.
"""
