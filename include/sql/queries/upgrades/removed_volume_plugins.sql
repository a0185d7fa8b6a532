-- Which volumes are of a plugin that Kubernetes has removed?
-- Hit: A PersistentVolume of an in-tree plugin that went with Kubernetes 1.`removed_in`: from then on it works only
-- with the CSI driver that takes its place, or not at all.
-- Do: Install the CSI driver before the upgrade, or move the data (Ceph, GlusterFS).
-- Key: name, plugin
-- Source: Kubernetes documentation, Volumes: Types of volumes.
-- Limits: Volumes that stand in pods themselves are not looked at.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['persistentvolumes'])
),

hit AS (
    SELECT
        volume.context_name,
        NULL::text AS not_known,
        volume.name,
        plugin.name AS plugin,
        '1.' || plugin.removed_in AS removed_in,
        volume.claim_namespace,
        volume.claim_name
    FROM k8s_persistentvolumes AS volume
    INNER JOIN (
        VALUES
        ('cinder', 26),
        ('glusterfs', 26),
        ('awsElasticBlockStore', 27),
        ('azureDisk', 27),
        ('gcePersistentDisk', 28),
        ('vsphereVolume', 30),
        ('cephfs', 31),
        ('rbd', 31)
    ) AS plugin (name, removed_in)
        ON volume.spec ? plugin.name
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, plugin, name;
