SELECT clock_timestamp() - make_interval(secs => %(seconds)s) AS instant;
