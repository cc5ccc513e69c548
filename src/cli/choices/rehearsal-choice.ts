import { isTrustNeeded, type PolicySet } from '../../core/policy/judgement/policy-set.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { HttpClient, SYSTEM_CLOCK } from '../../io/net/http-client.ts';
import { RequestBudget } from '../../io/net/request-budget.ts';
import { AdmissionRehearsal } from '../../workflows/admission/admission-rehearsal.ts';
import { commonAccess, type RegistryAccess } from '../../workflows/admission/registry-access.ts';
import type { CommandContext } from '../grammar/command.ts';
import { lazyEngines } from './engine-choice.ts';
import { isOffline } from './key-choice.ts';
import { registryClients } from './registry-choice.ts';
import { currentRevocations } from './revocation-choice.ts';
import { NOBODY, trustFor } from './trust-choice.ts';

export interface OpenedRehearsal {
  readonly rehearsal: AdmissionRehearsal;
  /** Registries as whoever runs the command reaches them. */
  readonly access: RegistryAccess;
  /** The same with other credentials. */
  readonly registries: ReturnType<typeof registryClients>;
  readonly trustedRoot: TrustedRoot;
  /** Whom signatures are believed by, in words. */
  readonly trustSource: string;
  close(): Promise<void>;
}

/** Longer than an API server would wait, as nobody's pod does. */
const REGISTRY_TIMEOUT_MS = 10_000;
/** A registry that asks for fewer requests gets them, for as long as somebody at a keyboard may wait. */
const BUDGET = { perMinute: Number.POSITIVE_INFINITY, atOnce: 16, maxWaitMs: 60_000 };

/**
 * Everything that decisions need beside policies and objects. Whom to trust is asked only where a policy goes by it: a key stands
 * by itself.
 *
 * @param needs `trust`: whatever the policies say
 * @throws UsageError USAGE_NO_TRUST, USAGE_FILE; FormatError; RemoteError
 */
export async function openRehearsal(
  context: CommandContext,
  sets: readonly PolicySet[],
  needs: { readonly trust: boolean } = { trust: false },
): Promise<OpenedRehearsal> {
  const { flags, environment, now } = context;
  const http = new HttpClient({ proxyEnv: environment, offline: isOffline(context) });
  const isTrusting =
    needs.trust || flags.isGiven('revocations') || sets.some(({ policies }) => isTrustNeeded(policies));
  const trust = isTrusting ? await trustFor(context, http) : NOBODY;
  const revocations = await currentRevocations(context, http, trust);
  const engines = lazyEngines(environment);
  const registries = registryClients(context, {
    timeoutMs: REGISTRY_TIMEOUT_MS,
    budget: new RequestBudget({ ...BUDGET, clock: SYSTEM_CLOCK }),
  });
  return {
    rehearsal: new AdmissionRehearsal({
      trustedRoot: trust.trustedRoot,
      engines: engines.open,
      now,
      ...(revocations === undefined ? {} : { revocations }),
    }),
    access: commonAccess(registries.open(registries.own)),
    registries,
    trustedRoot: trust.trustedRoot,
    trustSource: trust.source,
    close: async () => {
      http.close();
      registries.close();
      await engines.close();
    },
  };
}
