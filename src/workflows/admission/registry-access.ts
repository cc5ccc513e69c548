import type { PolicySecret } from '../../core/policy/document/signature-source.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';

/** A registry as one workload's pods reach it. */
export interface RegistryAccess {
  /** Equal for workloads that have the same credentials: what one of them is refused is not refused to another. */
  readonly name: string;
  /**
   * @param pullSecrets of the workload's namespace, which then stand alone; with none, the workload's own credentials
   * @param policySecrets tried before those
   */
  readonly client: (pullSecrets: readonly string[], policySecrets?: readonly PolicySecret[]) => RegistryClient;
}

/** The same client for everybody. */
export function commonAccess(client: RegistryClient): RegistryAccess {
  return { name: 'common', client: () => client };
}
