"""Storage: volumes, who claims them, and what provides them."""

from __future__ import annotations

from typing import Any

from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.quantities import quantity
from k8s_inventory.kinds.values import names, object_or_empty, texts


def storage_class_name(volume: Any) -> Any:
    """The annotation of Kubernetes before 1.6 wins, as it does for the API server's own printer."""
    annotations = texts.decode(volume.metadata.annotations) or {}
    return annotations.get("volume.beta.kubernetes.io/storage-class", volume.spec.storage_class_name)


def is_default_class(storage_class: Any) -> bool:
    annotations = texts.decode(storage_class.metadata.annotations) or {}
    keys = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
    return any(annotations.get(key) == "true" for key in keys)


def volume_display_status(volume: Any) -> Any:
    return "Terminating" if volume.metadata.deletion_timestamp is not None else volume.status.phase


_GROUP = "storage.k8s.io"
_VOLUME_MODE = Column(name="volume_mode", path="spec.volumeMode", description="Filesystem or Block.")
_ATTRIBUTES_CLASS = Column(
    name="volume_attributes_class_name",
    path="spec.volumeAttributesClassName",
    description="VolumeAttributesClass, where one is set.",
)
_PHASE = ("status.phase", "metadata.deletionTimestamp:timestamptz")

PERSISTENTVOLUMES = Kind(
    name="persistentvolumes",
    kind="PersistentVolume",
    plural="persistentvolumes",
    table="k8s_persistentvolumes",
    namespaced=False,
    short_names=("pv",),
    description="PersistentVolumes: storage that there is.",
    typed_columns=(
        Column(name="phase", path="status.phase", description="Pending, Available, Bound, Released or Failed."),
        Column(
            name="display_status",
            needs=_PHASE,
            compute=volume_display_status,
            description="STATUS as kubectl shows it: the phase, or Terminating.",
        ),
        Column(name="capacity", path="spec.capacity.storage", description="Size, as text."),
        Column(
            name="capacity_bytes",
            type="numeric",
            path="spec.capacity.storage",
            compute=lambda text: None if text is None else quantity(text),
            description="Size in bytes.",
        ),
        Column(
            name="access_modes",
            type="text[]",
            path="spec.accessModes",
            required=True,
            description="ReadWriteOnce (RWO), ReadOnlyMany (ROX), ReadWriteMany (RWX), ReadWriteOncePod (RWOP).",
        ),
        Column(
            name="reclaim_policy",
            path="spec.persistentVolumeReclaimPolicy",
            description="Retain, Delete or Recycle, when it is released.",
        ),
        Column(
            name="claim_namespace",
            path="spec.claimRef.namespace",
            description="Namespace of its claim: the first part of kubectl's CLAIM.",
        ),
        Column(name="claim_name", path="spec.claimRef.name", description="Claim that it is bound to, or kept for."),
        Column(name="claim_uid", path="spec.claimRef.uid", description="UID of the claim."),
        Column(
            name="storage_class_name",
            needs=("spec.storageClassName", "metadata.annotations:jsonb"),
            compute=storage_class_name,
            description="StorageClass, where there is one.",
        ),
        _ATTRIBUTES_CLASS,
        Column(name="reason", path="status.reason", description="Why it is in its phase, in a word."),
        _VOLUME_MODE,
        Column(name="csi_driver", path="spec.csi.driver", description="CSI driver of the volume."),
        Column(name="csi_volume_handle", path="spec.csi.volumeHandle", description="The driver's name of the volume."),
    ),
)

