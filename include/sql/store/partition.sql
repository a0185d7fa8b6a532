-- A week of k8s_changes. It is made by itself and then attached, which locks nobody out.
CREATE TABLE {{ name | identifier }} (
    LIKE k8s_changes INCLUDING CONSTRAINTS INCLUDING GENERATED,
    CHECK (seen_at >= {{ since | literal }} AND seen_at < {{ until | literal }})
);

-- Those of k8s_changes do not see what is done to a week by itself.
CREATE TRIGGER k8s_changes_deleted
AFTER DELETE ON {{ name | identifier }}
REFERENCING OLD TABLE AS deleted
FOR EACH STATEMENT EXECUTE FUNCTION k8s_changes_deleted();

CREATE TRIGGER k8s_changes_truncated
AFTER TRUNCATE ON {{ name | identifier }}
FOR EACH STATEMENT EXECUTE FUNCTION k8s_changes_truncated();

ALTER TABLE k8s_changes
ATTACH PARTITION {{ name | identifier }} FOR VALUES FROM ({{ since | literal }}) TO ({{ until | literal }});
