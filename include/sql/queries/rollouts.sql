-- Which deployments are not fully rolled out?
SELECT
    context_name,
    namespace,
    name,
    replicas,
    updated_replicas,
    ready_replicas,
    available_replicas
FROM k8s_deployments
WHERE
    available_replicas < replicas
    OR updated_replicas < replicas
    OR observed_generation < generation
ORDER BY context_name, namespace, name;
