-- Which controls of the Pod Security Standards a pod breaks: those of level `baseline`, and those that `restricted` adds.
-- https://kubernetes.io/docs/concepts/security/pod-security-standards/, as k8s.io/pod-security-admission/policy of 1.36 has
-- them in version `latest`; `control` is the name there. `$` in a filter is the whole spec, so that pod and container are
-- looked at together. A container is what has an image that is text; an image volume's is an object.

-- Whether it breaks any of `baseline`. The cost makes the planner share many pods among workers. It asks the cheapest first, and stops at the first that is broken.
CREATE OR REPLACE FUNCTION k8s_breaks_baseline(spec jsonb, annotations jsonb)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000
AS $function$
BEGIN
    RETURN jsonb_path_exists(
        spec,
        '$ ? (
            @.hostNetwork == true || @.hostPID == true || @.hostIPC == true
            || exists (@.volumes[*].hostPath)
            || @.securityContext.windowsOptions.hostProcess == true
            || exists (@.securityContext.appArmorProfile.type ? (@ != "RuntimeDefault" && @ != "Localhost"))
            || exists (@.securityContext.seccompProfile.type ? (@ != "RuntimeDefault" && @ != "Localhost"))
            || exists (@.securityContext.seLinuxOptions.type ? (
                @ != "" && @ != "container_t" && @ != "container_init_t" && @ != "container_kvm_t"
                && @ != "container_engine_t"
            ))
            || exists (@.securityContext.seLinuxOptions.user ? (@ != ""))
            || exists (@.securityContext.seLinuxOptions.role ? (@ != ""))
            || exists (@.securityContext.sysctls[*].name ? (
                @ != "kernel.shm_rmid_forced" && @ != "net.ipv4.ip_local_port_range" && @ != "net.ipv4.tcp_syncookies"
                && @ != "net.ipv4.ping_group_range" && @ != "net.ipv4.ip_unprivileged_port_start"
                && @ != "net.ipv4.ip_local_reserved_ports" && @ != "net.ipv4.tcp_keepalive_time"
                && @ != "net.ipv4.tcp_fin_timeout" && @ != "net.ipv4.tcp_keepalive_intvl"
                && @ != "net.ipv4.tcp_keepalive_probes" && @ != "net.ipv4.tcp_rmem" && @ != "net.ipv4.tcp_wmem"
            ))
            || exists (@.*[*] ? (@.image.type() == "string" && (
                @.securityContext.privileged == true
                || exists (@.ports[*].hostPort ? (@ != 0))
                || exists (@.securityContext.capabilities.add[*] ? (
                    @ != "AUDIT_WRITE" && @ != "CHOWN" && @ != "DAC_OVERRIDE" && @ != "FOWNER" && @ != "FSETID"
                    && @ != "KILL" && @ != "MKNOD" && @ != "NET_BIND_SERVICE" && @ != "SETFCAP" && @ != "SETGID"
                    && @ != "SETPCAP" && @ != "SETUID" && @ != "SYS_CHROOT"
                ))
                || @.securityContext.windowsOptions.hostProcess == true
                || exists (@.securityContext.appArmorProfile.type ? (@ != "RuntimeDefault" && @ != "Localhost"))
                || exists (@.securityContext.seccompProfile.type ? (@ != "RuntimeDefault" && @ != "Localhost"))
                || exists (@.securityContext.seLinuxOptions.type ? (
                    @ != "" && @ != "container_t" && @ != "container_init_t" && @ != "container_kvm_t"
                    && @ != "container_engine_t"
                ))
                || exists (@.securityContext.seLinuxOptions.user ? (@ != ""))
                || exists (@.securityContext.seLinuxOptions.role ? (@ != ""))
                || exists (@.securityContext.procMount ? (@ != "Default")) && !($.hostUsers == false)
                || exists (@.*.httpGet.host ? (@ != "")) || exists (@.*.tcpSocket.host ? (@ != ""))
                || exists (@.lifecycle.*.httpGet.host ? (@ != "")) || exists (@.lifecycle.*.tcpSocket.host ? (@ != ""))
            )))
        )'
    )
    OR jsonb_path_exists(
        annotations,
        '$ ? (@.type() == "object").keyvalue() ? (
            @.key starts with "container.apparmor.security.beta.kubernetes.io/"
            && @.value != "" && @.value != "runtime/default" && !(@.value starts with "localhost/")
        )'
    );
END
$function$;

COMMENT ON FUNCTION k8s_breaks_baseline(jsonb, jsonb) IS
'Whether a pod of this spec and these annotations breaks the Pod Security Standard baseline.';

