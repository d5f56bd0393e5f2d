"""The index of words over `search_documents`: what no table declaration of both databases can say.

PostgreSQL: a GIN index for each tier (`domain.search.documents.TIERS`), so that a common word is read from the first
tier's small index and no further, and a function that counts. SQLite: an FTS5 table without content of its own, kept by
triggers; the tier is one of its terms. What typing help looks up is in the order of code points, whatever the
database's collation. Names begin with `fulltext`.
"""

from typing import Any

LAST_TIER = 5
"""As of this revision: a released migration does not change with the code."""
_BEGINNINGS = ("name_key", "english_key", "pinyin", "initials")
_TIER_MARK = "\ue002"
_TERMS = "array_to_tsvector(string_to_array(words, ' '))"
# How many documents hold what is asked for, tier by tier until there are more than `most`. To count rows is to visit
# them, and 10,000 of a common word lie in as many pages: 130 ms where those are not at hand. What the index alone holds
# is read in a tenth of that: a statement that fetches one row reads it whole, and EXPLAIN tells how much that was. It
# holds rows that were changed or deleted, too, until they are vacuumed: few are counted one by one. One row of a word
# that is known to be common would be found sooner without that index, so other ways are shut.
_FEW = 500
_HELD = " UNION ALL ".join(
    f"SELECT 1 FROM search_documents WHERE tier = {tier} AND {_TERMS} @@ CAST(asked AS tsquery)"  # noqa: S608
    for tier in range(LAST_TIER + 1)
)
_COUNT = f"""
CREATE FUNCTION fulltext_count(asked text, most integer) RETURNS integer LANGUAGE plpgsql
SET enable_seqscan = off SET enable_indexscan = off SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
  found integer := 0;
  plan json;
BEGIN
  FOR tier IN 0..{LAST_TIER} LOOP
    EXECUTE format(
      'EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) '
      'SELECT FROM search_documents WHERE tier = %s AND %s @@ CAST(%L AS tsquery) LIMIT 1',
      tier, $terms${_TERMS}$terms$, asked
    ) INTO plan;
    found := found + CAST(plan #>> '{{0,Plan,Plans,0,Plans,0,Actual Rows}}' AS numeric);
    EXIT WHEN found > most;
  END LOOP;
  IF found IS NULL OR found <= {_FEW} THEN
    SELECT count(*) INTO found FROM ({_HELD}) AS held;
  END IF;
  RETURN found;
END
$$
"""  # noqa: S608
_OLD = f"old.id, old.words || ' {_TIER_MARK}' || old.tier"
_NEW = f"new.id, new.words || ' {_TIER_MARK}' || new.tier"
_ADD = f"INSERT INTO fulltext(rowid, words) VALUES ({_NEW})"  # noqa: S608
_REMOVE = f"INSERT INTO fulltext(fulltext, rowid, words) VALUES ('delete', {_OLD})"  # noqa: S608


def create(op: Any) -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    for column in _BEGINNINGS:
        plain = f'{column} COLLATE "C"' if postgres else column
        op.execute(f"CREATE INDEX fulltext_{column} ON search_names ({plain})")
    if postgres:
        for tier in range(LAST_TIER + 1):
            # A long pending list is read by every search: a short one takes in some hundred documents at a time.
            op.execute(
                f"CREATE INDEX fulltext_{tier} ON search_documents USING gin ({_TERMS}) "
                f"WITH (gin_pending_list_limit = 256) WHERE tier = {tier}"
            )
        op.execute(_COUNT)
        return
    op.execute("CREATE VIRTUAL TABLE fulltext USING fts5(words, content='', tokenize='unicode61 remove_diacritics 0')")
    op.execute(f"CREATE TRIGGER fulltext_insert AFTER INSERT ON search_documents BEGIN {_ADD}; END")
    op.execute(f"CREATE TRIGGER fulltext_delete AFTER DELETE ON search_documents BEGIN {_REMOVE}; END")
    op.execute(
        "CREATE TRIGGER fulltext_update AFTER UPDATE OF words, tier ON search_documents "
        f"WHEN old.words <> new.words OR old.tier <> new.tier BEGIN {_REMOVE}; {_ADD}; END"
    )


def drop(op: Any) -> None:
    for column in _BEGINNINGS:
        op.execute(f"DROP INDEX fulltext_{column}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION fulltext_count")
        for tier in range(LAST_TIER + 1):
            op.execute(f"DROP INDEX fulltext_{tier}")
        return
    for event in ("insert", "delete", "update"):
        op.execute(f"DROP TRIGGER fulltext_{event}")
    op.execute("DROP TABLE fulltext")
