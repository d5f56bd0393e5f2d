"""What items are found by (see `domain.search`), and what was searched for in vain."""

import datetime

from sqlalchemy import Column, Index
from sqlmodel import Field

from services.catalog.store.tables.base import Table
from services.kit.columns import BigId


class SynonymRow(Table, table=True):
    """People's word → the items' word (synonyms as data)."""

    __tablename__ = "synonyms"
    word: str = Field(primary_key=True, max_length=50)
    means: str = Field(primary_key=True, max_length=50)


class SearchMissRow(Table, table=True):
    """What was searched for and not found: the words, the day, how often. Nothing of who searched."""

    __tablename__ = "search_misses"
    day: datetime.date = Field(primary_key=True)
    words: str = Field(primary_key=True, max_length=100)
    count: int


class SearchDocumentRow(Table, table=True):
    """What each item in force is found by (see `domain.search.documents`); the index of its words is made by
    `migrations/fulltext.py`. Not a copy to rely on: made anew from the items at any time."""

    __tablename__ = "search_documents"
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    code: str = Field(max_length=64, unique=True)
    version: int
    tier: int
    """0 holds what is used most."""
    place: int
    """In the order of use, the greatest first."""
    name: str
    name_key: str
    facets: str
    words: str
    summary: str


class SearchQueueRow(Table, table=True):
    """Codes that wait for the indexer: those of bulk changes."""

    __tablename__ = "search_queue"
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    code: str = Field(max_length=64)


class SearchNameRow(Table, table=True):
    """Names of items in force, for typing help: how many items have it, how much they are used, how it sounds."""

    __tablename__ = "search_names"
    name: str = Field(primary_key=True, max_length=100)
    name_key: str = Field(max_length=200)
    english_key: str = Field(max_length=200)
    times: int
    place: int
    code: str = Field(max_length=64)
    pinyin: str = Field(default="", max_length=700)
    initials: str = Field(default="", max_length=100)
    is_read: bool = Field(default=False, index=True)
    """Whether its words are in the vocabulary."""
    __table_args__ = (Index("ix_search_names_place", "place", "name"),)


class SearchWordRow(Table, table=True):
    """The vocabulary: words of items' names, how they sound, in how many names they stand."""

    __tablename__ = "search_words"
    word: str = Field(primary_key=True, max_length=50)
    pinyin: str = Field(max_length=100, index=True)
    initials: str = Field(max_length=50, index=True)
    names: int


class SearchKeyRow(Table, table=True):
    """By what a mistyped word is found (see `domain.search.mending.keys_of`)."""

    __tablename__ = "search_keys"
    key: str = Field(primary_key=True, max_length=50)
    word: str = Field(primary_key=True, max_length=50)


class SearchStateRow(Table, table=True):
    """Numbers of the search itself: the version of the synonyms."""

    __tablename__ = "search_state"
    name: str = Field(primary_key=True, max_length=32)
    value: int
