/** The policy engines, built by `tools/engines/build`. Without them a test skips aloud; with CI=1 it fails. */
import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import type { TestContext } from 'node:test';
import { findPolicyEngines } from '../../src/io/engines/engine-location.ts';
import { PolicyEngines, type PolicyEnginesOptions } from '../../src/io/engines/policy-engines.ts';
import { RemoteError } from '../../src/errors.ts';
import { inCi } from './peers.ts';
import { skipAloud } from './shared.ts';

/** Absolute path of the executable; undefined when the test has been skipped, and the caller returns at once. */
export async function engineExecutable(t: TestContext): Promise<string | undefined> {
  try {
    return await findPolicyEngines({ environment: process.env, home: homedir() });
  } catch (error) {
    assert.ok(error instanceof RemoteError && error.code === 'POLICY_ENGINE_MISSING');
    const command = 'sh tools/engines/build';
    if (inCi())
      assert.fail(`the policy engines are not built, and CI skips nothing that it could build; run: ${command}`);
    skipAloud(t, 'the policy engines are not built', command);
    return undefined;
  }
}

/** Engines that end with the test. */
export async function policyEngines(
  t: TestContext,
  options: Omit<PolicyEnginesOptions, 'executable'> = {},
): Promise<PolicyEngines | undefined> {
  const executable = await engineExecutable(t);
  if (executable === undefined) return undefined;
  // Generous, because a busy machine is no reason to call a policy slow; what must time out says so itself.
  const engines = new PolicyEngines({ timeoutMs: 60_000, ...options, executable });
  t.after(() => engines.close());
  return engines;
}

/** The code and what was found, of an evaluation that must not have a result. */
export async function refusal(evaluation: Promise<unknown>): Promise<{ code: string; found: string }> {
  const outcome = await evaluation.then(
    (result) => assert.fail(`there is a result: ${JSON.stringify(result)}`),
    (error: unknown) => error,
  );
  if (outcome instanceof Error && 'code' in outcome && 'facts' in outcome) {
    return { code: String(outcome.code), found: (outcome.facts as { found?: string }).found ?? '' };
  }
  throw outcome;
}