-- Whether it breaks any of what `restricted` adds.
CREATE OR REPLACE FUNCTION k8s_breaks_restricted(spec jsonb)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000
AS $function$
BEGIN
    RETURN jsonb_path_exists(
        spec,
        '$ ? (
            exists (@.*[*] ? (@.image.type() == "string" && (
                !($.os.name == "windows") && (
                    !(@.securityContext.allowPrivilegeEscalation == false)
                    || !(@.securityContext.capabilities.drop[*] == "ALL")
                    || exists (@.securityContext.capabilities.add[*] ? (@ != "NET_BIND_SERVICE"))
                    || !exists (@.securityContext.seccompProfile.type) && !exists ($.securityContext.seccompProfile.type)
                )
                || !($.hostUsers == false) && (
                    @.securityContext.runAsNonRoot == false
                    || !exists (@.securityContext.runAsNonRoot) && !($.securityContext.runAsNonRoot == true)
                    || @.securityContext.runAsUser == 0
                )
                || exists (@.securityContext.capabilities.add[*] ? (@ != "NET_BIND_SERVICE")) && !($.os.name == "windows")
                || exists (@.securityContext.procMount ? (@ != "Default"))
            )))
            || !(@.hostUsers == false) && (@.securityContext.runAsNonRoot == false || @.securityContext.runAsUser == 0)
            || exists (@.volumes[*] ? (
                !exists (@.configMap) && !exists (@.csi) && !exists (@.downwardAPI) && !exists (@.emptyDir)
                && !exists (@.ephemeral) && !exists (@.image) && !exists (@.persistentVolumeClaim) && !exists (@.projected)
                && !exists (@.secret)
            ))
        )'
    );
END
$function$;

COMMENT ON FUNCTION k8s_breaks_restricted(jsonb) IS
'Whether a pod of this spec breaks what the Pod Security Standard restricted adds to baseline.';