PERSISTENTVOLUMECLAIMS = Kind(
    name="persistentvolumeclaims",
    kind="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    table="k8s_persistentvolumeclaims",
    short_names=("pvc",),
    description="PersistentVolumeClaims: storage that pods ask for.",
    typed_columns=(
        Column(name="phase", path="status.phase", description="Pending, Bound or Lost."),
        Column(
            name="display_status",
            needs=_PHASE,
            compute=volume_display_status,
            description="STATUS as kubectl shows it: the phase, or Terminating.",
        ),
        Column(name="volume_name", path="spec.volumeName", description="PersistentVolume that it is bound to."),
        Column(name="capacity", path="status.capacity.storage", description="Size of the volume, as text."),
        Column(
            name="capacity_bytes",
            type="numeric",
            path="status.capacity.storage",
            compute=lambda text: None if text is None else quantity(text),
            description="Size in bytes.",
        ),
        Column(name="requested", path="spec.resources.requests.storage", description="Size that it asks for, as text."),
        Column(
            name="requested_bytes",
            type="numeric",
            path="spec.resources.requests.storage",
            compute=lambda text: None if text is None else quantity(text),
            description="Size that it asks for, in bytes.",
        ),
        Column(
            name="access_modes",
            type="text[]",
            path="status.accessModes",
            required=True,
            description="Access modes of the volume, as of a PersistentVolume.",
        ),
        Column(
            name="storage_class_name",
            needs=("spec.storageClassName", "metadata.annotations:jsonb"),
            compute=storage_class_name,
            description="StorageClass, where there is one.",
        ),
        _ATTRIBUTES_CLASS,
        _VOLUME_MODE,
    ),
)

STORAGECLASSES = Kind(
    name="storageclasses",
    kind="StorageClass",
    plural="storageclasses",
    group=_GROUP,
    table="k8s_storageclasses",
    namespaced=False,
    short_names=("sc",),
    description="StorageClasses: how volumes are made.",
    rest=("data",),
    typed_columns=(
        Column(name="provisioner", path="provisioner", description="Who makes its volumes."),
        Column(
            name="is_default",
            type="boolean",
            needs=("metadata.annotations:jsonb",),
            compute=is_default_class,
            required=True,
            description="True for claims without a class: kubectl's (default).",
        ),
        Column(name="reclaim_policy", path="reclaimPolicy", description="Retain or Delete, when they are released."),
        Column(name="volume_binding_mode", path="volumeBindingMode", description="Immediate or WaitForFirstConsumer."),
        Column(
            name="allow_volume_expansion",
            type="boolean",
            path="allowVolumeExpansion",
            default=False,
            description="True if claims may grow.",
        ),
        Column(
            name="parameters",
            type="jsonb",
            path="parameters",
            compute=object_or_empty,
            required=True,
            description="What the provisioner is told.",
        ),
    ),
)

VOLUMEATTRIBUTESCLASSES = Kind(
    name="volumeattributesclasses",
    kind="VolumeAttributesClass",
    plural="volumeattributesclasses",
    group=_GROUP,
    versions=("v1", "v1beta1", "v1alpha1"),
    table="k8s_volumeattributesclasses",
    namespaced=False,
    short_names=("vac",),
    description="VolumeAttributesClasses: attributes of volumes that can be changed later.",
    rest=("data",),
    typed_columns=(
        Column(name="driver_name", path="driverName", description="CSI driver that knows them."),
        Column(
            name="parameters",
            type="jsonb",
            path="parameters",
            compute=object_or_empty,
            required=True,
            description="What the driver is told.",
        ),
    ),
)

VOLUMEATTACHMENTS = Kind(
    name="volumeattachments",
    kind="VolumeAttachment",
    plural="volumeattachments",
    group=_GROUP,
    table="k8s_volumeattachments",
    namespaced=False,
    description="VolumeAttachments: which volume is to be attached to which node.",
    typed_columns=(
        Column(name="attacher", path="spec.attacher", description="CSI driver in charge."),
        Column(name="persistent_volume_name", path="spec.source.persistentVolumeName", description="PersistentVolume."),
        Column(name="node_name", path="spec.nodeName", description="Node."),
        Column(
            name="attached",
            type="boolean",
            path="status.attached",
            default=False,
            description="True once it is attached.",
        ),
        Column(name="attach_error", path="status.attachError.message", description="Why it could not be attached."),
    ),
)

