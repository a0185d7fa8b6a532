-- Which ingresses does nobody serve?
-- Hit: An Ingress whose class is not there, or that names none where no class is the default.
-- Do: Set `ingressClassName`.
-- Key: namespace, name
-- Source: Kubernetes documentation, Ingress: Default Ingress class.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['ingresses', 'ingressclasses'])
),

hit AS (
    SELECT
        ingress.context_name,
        NULL::text AS not_known,
        ingress.namespace,
        ingress.name,
        coalesce(
            nullif(ingress.ingress_class_name, ''), ingress.annotations ->> 'kubernetes.io/ingress.class'
        ) AS ingress_class
    FROM k8s_ingresses AS ingress
    WHERE
        ingress.context_name NOT IN (SELECT unknown.context_name FROM unknown)
        -- What has the old annotation is for controllers that look for that, and need no class.
        AND NOT ingress.annotations ? 'kubernetes.io/ingress.class'
        AND NOT EXISTS (
            SELECT 1
            FROM k8s_ingressclasses AS class
            WHERE
                class.context_name = ingress.context_name
                AND CASE
                    WHEN ingress.ingress_class_name <> '' THEN class.name = ingress.ingress_class_name
                    ELSE class.annotations ->> 'ingressclass.kubernetes.io/is-default-class' = 'true'
                END
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name;
