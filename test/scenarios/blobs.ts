import { createHash } from 'node:crypto';
import { keyless, lines } from './images.ts';
import type { Scenario } from './scenario.ts';

const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

export const BLOB_SCENARIOS: readonly Scenario[] = [
  {
    name: 'blob, key pair',
    upstream: ['TestSignBlob', 'TestSignBlobNewBundle', 'TestSignBlobBundle', 'TestInvalidBundle'],
    play: async (actor, expect) => {
      actor.write('blob', 'some bytes');
      actor.write('other', 'other bytes');
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'blob']);
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'else']);
      const signed = await actor.ok(['sign-blob', '--yes', '--key', 'blob.key', '--bundle', 'blob.json', 'blob']);
      expect('stdout of sign-blob', signed.stdout, '');
      expect('stderr of sign-blob', lines(signed.stderr), [
        'Using payload from: blob',
        'Signing artifact...',
        'Wrote bundle to file blob.json',
      ]);
      expect('the bundle’s type', actor.json('blob.json')['mediaType'], BUNDLE_TYPE);
      expect('the bundle’s mode', actor.mode('blob.json'), 0o600);
      const verify = ['verify-blob', '--key', 'blob.pub', '--bundle', 'blob.json'];
      const verified = await actor.ok([...verify, 'blob']);
      expect('verified', [verified.stdout, verified.stderr], ['', 'Verified OK\n']);
      const digest = createHash('sha256').update('some bytes').digest('hex');
      expect('by digest', await actor.exit([...verify, `sha256:${digest}`]), 0);
      expect('by another digest', await actor.exit([...verify, `sha256:${'0'.repeat(64)}`]), 1);
      expect('from stdin', (await actor.run([...verify, '-'], {}, 'some bytes')).exitCode, 0);
      expect('another from stdin', (await actor.run([...verify, '-'], {}, 'some byte')).exitCode, 1);
      expect('another file', await actor.exit([...verify, 'other']), 1);
      expect('no file', await actor.exit([...verify, 'none']), 1);
      expect('another key', await actor.exit(['verify-blob', '--key', 'else.pub', '--bundle', 'blob.json', 'blob']), 1);
      actor.write('cut.json', actor.read('blob.json').slice(0, -2));
      expect(
        'half a bundle',
        await actor.exit(['verify-blob', '--key', 'blob.pub', '--bundle', 'cut.json', 'blob']),
        1,
      );
      const bundle = actor.read('blob.json');
      actor.write('empty.json', bundle.replace(/"tlogEntries": *\[[\s\S]*?\}\], */, ''));
      expect(
        'without a log entry',
        await actor.exit(['verify-blob', '--key', 'blob.pub', '--bundle', 'empty.json', 'blob']),
        1,
      );
      expect('no bundle at all', await actor.exit(['sign-blob', '--yes', '--key', 'blob.key', 'blob']), 1);
    },
  },
  {
    name: 'blob, keyless',
    upstream: ['TestSignAttestVerifyBlobWithSigningConfig', 'TestSignVerifyBundleOffline', 'TestOffline'],
    play: async (actor, expect) => {
      actor.write('thing', 'a thing');
      await actor.ok(['sign-blob', ...keyless(actor), '--bundle', 'thing.json', 'thing']);
      const verify = ['verify-blob', '--bundle', 'thing.json'];
      expect('verified', await actor.exit([...verify, ...actor.signer, 'thing']), 0);
      const issuer = ['--certificate-oidc-issuer', actor.issuer];
      expect('another identity', await actor.exit([...verify, '--certificate-identity', 'x', ...issuer, 'thing']), 1);
      expect(
        'a part of it',
        await actor.exit([...verify, '--certificate-identity-regexp', 'dev', ...issuer, 'thing']),
        0,
      );
      expect('nobody', await actor.exit([...verify, 'thing']), 1);
      const root = ['--trusted-root', actor.stack.status.trustedRoot];
      const nowhere = { TUF_ROOT: '/nonexistent', HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9' };
      expect(
        'with a trusted root and no network',
        await actor.exit([...verify, ...root, ...actor.signer, 'thing'], nowhere),
        0,
      );
    },
  },
];
