/** Makes `docs/cli.md` from the commands themselves: `npm run docs:cli`. A test holds the page to them. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from '../src/cli/grammar/command.ts';
import { COMMANDS } from '../src/cli/command-table.ts';
import { GLOBAL_FLAGS, type Flag } from '../src/cli/grammar/flag.ts';
import { flagSyntax, flagText, usageLine } from '../src/cli/help-page.ts';

export const REFERENCE_FILE = join(resolve(import.meta.dirname, '..'), 'docs', 'cli.md');

const INTRODUCTION = `# Commands

Made from the commands by \`npm run docs:cli\`; a test holds this page to them.

Names of flags are cosign 3's wherever cosign has one. In the commands that cosign has, \`COSIGN_NAME\` in the environment stands
for \`--name\` (\`COSIGN_YES=true\`); the command line wins. A folder in the working directory is never a source of trust: only
\`up\`, \`down\`, \`status\`, \`dev-token\` and \`log fsck\` look for \`./.sealwright\`. The others trust, in this order: the flags,
\`--dir\` or \`SEALWRIGHT_DIR\`, the stack that \`up\` recorded for this user under \`~/.config/sealwright\`, the public instance.

\`--key\` takes a path, an https URL, \`env://NAME\`, \`k8s://NAMESPACE/SECRET\`, \`gitlab://PROJECT\`, or \`NAME://KEY\` of a key
service, which the program \`sigstore-kms-NAME\` on the search path speaks to (\`awskms://\`, \`gcpkms://\` and the like are such
names). Keys on hardware tokens are refused.

stdout carries the result, stderr progress and errors. Exit codes: 0 done; 1 usage, format, limits; 10 no signature; 11 no such
tag; 12 not verified; 20 refused by policy; 23 could not check; 70 a defect of Sealwright. [errors.md](errors.md) lists every code.
`;

export async function renderReference(): Promise<string> {
  const sections = [INTRODUCTION];
  for (const { title, entries } of COMMANDS) {
    sections.push(`## ${title}\n`);
    for (const { load } of entries) sections.push(commandSection(await load()));
  }
  sections.push('## Flags of every command\n', flagTable(GLOBAL_FLAGS));
  return sections.join('\n');
}

function commandSection(command: Command): string {
  const current = command.flags.filter(({ deprecated }) => deprecated === undefined);
  const old = command.flags.filter(({ deprecated }) => deprecated !== undefined);
  return [
    `### ${command.name}\n`,
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.\n`,
    `\`\`\`\n${[usageLine(command), ...command.examples.map((line) => `  ${line}`)].join('\n')}\n\`\`\`\n`,
    ...(current.length === 0 ? [] : [flagTable(current)]),
    ...(old.length === 0
      ? []
      : [
          `Accepted for scripts of cosign: ${old.map((flag) => `\`--${flag.name}\` (${flag.deprecated ?? ''})`).join('; ')}.\n`,
        ]),
  ].join('\n');
}

function flagTable(flags: readonly Flag[]): string {
  const rows = flags.map((flag) => `| \`${cell(flagSyntax(flag).trim())}\` | ${cell(flagText(flag))} |`);
  return `| Flag | Meaning |\n|---|---|\n${rows.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}

if (import.meta.main) writeFileSync(REFERENCE_FILE, await renderReference());