CSIDRIVERS = Kind(
    name="csidrivers",
    kind="CSIDriver",
    plural="csidrivers",
    group=_GROUP,
    table="k8s_csidrivers",
    namespaced=False,
    description="CSIDrivers: the storage drivers of the cluster.",
    rest=("spec",),
    typed_columns=(
        Column(
            name="attach_required",
            type="boolean",
            path="spec.attachRequired",
            default=True,
            description="True if volumes must be attached.",
        ),
        Column(
            name="pod_info_on_mount",
            type="boolean",
            path="spec.podInfoOnMount",
            default=False,
            description="True if it is told of the pod.",
        ),
        Column(
            name="storage_capacity",
            type="boolean",
            path="spec.storageCapacity",
            default=False,
            description="True if it publishes CSIStorageCapacities.",
        ),
        Column(
            name="token_audiences",
            type="text[]",
            needs=("spec.tokenRequests[].audience",),
            compute=lambda driver: [each.audience or "" for each in driver.spec.token_requests or ()],
            required=True,
            description="Audiences of the tokens that it gets: kubectl's TOKENREQUESTS.",
        ),
        Column(
            name="requires_republish",
            type="boolean",
            path="spec.requiresRepublish",
            default=False,
            description="True if volumes are published again and again.",
        ),
        Column(
            name="volume_lifecycle_modes",
            type="text[]",
            path="spec.volumeLifecycleModes",
            required=True,
            description="Persistent, Ephemeral: kubectl's MODES.",
        ),
    ),
)

CSINODES = Kind(
    name="csinodes",
    kind="CSINode",
    plural="csinodes",
    group=_GROUP,
    table="k8s_csinodes",
    namespaced=False,
    description="CSINodes: which storage drivers a node has.",
    rest=("spec",),
    typed_columns=(
        Column(
            name="driver_count",
            type="integer",
            needs=("spec.drivers[].name",),
            compute=lambda node: len(node.spec.drivers or ()),
            required=True,
            description="Drivers on the node: kubectl's DRIVERS.",
        ),
        Column(
            name="driver_names",
            type="text[]",
            needs=("spec.drivers[].name",),
            compute=lambda node: names(node.spec.drivers),
            required=True,
            description="Names of the drivers.",
        ),
    ),
)

CSISTORAGECAPACITIES = Kind(
    name="csistoragecapacities",
    kind="CSIStorageCapacity",
    plural="csistoragecapacities",
    group=_GROUP,
    versions=("v1", "v1beta1"),
    table="k8s_csistoragecapacities",
    description="CSIStorageCapacities: how much storage can still be made, and where.",
    rest=("data",),
    typed_columns=(
        Column(name="storage_class_name", path="storageClassName", description="StorageClass."),
        Column(name="capacity", path="capacity", description="What is left, as text."),
        Column(
            name="capacity_bytes",
            type="numeric",
            path="capacity",
            compute=lambda text: None if text is None else quantity(text),
            description="What is left, in bytes.",
        ),
        Column(name="maximum_volume_size", path="maximumVolumeSize", description="Largest volume, as text."),
        Column(
            name="maximum_volume_size_bytes",
            type="numeric",
            path="maximumVolumeSize",
            compute=lambda text: None if text is None else quantity(text),
            description="Largest volume, in bytes.",
        ),
        Column(name="node_topology", type="jsonb", path="nodeTopology", description="Selector of the nodes."),
    ),
)

KINDS = (
    PERSISTENTVOLUMES,
    PERSISTENTVOLUMECLAIMS,
    STORAGECLASSES,
    VOLUMEATTRIBUTESCLASSES,
    VOLUMEATTACHMENTS,
    CSIDRIVERS,
    CSINODES,
    CSISTORAGECAPACITIES,
)
