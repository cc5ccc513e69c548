/** One cache for cosign and for us: each starts where the other left off. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeBundle } from '../../../src/core/bundle/bundle-encoder.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { fetchInstanceTrust } from '../../../src/io/tuf/instance-trust.ts';
import { initialize } from '../../../src/workflows/trust/initialize.ts';
import { instance, signingConfig, temporaryFolder, TRUSTED_ROOT } from '../../servers/trust/repository.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { interop } from '../../support/interop.ts';
import { HostileMirror } from './hostile-mirror.ts';

const run = promisify(execFile);

interface Home {
  readonly home: string;
  readonly mirror: HostileMirror;
  readonly url: string;
  readonly root: string;
  readonly environment: { readonly HOME: string; readonly PATH: string };
}

async function prepare(t: Parameters<Parameters<typeof interop>[3]>[0]): Promise<Home> {
  const mirror = await HostileMirror.create(t);
  const home = temporaryFolder(t);
  const root = join(home, 'root.json');
  writeFileSync(root, mirror.rootJson);
  return { home, mirror, url: await mirror.url(), root, environment: { HOME: home, PATH: process.env['PATH'] ?? '' } };
}

interop('cosign', 'peer → sealwright', 'trust cache: it initialises, we read it offline', async (t, cosign) => {
  const { mirror, url, root, environment } = await prepare(t);
  const checksum = createHash('sha256').update(mirror.rootJson).digest('hex');
  await run(cosign, ['initialize', '--mirror', url, '--root', root, '--root-checksum', checksum], { env: environment });
  const http = new HttpClient({ offline: true });
  const trust = await fetchInstanceTrust({ environment, http, now: new Date() });
  assert.equal(trust.mirror, url);
  assert.equal(Buffer.from(trust.trustedRoot).toString(), TRUSTED_ROOT);
  assert.equal(Buffer.from(trust.signingConfig ?? '').toString(), signingConfig());
});

interop('cosign', 'sealwright → peer', 'trust cache: we initialise, it verifies by it', async (t, cosign) => {
  const { home, url, root, environment } = await prepare(t);
  const http = new HttpClient();
  t.after(() => {
    http.close();
  });
  await initialize({ mirror: url, root, environment, configFolder: join(home, 'config'), http, now: new Date() });
  const artifact = Buffer.from('an artifact');
  writeFileSync(join(home, 'artifact'), artifact);
  writeFileSync(join(home, 'bundle.json'), encodeBundle(instance.signMessage(artifact)));
  const verify = (identity: string): Promise<{ stderr: string }> =>
    run(
      cosign,
      [
        'verify-blob',
        '--bundle',
        join(home, 'bundle.json'),
        '--certificate-identity',
        identity,
        '--certificate-oidc-issuer',
        ISSUER,
        join(home, 'artifact'),
      ],
      { env: environment },
    );
  assert.match((await verify(SUBJECT)).stderr, /Verified OK/);
  await assert.rejects(verify('mallory@example.com'));
});
