import { homedir } from 'node:os';
import type { PolicyEngines } from '../../io/engines/policy-engines.ts';
import type { EnginesSource } from '../../workflows/admission/policy-evaluation.ts';
import type { Environment } from '../terminal/environment.ts';

export interface LazyEngines {
  readonly open: EnginesSource;
  close(): Promise<void>;
}

/** Opened by the first policy that needs them: most have no program. */
export function lazyEngines(environment: Environment): LazyEngines {
  let opened: Promise<PolicyEngines> | undefined;
  const start = async (): Promise<PolicyEngines> => {
    const { findPolicyEngines } = await import('../../io/engines/engine-location.ts');
    const { PolicyEngines } = await import('../../io/engines/policy-engines.ts');
    return new PolicyEngines({ executable: await findPolicyEngines({ environment, home: homedir() }) });
  };
  return {
    open: () => {
      // An engine that is installed later is found later.
      opened ??= start().catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      return opened;
    },
    close: async () => {
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}