-- Each control that it breaks, and by what: containers, volumes, sysctls or annotations by name, or `pod`.
CREATE OR REPLACE FUNCTION k8s_pod_security(spec jsonb, annotations jsonb)
RETURNS TABLE (level text, control text, broken_by text[])
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 4
BEGIN ATOMIC
WITH broken AS (
    SELECT
        control.level,
        control.name,
        control.rank,
        found.value #>> '{}' AS broken_by
    FROM (
        VALUES
        (1, 'baseline', 'hostNamespaces', '$ ? (@.type() == "object").keyvalue() ? (
            (@.key == "hostNetwork" || @.key == "hostPID" || @.key == "hostIPC") && @.value == true
        ).key'::jsonpath),
        (1, 'baseline', 'privileged', '$.*[*] ? (
            @.image.type() == "string" && @.securityContext.privileged == true
        ).name'),
        (1, 'baseline', 'capabilities_baseline', '$.*[*] ? (@.image.type() == "string" && exists (
            @.securityContext.capabilities.add[*] ? (
                @ != "AUDIT_WRITE" && @ != "CHOWN" && @ != "DAC_OVERRIDE" && @ != "FOWNER" && @ != "FSETID"
                && @ != "KILL" && @ != "MKNOD" && @ != "NET_BIND_SERVICE" && @ != "SETFCAP" && @ != "SETGID"
                && @ != "SETPCAP" && @ != "SETUID" && @ != "SYS_CHROOT"
            )
        )).name'),
        (1, 'baseline', 'hostPathVolumes', '$.volumes[*] ? (exists (@.hostPath)).name'),
        (1, 'baseline', 'hostPorts', '$.*[*] ? (
            @.image.type() == "string" && exists (@.ports[*].hostPort ? (@ != 0))
        ).name'),
        (1, 'baseline', 'hostProbesAndHostLifecycle', '$.*[*] ? (@.image.type() == "string" && (
            exists (@.*.httpGet.host ? (@ != "")) || exists (@.*.tcpSocket.host ? (@ != ""))
            || exists (@.lifecycle.*.httpGet.host ? (@ != "")) || exists (@.lifecycle.*.tcpSocket.host ? (@ != ""))
        )).name'),
        (1, 'baseline', 'appArmorProfile', '$.*[*] ? (@.image.type() == "string" && exists (
            @.securityContext.appArmorProfile.type ? (@ != "RuntimeDefault" && @ != "Localhost")
        )).name'),
        (1, 'baseline', 'procMount', '$.*[*] ? (
            @.image.type() == "string" && exists (@.securityContext.procMount ? (@ != "Default"))
            && !($.hostUsers == false)
        ).name'),
        (1, 'baseline', 'seLinuxOptions', '$.*[*] ? (@.image.type() == "string" && (
            exists (@.securityContext.seLinuxOptions.type ? (
                @ != "" && @ != "container_t" && @ != "container_init_t" && @ != "container_kvm_t"
                && @ != "container_engine_t"
            ))
            || exists (@.securityContext.seLinuxOptions.user ? (@ != ""))
            || exists (@.securityContext.seLinuxOptions.role ? (@ != ""))
        )).name'),
        (1, 'baseline', 'seccompProfile_baseline', '$.*[*] ? (@.image.type() == "string" && exists (
            @.securityContext.seccompProfile.type ? (@ != "RuntimeDefault" && @ != "Localhost")
        )).name'),
        (1, 'baseline', 'sysctls', '$.securityContext.sysctls[*].name ? (
            @ != "kernel.shm_rmid_forced" && @ != "net.ipv4.ip_local_port_range" && @ != "net.ipv4.tcp_syncookies"
            && @ != "net.ipv4.ping_group_range" && @ != "net.ipv4.ip_unprivileged_port_start"
            && @ != "net.ipv4.ip_local_reserved_ports" && @ != "net.ipv4.tcp_keepalive_time"
            && @ != "net.ipv4.tcp_fin_timeout" && @ != "net.ipv4.tcp_keepalive_intvl"
            && @ != "net.ipv4.tcp_keepalive_probes" && @ != "net.ipv4.tcp_rmem" && @ != "net.ipv4.tcp_wmem"
        )'),
        (1, 'baseline', 'windowsHostProcess', '$.*[*] ? (
            @.image.type() == "string" && @.securityContext.windowsOptions.hostProcess == true
        ).name'),
        (2, 'restricted', 'allowPrivilegeEscalation', '$.*[*] ? (
            @.image.type() == "string" && !($.os.name == "windows")
            && !(@.securityContext.allowPrivilegeEscalation == false)
        ).name'),
        (2, 'restricted', 'capabilities_restricted', '$.*[*] ? (
            @.image.type() == "string" && !($.os.name == "windows") && (
                !(@.securityContext.capabilities.drop[*] == "ALL")
                || exists (@.securityContext.capabilities.add[*] ? (@ != "NET_BIND_SERVICE"))
            )
        ).name'),
        (2, 'restricted', 'procMount_restricted', '$.*[*] ? (
            @.image.type() == "string" && exists (@.securityContext.procMount ? (@ != "Default"))
        ).name'),
        (2, 'restricted', 'restrictedVolumes', '$.volumes[*] ? (
            !exists (@.configMap) && !exists (@.csi) && !exists (@.downwardAPI) && !exists (@.emptyDir)
            && !exists (@.ephemeral) && !exists (@.image) && !exists (@.persistentVolumeClaim) && !exists (@.projected)
            && !exists (@.secret)
        ).name'),
        (2, 'restricted', 'runAsNonRoot', '$.*[*] ? (
            @.image.type() == "string" && !($.hostUsers == false) && (
                @.securityContext.runAsNonRoot == false
                || !exists (@.securityContext.runAsNonRoot) && !($.securityContext.runAsNonRoot == true)
            )
        ).name'),
        (2, 'restricted', 'runAsUser', '$.*[*] ? (
            @.image.type() == "string" && !($.hostUsers == false) && @.securityContext.runAsUser == 0
        ).name'),
        (2, 'restricted', 'seccompProfile_restricted', '$.*[*] ? (
            @.image.type() == "string" && !($.os.name == "windows")
            && !exists (@.securityContext.seccompProfile.type) && !exists ($.securityContext.seccompProfile.type)
        ).name')
    ) AS control (rank, level, name, path)
    CROSS JOIN LATERAL jsonb_path_query(spec, control.path) AS found (value)
    UNION
    SELECT
        control.level,
        control.name,
        control.rank,
        'pod'
    FROM (
        VALUES
        (1, 'baseline', 'appArmorProfile', '$.securityContext.appArmorProfile.type ? (
            @ != "RuntimeDefault" && @ != "Localhost"
        )'::jsonpath),
        (1, 'baseline', 'seLinuxOptions', '$.securityContext.seLinuxOptions ? (
            exists (@.type ? (
                @ != "" && @ != "container_t" && @ != "container_init_t" && @ != "container_kvm_t"
                && @ != "container_engine_t"
            ))
            || exists (@.user ? (@ != "")) || exists (@.role ? (@ != ""))
        )'),
        (1, 'baseline', 'seccompProfile_baseline', '$.securityContext.seccompProfile.type ? (
            @ != "RuntimeDefault" && @ != "Localhost"
        )'),
        (1, 'baseline', 'windowsHostProcess', '$.securityContext.windowsOptions.hostProcess ? (@ == true)'),
        (2, 'restricted', 'runAsNonRoot', '$ ? (!(@.hostUsers == false)).securityContext.runAsNonRoot ? (@ == false)'),
        (2, 'restricted', 'runAsUser', '$ ? (!(@.hostUsers == false)).securityContext.runAsUser ? (@ == 0)')
    ) AS control (rank, level, name, path)
    WHERE jsonb_path_exists(spec, control.path)
    UNION
    SELECT
        'baseline',
        'appArmorProfile',
        1,
        annotation.value #>> '{}'
    FROM jsonb_path_query(annotations, '$ ? (@.type() == "object").keyvalue() ? (
        @.key starts with "container.apparmor.security.beta.kubernetes.io/"
        && @.value != "" && @.value != "runtime/default" && !(@.value starts with "localhost/")
    ).key') AS annotation (value)
)

SELECT
    broken.level,
    broken.name,
    array_agg(broken.broken_by ORDER BY broken.broken_by)
FROM broken
GROUP BY broken.rank, broken.level, broken.name
ORDER BY broken.rank, broken.name;
END;

COMMENT ON FUNCTION k8s_pod_security(jsonb, jsonb) IS
'The controls of the Pod Security Standards that a pod of this spec and these annotations breaks, their level, and by what.';
