/** What {@link REGISTRY_COMMANDS} need to end well: an image that is signed, attested and described, and files beside it. */
import assert from 'node:assert/strict';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { REGISTRY_COMMANDS, type RegistryCommand } from './registry-commands.ts';
import type { Sandbox } from '../support/command-line.ts';
import { FakeInstance } from '../support/instance.ts';
import type { SameProcess } from '../support/same-process.ts';

export const KEY_PASSWORD = { COSIGN_PASSWORD: 'of the key' };

/** What is written into the working folder once, whatever the registry. */
export async function prepareFiles(sandbox: Sandbox, line: SameProcess, hosts: readonly string[]): Promise<void> {
  sandbox.write('root.json', encodeTrustedRoot(new FakeInstance().trustedRoot));
  sandbox.write('predicate.json', '{}');
  sandbox.write('app.spdx.json', '{"spdxVersion":"SPDX-2.3"}');
  for (const host of hosts) {
    sandbox.write(`Dockerfile.${host}`, `FROM ${host}/app:1\n`);
    sandbox.write(`${host}.yaml`, `kind: Pod\nspec:\n  containers:\n  - image: ${host}/app:1\n`);
  }
  await line.ok(['generate-key-pair'], { environment: KEY_PASSWORD });
}

/** @param prefix of the repositories, such as `n1/`; what `load` loads is made where there is none */
export async function prepareImages(line: SameProcess, sandbox: Sandbox, host: string, prefix = ''): Promise<void> {
  await pushDemoImage(host, `${prefix}dirty`, '1');
  sandbox.write('envelope.json', envelopeAbout((await pushDemoImage(host, `${prefix}app`, '1')).digest));
  const prepare = async (wanted: string, ...flags: readonly string[]): Promise<void> => {
    const command = REGISTRY_COMMANDS.find(({ name }) => name === wanted);
    assert.ok(command !== undefined);
    await line.ok([...commandLine(command, placeOf(host, prefix)), ...flags], { environment: KEY_PASSWORD });
  };
  await prepare('sign');
  await prepare('sign', '--new-bundle-format=false');
  await prepare('attest');
  await prepare('attach sbom');
  await prepare('save', '--dir', 'saved');
}

export function placeOf(host: string, prefix: string): string {
  return `${host}/${prefix}`.replace(/\/$/, '');
}

export function commandLine({ name, args }: RegistryCommand, host: string): readonly string[] {
  return [...name.split(' '), ...args(host)];
}

function envelopeAbout(image: string): string {
  const statement = {
    _type: 'https://in-toto.io/Statement/v0.1',
    predicateType: 'https://example.com/reviewed',
    subject: [{ name: 'app', digest: { sha256: image.slice('sha256:'.length) } }],
    predicate: {},
  };
  return JSON.stringify({
    payloadType: 'application/vnd.in-toto+json',
    payload: Buffer.from(JSON.stringify(statement)).toString('base64'),
    signatures: [{ keyid: '', sig: 'c2ln' }],
  });
}
