/** Runs Kyverno's command line over objects, and reads what it says about each. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface KyvernoVerdict {
  readonly isAdmitted: boolean;
  readonly text: string;
}

interface Result {
  readonly result: string;
  readonly message?: string;
  readonly policy?: string;
  readonly rule?: string;
  readonly resources?: readonly { readonly name: string }[];
}

/**
 * `kyverno apply --policy-report`: one result for each object and rule.
 *
 * @returns by the objects' names; those that no rule was about are missing
 */
export async function applyKyverno(
  executable: string,
  policyFile: string,
  objects: readonly { readonly metadata: { readonly name: string } }[],
  dir: string,
  more: readonly string[] = [],
): Promise<ReadonlyMap<string, KyvernoVerdict>> {
  return verdicts(await results(executable, policyFile, objects, dir, more), ({ name }) => name);
}

/** The same by `object rule`, for policies of many rules. */
export async function applyKyvernoRules(
  executable: string,
  policyFile: string,
  objects: readonly { readonly metadata: { readonly name: string } }[],
  dir: string,
  more: readonly string[] = [],
): Promise<ReadonlyMap<string, KyvernoVerdict>> {
  return verdicts(await results(executable, policyFile, objects, dir, more), ({ name, rule }) => `${name} ${rule}`);
}

/** The same by the policies' names, for one object under many policies. */
export async function applyKyvernoPolicies(
  executable: string,
  policyFile: string,
  object: { readonly metadata: { readonly name: string } },
  dir: string,
): Promise<ReadonlyMap<string, KyvernoVerdict>> {
  return verdicts(await results(executable, policyFile, [object], dir, []), ({ policy }) => policy);
}

async function results(
  executable: string,
  policyFile: string,
  objects: readonly object[],
  dir: string,
  more: readonly string[],
): Promise<readonly Result[]> {
  const file = join(dir, 'objects.yaml');
  writeFileSync(file, objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  const args = ['apply', policyFile, '--resource', file, '--registry', '--policy-report', '--output-format', 'json'];
  const { stdout, stderr } = await run(executable, [...args, '--remove-color', ...more], dir);
  const begin = stdout.indexOf('{');
  assert.ok(begin >= 0, `no report:\n${stdout}\n${stderr}`);
  return (JSON.parse(stdout.slice(begin)) as { results?: readonly Result[] }).results ?? [];
}

function verdicts(
  reported: readonly Result[],
  keyOf: (result: { readonly name: string; readonly policy: string; readonly rule: string }) => string,
): ReadonlyMap<string, KyvernoVerdict> {
  const found = new Map<string, KyvernoVerdict>();
  for (const { result, message = '', policy = '', rule = '', resources = [] } of reported) {
    for (const { name } of resources) {
      const key = keyOf({ name, policy, rule });
      const before = found.get(key);
      found.set(key, {
        isAdmitted: (before?.isAdmitted ?? true) && (result === 'pass' || result === 'skip'),
        text: `${before === undefined ? '' : `${before.text}; `}${rule}: ${result} ${message}`,
      });
    }
  }
  return found;
}

async function run(
  executable: string,
  args: readonly string[],
  home: string,
): Promise<{ stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: home };
  try {
    return await promisify(execFile)(executable, args, { env, timeout: 120_000, maxBuffer: 64 << 20 });
  } catch (error) {
    const { stdout = '', stderr = '', code } = error as { stdout?: string; stderr?: string; code?: number };
    // It fails with 1 as soon as anything is refused.
    assert.equal(code, 1, `${stdout}${stderr}`);
    return { stdout, stderr };
  }
}
