-- A week of {{ table }}. It is made by itself and then attached, which locks nobody out.
CREATE TABLE {{ name | identifier }} (
    LIKE {{ table }} INCLUDING CONSTRAINTS INCLUDING GENERATED,
    CHECK ({{ by }} >= {{ since | literal }} AND {{ by }} < {{ until | literal }})
);

-- There is no primary key by which a publication of all tables could name a row.
ALTER TABLE {{ name | identifier }} REPLICA IDENTITY FULL;

-- Those of {{ table }} do not see what is done to a week by itself.
CREATE TRIGGER {{ table }}_deleted
AFTER DELETE ON {{ name | identifier }}
REFERENCING OLD TABLE AS deleted
FOR EACH STATEMENT EXECUTE FUNCTION {{ table }}_deleted();

CREATE TRIGGER {{ table }}_truncated
AFTER TRUNCATE ON {{ name | identifier }}
FOR EACH STATEMENT EXECUTE FUNCTION {{ table }}_truncated();

ALTER TABLE {{ table }}
ATTACH PARTITION {{ name | identifier }} FOR VALUES FROM ({{ since | literal }}) TO ({{ until | literal }});
