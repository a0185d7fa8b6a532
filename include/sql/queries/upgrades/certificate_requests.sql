-- Which certificate requests wait, or will expire?
-- Hit: A CertificateSigningRequest that nobody has decided on, or that is approved and has no certificate: the
-- controller manager deletes the former after 24 hours, the latter after one. `expires_at`: when the certificate that
-- was asked for ends at the latest, within 30 days, where the request says how long it is to hold.
-- Do: Approve or deny it; renew what expires.
-- Key: name
-- Source: Kubernetes documentation, Certificates and Certificate Signing Requests.
-- Limits: A signer may give less time than was asked for; the certificate itself is not taken apart.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['certificatesigningrequests'])
),

found AS (
    SELECT
        context_name,
        name,
        signer_name,
        username,
        display_condition,
        created_at,
        CASE
            WHEN display_condition LIKE '%Issued%' AND expiration_seconds > 0
                THEN created_at + make_interval(secs => expiration_seconds)
        END AS expires_at
    FROM k8s_certificatesigningrequests
    WHERE isfinite(created_at) AND created_at < '9000-01-01'
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        name,
        signer_name,
        username,
        display_condition,
        created_at,
        expires_at
    FROM found
    WHERE display_condition IN ('Pending', 'Approved') OR expires_at < now() + interval '30 days'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, expires_at, context_name, name;
