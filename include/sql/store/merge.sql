-- The one statement that writes {{ table }}. With compare, a row that would not change is left alone.
INSERT INTO {{ table | identifier }} AS stored (
    context_name{% for column in columns %},
    {{ column.name | identifier }}{% endfor %}
)
SELECT
    staged.context_name{% for column in columns %},
    staged.{{ column.name | identifier }}{% endfor %}
FROM pg_temp.k8s_staged AS staged
ON CONFLICT (context_name, uid) DO UPDATE
    SET
        {% for column in columns if column.name != "uid" -%}
        {{ column.name | identifier }} = excluded.{{ column.name | identifier }}{{ "," if not loop.last }}
        {% endfor %}
    WHERE
        NOT %(compare)s
        OR (
            {% for column in columns if column.name != "uid" -%}
            stored.{{ column.name | identifier }}{{ "," if not loop.last }}
            {% endfor -%}
        ) IS DISTINCT FROM (
            {% for column in columns if column.name != "uid" -%}
            excluded.{{ column.name | identifier }}{{ "," if not loop.last }}
            {% endfor -%}
        );
