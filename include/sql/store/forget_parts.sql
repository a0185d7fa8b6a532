-- The whole kind was read, or is gone: what is known of its parts is of no more use.
DELETE FROM k8s_sync_parts WHERE context_name = %(context_name)s AND kind = %(kind)s;
