import { UsageError } from '../../errors.ts';
import type { JsonObject } from '../encoding/json.ts';
import { INSTALLATION_LABELS, INSTALLATION_NAME, type GrantedConfigMap } from './installation-options.ts';

const RBAC = 'rbac.authorization.k8s.io';
const LABEL = /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** By which grants are found again, in whatever namespace they are. */
export const GRANT_LABELS = { ...INSTALLATION_LABELS, 'sealwright.dev/grant': 'config-map' } as const;

/** Both kinds of a grant, in the order in which they are taken back: without its binding a role gives nobody anything. */
export const GRANT_KINDS = ['RoleBinding', 'Role'] as const;

/**
 * @param text `NAMESPACE/NAME`
 * @param flag the flag that it stands behind, for messages
 * @throws UsageError USAGE_BAD_FLAG
 */
export function parseGrantedConfigMap(text: string, flag: string): GrantedConfigMap {
  const [namespace = '', name = '', ...more] = text.split('/');
  if (LABEL.test(namespace) && SUBDOMAIN.test(name) && more.length === 0) return { namespace, name };
  throw new UsageError('USAGE_BAD_FLAG', `--${flag} names no ConfigMap`, {
    found: text.slice(0, 200),
    expected: 'NAMESPACE/NAME, such as trust/keys',
  });
}

/** The right to get exactly this one, for each account that decides by policies. */
export function configMapGrant(
  { namespace, name }: GrantedConfigMap,
  accounts: readonly string[],
  systemNamespace: string,
): readonly JsonObject[] {
  const role = `${INSTALLATION_NAME}-${name}`;
  const metadata = { name: role, namespace, labels: GRANT_LABELS };
  return [
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'Role',
      metadata,
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'], resourceNames: [name] }],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'Role', name: role },
      subjects: accounts.map((account) => ({ kind: 'ServiceAccount', name: account, namespace: systemNamespace })),
    },
  ];
}
