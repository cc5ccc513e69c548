import { homedir } from 'node:os';
import { extname } from 'node:path';
import { UsageError } from '../../errors.ts';
import { findPolicyEngines } from '../../io/engines/engine-location.ts';
import { PolicyEngines } from '../../io/engines/policy-engines.ts';
import {
  AttestationPolicies,
  type AttestationPolicy,
  type PolicyLanguage,
} from '../../workflows/verify/attestation-policies.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readTextFile } from '../terminal/input-file.ts';

/** Policies with the engines that judge by them, until `close`. */
export interface ChosenPolicies {
  readonly policies: AttestationPolicies | undefined;
  /** As they were named. */
  readonly files: readonly string[];
  readonly close: () => Promise<void>;
}

/**
 * The policies that `--policy` names. The engines are looked for only when there are any, and before the registry is asked.
 *
 * @throws UsageError USAGE_BAD_FLAG for a file of another kind, USAGE_FILE; RemoteError POLICY_ENGINE_MISSING
 */
export async function attestationPolicies(context: CommandContext): Promise<ChosenPolicies> {
  const { flags, environment, now } = context;
  const files = flags.list('policy');
  if (files.length === 0) return { policies: undefined, files, close: () => Promise.resolve() };
  const sources = files.map((file) => readPolicy(file, context));
  const executable = await findPolicyEngines({ environment, home: homedir() });
  // One process is all that one command can use: attestations are judged one after the other.
  const engines = new PolicyEngines({ executable, processes: 1 });
  return { policies: new AttestationPolicies(engines, sources, now()), files, close: () => engines.close() };
}

function readPolicy(file: string, { compat }: CommandContext): AttestationPolicy {
  const languages: readonly PolicyLanguage[] = compat ? ['cue', 'rego'] : ['cue', 'rego', 'cel'];
  const language = languages.find((known) => extname(file) === `.${known}`);
  if (language !== undefined) return { name: file, text: readTextFile(file), language };
  throw new UsageError('USAGE_BAD_FLAG', 'the policy is in no language that is known', {
    found: file,
    expected: languages.map((known) => `.${known}`).join(', '),
  });
}
