import type { AdmissionPolicy } from './admission-policy.ts';

/** The same policy as if it enforced: what a warning would become. All else of it stays, what it becomes for an object included. */
export function enforcedPolicy(policy: AdmissionPolicy): AdmissionPolicy {
  const { prepare } = policy;
  const isExceptable = policy.excepted !== undefined;
  return {
    ...policy,
    mode: 'enforce',
    about: (object) => {
      const own = policy.about(object);
      return own === undefined ? undefined : enforcedPolicy(own);
    },
    ...(prepare === undefined ? {} : { prepare: async (context) => enforcedPolicy(await prepare(context)) }),
    ...(isExceptable ? { excepted: (exceptions) => enforcedPolicy(policy.excepted?.(exceptions) ?? policy) } : {}),
  };
}
