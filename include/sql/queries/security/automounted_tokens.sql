-- Which pods get a token for the API server?
-- Hit: A pod that gets a token: neither it says `automountServiceAccountToken: false`, nor does its service account
-- where it says nothing itself. `accounts` has the service account. Pods of one owner that are alike are one row:
-- `pods` of them, `pod` is one.
-- Do: Set it to false on the service account, and to true on those pods that talk to the API server.
-- Key: namespace, owner_kind, owner, accounts
-- Source: CIS Kubernetes Benchmark 1.9 5.1.6; NSA/CISA Kubernetes Hardening Guide 1.2, Protecting Pod service account
-- tokens.
-- Limits: A pod that was made before its service account changed still has its token.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods', 'serviceaccounts'])
),

found AS MATERIALIZED (
    SELECT
        pod.context_name,
        pod.namespace,
        pod.owner_kind,
        pod.owner,
        pod.name AS pod,
        CASE
            WHEN
                coalesce(
                    pod.spec -> 'automountServiceAccountToken', to_jsonb(account.automount_service_account_token), 'true'
                ) = 'true'
                THEN jsonb_build_array(coalesce(pod.service_account_name, 'default'))
            ELSE '[]'
        END AS accounts
    FROM k8s_live_pods AS pod
    LEFT JOIN k8s_serviceaccounts AS account
        ON
            pod.context_name = account.context_name
            AND pod.namespace = account.namespace
            AND coalesce(pod.service_account_name, 'default') = account.name
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        owner_kind,
        owner,
        accounts,
        count(*) AS pods,
        min(pod) AS pod
    FROM found
    WHERE accounts <> '[]'
    GROUP BY context_name, namespace, owner_kind, owner, accounts
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, owner_kind, owner;
