import type { Rung } from '../audit/running-copy.ts';
import type { JsonValue } from '../encoding/json.ts';

/**
 * What an installation is made of. In a chart each of these is a template's expression instead of a value, which is why they are
 * JSON values: what stands in an object is never looked into here.
 */
export interface InstallationOptions {
  /** Where the webhook runs, and the Secrets and ConfigMaps of policies are. */
  readonly namespace: string;
  /** The webhook's own image; by digest, or nobody knows what admits. */
  readonly image: JsonValue;
  /** Secrets in the same namespace with which it is pulled: `[{ name }]`. */
  readonly imagePullSecrets: JsonValue;
  readonly replicas: JsonValue;
  /** Which namespaces are guarded. */
  readonly namespaceSelector: JsonValue;
  /** Arguments that say the same to the webhook (`--namespaces`). */
  readonly scope: JsonValue;
  /** Namespaces that are never guarded beside the webhook's own and kube-system. */
  readonly exempt: readonly string[];
  /** `Fail`, or `Ignore`: admit unseen when no replica answers. */
  readonly failurePolicy: JsonValue;
  /** What the API server waits for, at most 30. */
  readonly timeoutSeconds: JsonValue;
  /** Who may reach the port: `from` of a NetworkPolicy; empty for everybody. */
  readonly callers: JsonValue;
  /** Text of the trusted_root.json that signatures are verified by. */
  readonly trustedRoot: JsonValue;
  /** Arguments that say where revocations come from, and what once they are old (`--revocations` and so on); empty for nowhere. */
  readonly revocationArguments: readonly JsonValue[];
  /** Arguments that say how registries are spoken to (`--allow-http-registry`); empty for TLS alone. */
  readonly registryArguments: readonly JsonValue[];
  /** Text of the authority that may revoke; empty for nobody. */
  readonly revocationAuthority: JsonValue;
  /** How far running copies of what is revoked are taken; nobody looks for them when absent. */
  readonly watch?: Rung;
  /** cert-manager renews the certificate; the replicas do it themselves when absent. */
  readonly certManager?: CertManagerChoice;
  /** Argument that says where evidence is kept (`--evidence`): a file of each replica's own, or a database that they share. */
  readonly evidence: JsonValue;
  /** Argument that says where the database's password is; with nothing after the `=` where there is no database. */
  readonly evidencePassword: JsonValue;
  /** Name of the Secret with that `password`, and perhaps a `ca.crt`, in the webhook's namespace; it may be absent. */
  readonly evidenceSecret: JsonValue;
  /** ConfigMaps of other namespaces that policies may read. */
  readonly configMaps: readonly GrantedConfigMap[];
  /** What it says about its own flags (`encodeInstalledWith`); absent where whoever applies the objects keeps them. */
  readonly installedWith?: string;
  /** Further kinds with a pod template. */
  readonly podTemplates: readonly PodTemplateRule[];
}

/** Who signs the certificate that cert-manager renews. */
export interface CertManagerChoice {
  /** An authority of the installation's own when absent. */
  readonly issuer?: { readonly kind: 'Issuer' | 'ClusterIssuer'; readonly name: string };
}

/** A ConfigMap of another namespace that policies read keys from. */
export interface GrantedConfigMap {
  readonly namespace: string;
  readonly name: string;
}

/** Objects of a kind of somebody else's with a pod template in them. */
export interface PodTemplateRule {
  readonly group: string;
  /** Lower-case plural. */
  readonly resource: string;
  /** Members from the object down to the pod template: `spec.template`. */
  readonly path: readonly string[];
}

/**
 * Brings an installation up to date that does not say which flags it was made with: by manifests, a chart or an older version. Of any
 * other the whole command is known.
 */
export const INSTALL_AGAIN =
  'apply the manifests or the chart again; or sealwright webhook install --reset --image IMAGE@DIGEST --trusted-root FILE, and what else is to hold';

