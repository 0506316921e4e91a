"""Tables of the surveys 调查. An answer names nobody."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from central.store.metadata import metadata
from central.store.sealed import Sealed

survey = Table(
    "survey",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.survey.Survey
    Column("state", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("is_told", Boolean, nullable=False),  # whether the door knows it as it is
)

survey_answer = Table(
    "survey_answer",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("number", Text, nullable=False, unique=True),  # of the browser that sent it
    Column("survey", BigInteger, nullable=False),
    Column("day", Text, nullable=False),
    Column("source", LargeBinary, nullable=False),  # keyed hash of the line it came from, of that day
    Column(
        "body", Sealed("survey_answer.body"), nullable=False
    ),  # JSON of central.core.survey.Answers, redacted
    Index("ix_survey_answer_survey", "survey"),
)
