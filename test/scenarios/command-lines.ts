import { keyless, lines } from './images.ts';
import type { Scenario } from './scenario.ts';

/** How command lines are read, whatever the command. */
export const COMMAND_LINE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'flags from the environment',
    upstream: ['TestGenerateKeyPairEnvVar'],
    play: async (actor, expect) => {
      const image = await actor.image('environment');
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'env']);
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'env2']);
      await actor.ok(['sign', image], { COSIGN_KEY: 'env.key', COSIGN_YES: 'true' });
      expect('verify', await actor.exit(['verify', image], { COSIGN_KEY: 'env.pub' }), 0);
      expect('another key', await actor.exit(['verify', image], { COSIGN_KEY: 'env2.pub' }), 1);
      expect(
        'the command line wins',
        await actor.exit(['verify', '--key', 'env.pub', image], { COSIGN_KEY: 'env2.pub' }),
        0,
      );
      expect(
        'nonsense for a boolean',
        await actor.exit(['sign', image], { COSIGN_KEY: 'env.key', COSIGN_YES: 'si' }),
        0,
      );
      const text = await actor.ok(['verify', image], { COSIGN_KEY: 'env.pub', COSIGN_OUTPUT: 'text' });
      expect('the output’s form', text.stdout.startsWith('{'), true);
      expect(
        'a key in the environment',
        await actor.exit(['verify', '--key', 'env://PUB', image], { PUB: actor.read('env.pub') }),
        0,
      );
    },
  },
  {
    name: 'flags under other names',
    upstream: [],
    play: async (actor, expect) => {
      const image = await actor.image('aliases');
      await actor.ok(['sign', ...keyless(actor), image]);
      const short = ['--cert-identity', 'dev@example.test', '--cert-oidc-issuer', actor.issuer];
      expect('aliases', await actor.exit(['verify', ...short, image]), 0);
      const dashes = await actor.run(['verify', ...short.map((word) => word.replace(/^--/, '-')), image]);
      expect('one dash', dashes.exitCode, 0);
      expect(
        'the warning',
        lines(dashes.stderr)[0],
        'WARNING: the -cert-identity flag is deprecated and will be removed in a future release. Please use the --cert-identity flag instead.',
      );
      const old = await actor.run(['verify', ...short, '--offline', image]);
      expect('deprecated', [old.exitCode, /^Flag --offline has been deprecated, /m.test(old.stderr)], [0, true]);
      expect('with an equals sign', await actor.exit(['verify', ...short, '--output=json', image]), 0);
      expect('after the image', await actor.exit(['verify', image, ...short]), 0);
      expect('in front of the command', await actor.exit(['-t', '1m', 'verify', ...short, image]), 0);
    },
  },
  {
    name: 'command lines that are wrong',
    upstream: [],
    play: async (actor, expect) => {
      const complaint = async (...args: readonly string[]): Promise<unknown> => {
        const { exitCode, stdout, stderr } = await actor.run(args);
        return [exitCode, stdout, lines(stderr).at(0), lines(stderr).at(-1)];
      };
      const both = (text: string): unknown => [1, '', `Error: ${text}`, `error during command execution: ${text}`];
      expect('an unknown flag', await complaint('verify', '--bogus', 'x'), both('unknown flag: --bogus'));
      expect('no image', await complaint('verify'), both('requires at least 1 arg(s), only received 0'));
      expect('two files', await complaint('verify-blob', 'a', 'b'), both('accepts 1 arg(s), received 2'));
      expect('no value', await complaint('verify', '--key'), both('flag needs an argument: --key'));
      const unknown = await actor.run(['bogus']);
      expect(
        'an unknown command',
        [unknown.exitCode, lines(unknown.stderr)[0]],
        [1, 'Error: unknown command "bogus" for "cosign"'],
      );
      const nobody = await actor.run(['verify', 'a.example/b@sha256:' + 'a'.repeat(64)]);
      expect(
        'nobody to verify by',
        lines(nobody.stderr)[0],
        'Error: --certificate-identity or --certificate-identity-regexp is required for verification in keyless mode',
      );
    },
  },
  {
    name: 'values that are none, and one too many',
    upstream: [],
    play: async (actor, expect) => {
      const image = await actor.image('values');
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'values']);
      await actor.ok(['sign', '--yes', '--key', 'values.key', image]);
      const verify = ['verify', '--key', 'values.pub'];
      expect('an output that there is not', await actor.exit([...verify, '-o', 'yaml', image]), 0);
      expect('no workers', await actor.exit([...verify, '--max-workers', '0', image]), 1);
      actor.write('one.txt', 'a text');
      actor.write('two.txt', 'another text');
      actor.write('predicate.json', '{"buildType":"x"}');
      const bundle = ['--yes', '--key', 'values.key', '--bundle', 'values.json'];
      expect('two files and one bundle', await actor.exit(['sign-blob', ...bundle, 'one.txt', 'two.txt']), 0);
      const attest = ['attest-blob', '--predicate', 'predicate.json'];
      expect('a digest that is none', await actor.exit([...attest, ...bundle, '--hash', 'zz', 'one.txt']), 0);
      expect('no bundle', await actor.exit([...attest, '--yes', '--key', 'values.key', 'one.txt']), 1);
      expect('nothing to attach', await actor.exit(['attach', 'attestation', image]), 0);
    },
  },
  {
    name: 'output to a file, and a deadline',
    upstream: [],
    play: async (actor, expect) => {
      const image = await actor.image('output');
      await actor.ok(['sign', ...keyless(actor), image]);
      const verified = await actor.ok(['verify', ...actor.signer, '--output-file', 'result.json', image]);
      expect('stdout', verified.stdout, '');
      expect('the file', (JSON.parse(actor.read('result.json')) as unknown[]).length, 1);
      expect('no time at all', await actor.exit(['verify', ...actor.signer, '-t', '1ms', image]), 1);
      expect('no duration', await actor.exit(['verify', ...actor.signer, '-t', 'soon', image]), 1);
    },
  },
];