/** How everything that belongs to an installation is called. */
export const INSTALLATION_NAME = 'sealwright-webhook';
/** Both configurations that tell the API server, and what they are found by. */
export const CONFIGURATION_NAME = 'sealwright';
/** Holds the serving certificate and the authorities, shared by all replicas. */
export const CERTIFICATE_SECRET = 'sealwright-webhook-tls';
/** Whom to believe: the trusted root, and who may revoke. */
export const TRUST_CONFIG_MAP = 'sealwright-trust';
/** Of the Events by which a replica says that it could not renew its trusted root. */
export const TRUST_FAILED_REASON = 'TrustNotRenewed';
/** The same when it could again. */
export const TRUST_RENEWED_REASON = 'TrustRenewed';
/** Where that is seen in a pod. */
export const TRUST_FOLDER = '/etc/sealwright/trust';
export const TRUSTED_ROOT_FILE = 'trusted_root.json';
export const REVOCATION_AUTHORITY_FILE = 'revocation-authority.json';
/** Holds the record of the last drill of revocation, as `revoke drill --keep-record` leaves it: proof and all. */
export const DRILL_CONFIG_MAP = 'sealwright-drill';
export const DRILL_RECORD_FILE = 'record.json';
/** Of the CronJob that drills, by which it is found wherever it is. */
export const DRILL_LABELS = { 'app.kubernetes.io/name': 'sealwright', 'app.kubernetes.io/component': 'drill' } as const;
/** Holds what the database for evidence wants, unless another is named. */
export const EVIDENCE_SECRET = 'sealwright-evidence';
/** Where that Secret is seen in a pod: `sslrootcert` of the database's URL may name a file in it. */
export const EVIDENCE_FOLDER = '/etc/sealwright/evidence';
/** What a pod may write to. */
export const DATA_FOLDER = '/var/lib/sealwright';

/** Arguments of the pods; in a chart either of both, chosen by its user. */
export const OWN_EVIDENCE = [`--evidence=${DATA_FOLDER}/evidence.db`, '--evidence-password-file='] as const;
export const SHARED_EVIDENCE = ['--evidence=', `--evidence-password-file=${EVIDENCE_FOLDER}/password`] as const;
export const HTTP_REGISTRY = '--allow-http-registry';
export const INSTALLATION_LABELS = {
  'app.kubernetes.io/name': 'sealwright',
  'app.kubernetes.io/component': 'webhook',
} as const;
/** policy-controller's: a namespace opts in with the one, or out with the other. */
export const INCLUDE_LABEL = 'policy.sigstore.dev/include';
export const EXCLUDE_LABEL = 'policy.sigstore.dev/exclude';

export const NAMESPACE_SCOPES = ['opt-in', 'opt-out', 'all'] as const;
export type NamespaceScope = (typeof NAMESPACE_SCOPES)[number];

/** Namespaces that are never guarded, whatever their labels say: what a cluster needs to start must not wait for a webhook. */
export const NEVER_GUARDED: readonly string[] = ['kube-system', 'kube-node-lease'];

/**
 * The namespace selector of both configurations.
 *
 * @param exempt further namespaces that are never guarded: the webhook's own, and those of what it needs
 */
export function namespaceSelector(
  scope: NamespaceScope,
  exempt: readonly string[],
): Readonly<Record<string, JsonValue>> {
  const names = [...new Set([...NEVER_GUARDED, ...exempt])];
  // Set by the API server itself, so that nobody can leave by a label (KEP-2161).
  const never = { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: names };
  const optedOut = { key: EXCLUDE_LABEL, operator: 'DoesNotExist' };
  return {
    ...(scope === 'opt-in' ? { matchLabels: { [INCLUDE_LABEL]: 'true' } } : {}),
    matchExpressions: scope === 'opt-out' ? [never, optedOut] : [never],
  };
}

/** The same decision about one namespace, for when a configuration says otherwise. */
export function isGuarded(
  scope: NamespaceScope,
  { name, labels }: { readonly name: string; readonly labels: ReadonlyMap<string, string> },
  exempt: readonly string[],
): boolean {
  if (NEVER_GUARDED.includes(name) || exempt.includes(name)) return false;
  if (scope === 'opt-in') return labels.get(INCLUDE_LABEL) === 'true';
  return scope === 'all' || !labels.has(EXCLUDE_LABEL);
}
