-- All objects of a context in {{ table }}, whatever kinds they are of.
DELETE FROM {{ table | identifier }} WHERE context_name = %(context_name)s;
