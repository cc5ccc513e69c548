/** cosign's command line as cosign itself tells it, and the copy that is kept so that it can be read without cosign. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const COMMAND_LINE_FILE = resolve(import.meta.dirname, '../vectors/cosign/command-line.json');

export interface CosignCommandLine {
  /** As `cosign version` has it: `v3.1.3`. */
  readonly version: string;
  /** Of every command. */
  readonly global: readonly string[];
  /** By name as typed: `download signature`. Commands that only hold others are among them. */
  readonly commands: Readonly<Record<string, CosignCommand>>;
}

export interface CosignCommand {
  /** Long names, as help lists them, without `help` and the global ones. */
  readonly flags: readonly string[];
  /** Accepted, and in no help: marked as deprecated. */
  readonly hidden: readonly string[];
}

/** Commands that no page of help names, because they are deprecated or for developers. */
const HIDDEN_COMMANDS = ['attach', 'copy', 'debug', 'dockerfile', 'generate', 'manifest', 'triangulate', 'upload'];

/**
 * Every name that cosign's sources mark as deprecated anywhere (`cosign: cmd/cosign/cli/options/*.go`): such flags are in no
 * help, so which command has which is found out by asking it.
 */
const HIDDEN_FLAGS: readonly string[] = [
  ...['attachment', 'attachment-tag-prefix', 'b64', 'ca-intermediates', 'ca-roots', 'certificate', 'certificate-chain'],
  ...['ctfe-end-time', 'ctfe-key', 'ctfe-start-time', 'ctfe-url', 'experimental-oci11', 'fulcio-uri', 'fulcio-url'],
  ...['insecure-skip-verify', 'issue-certificate', 'new-bundle-format', 'offline', 'oidc-issuer', 'output'],
  ...['output-attestation', 'output-certificate', 'output-payload', 'output-signature', 'payload'],
  ...['private-infrastructure', 'record-creation-timestamp', 'rekor-end-time', 'rekor-entry-type', 'rekor-key'],
  ...['rekor-start-time', 'rekor-url', 'replace', 'rfc3161-timestamp', 'rfc3161-timestamp-bundle', 'sct', 'sig-only'],
  ...['sign-container-identity', 'signature', 'signature-digest-algorithm', 'timestamp-certificate-chain'],
  ...['timestamp-server-url', 'timestamp-uri', 'tlog-upload'],
];

/** Without a value that means the same to flags of every kind, those that are yes or no have to be known. */
const YES_OR_NO = new Set([
  ...['b64', 'experimental-oci11', 'insecure-skip-verify', 'issue-certificate', 'new-bundle-format', 'offline'],
  ...['private-infrastructure', 'record-creation-timestamp', 'replace', 'sig-only', 'tlog-upload'],
]);

/** What was kept when the table was last made. */
export function keptCommandLine(): CosignCommandLine {
  return JSON.parse(readFileSync(COMMAND_LINE_FILE, 'utf8')) as CosignCommandLine;
}

/**
 * Asks the executable about every command.
 *
 * @param kept hidden flags are looked for where these have them; everywhere when absent, which takes a minute
 */
export async function readCommandLine(executable: string, kept?: CosignCommandLine): Promise<CosignCommandLine> {
  const { stdout } = await ask(executable, ['version', '--json']);
  const { gitVersion: version } = JSON.parse(stdout) as { gitVersion: string };
  const root = parseHelp((await ask(executable, ['--help'])).stdout);
  const queue = [...root.commands, ...HIDDEN_COMMANDS].filter((name) => name !== 'help');
  const commands: Record<string, CosignCommand> = {};
  while (queue.length > 0) {
    // Two at a time: as many as the machines have on which this is tested.
    await Promise.all(
      queue.splice(0, 2).map(async (name) => {
        const words = name.split(' ');
        const page = parseHelp((await ask(executable, [...words, '--help'])).stdout);
        queue.push(...page.commands.map((command) => `${name} ${command}`));
        const candidates = (kept?.commands[name]?.hidden ?? (kept === undefined ? HIDDEN_FLAGS : [])).filter(
          (flag) => !page.flags.includes(flag),
        );
        commands[name] = { flags: page.flags, hidden: await knownOf(executable, words, candidates) };
      }),
    );
  }
  const sorted = Object.entries(commands).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return { version, global: root.flags, commands: Object.fromEntries(sorted) };
}

/** Those of the names that the command takes: the parser stops at the first that it does not know, and says which. */
async function knownOf(executable: string, words: readonly string[], names: readonly string[]): Promise<string[]> {
  const known = [...names];
  for (;;) {
    const flags = known.map((name) => `--${name}=${YES_OR_NO.has(name) ? 'false' : 'x'}`);
    const { stderr } = await ask(executable, [...words, ...flags, '--help']);
    const unknown = /unknown flag: --(\S+)/.exec(stderr)?.[1];
    if (unknown === undefined) return known.toSorted();
    known.splice(known.indexOf(unknown), 1);
  }
}

/** Names in a page of help, in its order. */
function parseHelp(page: string): { readonly commands: readonly string[]; readonly flags: readonly string[] } {
  const section = (title: string): string =>
    new RegExp(`^${title}:\\n([\\s\\S]*?)(?:\\n\\n(?! )|$(?![\\s\\S]))`, 'm').exec(page)?.[1] ?? '';
  const names = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name = '']) => name);
  return {
    commands: [
      ...names(section('Available Commands'), /^(\S+)/gm),
      ...names(page.split('Additional help topics:')[1] ?? '', /^cosign (\S+) /gm),
    ],
    flags: names(section('Flags'), /^ {4}(?:-\w, )?--([\w-]+)=/gm).filter((name) => name !== 'help'),
  };
}

function ask(
  executable: string,
  args: readonly string[],
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return new Promise((done) => {
    const environment = { PATH: process.env['PATH'], HOME: '/nonexistent' };
    execFile(executable, args, { env: environment }, (_, stdout, stderr) => {
      done({ stdout, stderr });
    });
  });
}
