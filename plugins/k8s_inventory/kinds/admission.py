"""Admission: what changes or refuses a request to the API server."""

from __future__ import annotations

from typing import Any

from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.values import names


def webhook_services(configuration: Any) -> list[str]:
    services = (each.client_config.service for each in configuration.webhooks or ())
    return list(dict.fromkeys(f"{each.namespace}/{each.name}" for each in services if each.name))


_GROUP = "admissionregistration.k8s.io"
_FAILURE_POLICY = Column(
    name="failure_policy", path="spec.failurePolicy", description="Fail or Ignore, when it can not be evaluated."
)
_PARAM_KIND = (
    Column(
        name="param_api_version",
        path="spec.paramKind.apiVersion",
        description="Group and version of its parameters: the first part of kubectl's PARAMKIND.",
    ),
    Column(
        name="param_kind",
        path="spec.paramKind.kind",
        description="Kind of its parameters: the second part of kubectl's PARAMKIND.",
    ),
)
_BINDING_COLUMNS = (
    Column(name="policy_name", path="spec.policyName", description="Policy that it puts into force."),
    Column(
        name="param_ref_namespace",
        path="spec.paramRef.namespace",
        description="Namespace of the parameters: the first part of kubectl's PARAMREF.",
    ),
    Column(
        name="param_ref_name",
        path="spec.paramRef.name",
        description="Name of the parameters: the second part of kubectl's PARAMREF.",
    ),
    Column(
        name="param_ref_selector",
        type="jsonb",
        path="spec.paramRef.selector",
        description="Selector of the parameters, where they are not named.",
    ),
)
_WEBHOOK_COLUMNS = (
    Column(
        name="webhook_count",
        type="integer",
        needs=("webhooks[].name",),
        compute=lambda configuration: len(configuration.webhooks or ()),
        required=True,
        description="Webhooks of it: kubectl's WEBHOOKS.",
    ),
    Column(
        name="webhook_names",
        type="text[]",
        needs=("webhooks[].name",),
        compute=lambda configuration: names(configuration.webhooks),
        required=True,
        description="Names of its webhooks, in order.",
    ),
    Column(
        name="webhook_services",
        type="text[]",
        needs=("webhooks[].clientConfig.service.namespace", "webhooks[].clientConfig.service.name"),
        compute=webhook_services,
        required=True,
        description="Services that it calls, as namespace/name; each once.",
    ),
    Column(
        name="failure_policies",
        type="text[]",
        needs=("webhooks[].failurePolicy",),
        compute=lambda configuration: [each.failure_policy or "" for each in configuration.webhooks or ()],
        required=True,
        description="Fail or Ignore, when a webhook does not answer; in the order of webhook_names.",
    ),
)

VALIDATINGWEBHOOKCONFIGURATIONS = Kind(
    name="validatingwebhookconfigurations",
    kind="ValidatingWebhookConfiguration",
    plural="validatingwebhookconfigurations",
    group=_GROUP,
    table="k8s_validatingwebhookconfigurations",
    namespaced=False,
    description="ValidatingWebhookConfigurations: services that may refuse a request.",
    rest=("data",),
    typed_columns=_WEBHOOK_COLUMNS,
)

MUTATINGWEBHOOKCONFIGURATIONS = Kind(
    name="mutatingwebhookconfigurations",
    kind="MutatingWebhookConfiguration",
    plural="mutatingwebhookconfigurations",
    group=_GROUP,
    table="k8s_mutatingwebhookconfigurations",
    namespaced=False,
    description="MutatingWebhookConfigurations: services that may change a request.",
    rest=("data",),
    typed_columns=_WEBHOOK_COLUMNS,
)

VALIDATINGADMISSIONPOLICIES = Kind(
    name="validatingadmissionpolicies",
    kind="ValidatingAdmissionPolicy",
    plural="validatingadmissionpolicies",
    group=_GROUP,
    versions=("v1", "v1beta1"),
    table="k8s_validatingadmissionpolicies",
    namespaced=False,
    description="ValidatingAdmissionPolicies: expressions that may refuse a request.",
    typed_columns=(
        Column(
            name="validation_count",
            type="integer",
            needs=("spec.validations[].expression",),
            compute=lambda policy: len(policy.spec.validations or ()),
            required=True,
            description="Expressions of it: kubectl's VALIDATIONS.",
        ),
        *_PARAM_KIND,
        _FAILURE_POLICY,
    ),
)

VALIDATINGADMISSIONPOLICYBINDINGS = Kind(
    name="validatingadmissionpolicybindings",
    kind="ValidatingAdmissionPolicyBinding",
    plural="validatingadmissionpolicybindings",
    group=_GROUP,
    versions=("v1", "v1beta1"),
    table="k8s_validatingadmissionpolicybindings",
    namespaced=False,
    description="ValidatingAdmissionPolicyBindings: where a policy is in force.",
    rest=("spec",),
    typed_columns=(
        *_BINDING_COLUMNS,
        Column(
            name="validation_actions",
            type="text[]",
            path="spec.validationActions",
            required=True,
            description="What a refusal does: Deny, Warn, Audit.",
        ),
    ),
)

MUTATINGADMISSIONPOLICIES = Kind(
    name="mutatingadmissionpolicies",
    kind="MutatingAdmissionPolicy",
    plural="mutatingadmissionpolicies",
    group=_GROUP,
    versions=("v1", "v1beta1", "v1alpha1"),
    table="k8s_mutatingadmissionpolicies",
    namespaced=False,
    description="MutatingAdmissionPolicies: expressions that may change a request.",
    rest=("spec",),
    typed_columns=(
        Column(
            name="mutation_count",
            type="integer",
            needs=("spec.mutations[].patchType",),
            compute=lambda policy: len(policy.spec.mutations or ()),
            required=True,
            description="Mutations of it: kubectl's MUTATIONS.",
        ),
        *_PARAM_KIND,
        _FAILURE_POLICY,
        Column(
            name="reinvocation_policy", path="spec.reinvocationPolicy", description="Never, or IfNeeded after others."
        ),
    ),
)

MUTATINGADMISSIONPOLICYBINDINGS = Kind(
    name="mutatingadmissionpolicybindings",
    kind="MutatingAdmissionPolicyBinding",
    plural="mutatingadmissionpolicybindings",
    group=_GROUP,
    versions=("v1", "v1beta1", "v1alpha1"),
    table="k8s_mutatingadmissionpolicybindings",
    namespaced=False,
    description="MutatingAdmissionPolicyBindings: where a policy is in force.",
    rest=("spec",),
    typed_columns=_BINDING_COLUMNS,
)

KINDS = (
    VALIDATINGWEBHOOKCONFIGURATIONS,
    MUTATINGWEBHOOKCONFIGURATIONS,
    VALIDATINGADMISSIONPOLICIES,
    VALIDATINGADMISSIONPOLICYBINDINGS,
    MUTATINGADMISSIONPOLICIES,
    MUTATINGADMISSIONPOLICYBINDINGS,
)
