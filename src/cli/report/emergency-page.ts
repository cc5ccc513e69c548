import type { Contact } from '../../core/emergency/emergency-contacts.ts';
import type { EmergencyFacts, NamedThing } from '../../core/emergency/emergency-facts.ts';
import { SCENARIOS } from '../../core/emergency/emergency-scenario.ts';
import { encodeBlock, type GeneratedBlock } from '../../core/emergency/generated-text.ts';
import { draftsFor } from '../../core/emergency/statement-draft.ts';
import type { TabletopStep } from '../../core/emergency/tabletop-record.ts';
import { selectorText } from '../../core/revocation/revocation-selector.ts';
import { emergencySteps, exerciseSteps, repairSteps } from './emergency-steps.ts';
import { markdownTable } from './markdown-table.ts';
import { code, text } from './markdown-text.ts';

/** Of a plan's folder, beside the page. */
export const DRAFT_FOLDER = 'statements';

/** Nobody knows their names before. */
const UNDRAFTED: readonly (readonly string[])[] = [
  [
    'A bad release of a builder',
    'a finding in a build tool or a reusable workflow',
    'high',
    'other builders, and other versions',
    '`revoke sign --builder ID --builder-version V`; build again what it has built',
  ],
  [
    'A registry was tampered with',
    'a tag or a manifest that nobody pushed',
    'high',
    'what verifies when it is fetched again',
    '`revoke sign --repository GLOB`; empty the caches in front of it',
  ],
];

/** What is generated of the page, by name, in its order. */
export function emergencyBlocks(
  facts: EmergencyFacts,
  contacts: readonly Contact[],
  folder: string,
): readonly GeneratedBlock[] {
  return [
    { name: 'installation', text: installation(facts) },
    { name: 'authority', text: authority(facts) },
    { name: 'contacts', text: contactTable(contacts) },
    { name: 'decisions', text: decisions() },
    { name: 'statements', text: statements(facts, folder) },
    { name: 'image', text: image(facts) },
    { name: 'repair', text: stepTable(repairSteps(facts)) },
    { name: 'exercises', text: stepTable(exerciseSteps(facts, folder)) },
  ];
}

/** A page for an installation that has none: what is generated, and beside it what its people write from then on. */
export function newEmergencyPage(blocks: readonly GeneratedBlock[]): string {
  const block = (name: string): string => {
    const found = blocks.find((one) => one.name === name);
    return found === undefined ? '' : encodeBlock(found);
  };
  return `# Emergency plan: revocation

What is between the marks is generated from the installation, and renewed by \`sealwright plan init\`. Everything else is yours: it is
never touched. \`sealwright plan check\` says what is missing or no longer true.

## What is protected

${block('installation')}
## Who may revoke

${block('authority')}
## Whom to reach

From \`contacts.json\`; fill it in there. Try each way once a quarter, and none of them by what the others go by.

${block('contacts')}
## What happened, and what to do

${block('decisions')}
Severity: **critical** wakes people at any hour; **high** is dealt with the same day; whatever cannot be told apart is critical.

## The statements, drafted

${block('statements')}
### One bad image

${block('image')}
## What must not stop

Business exceptions, and the order in which the rest is ended. Nothing of \`kube-system\`, the webhook or a registry that images come from is
stopped unless it is named (\`--force-stop\`, \`--force-namespace\`).

- (none)

## At the identity provider

- end all sessions of the account, and take back its tokens
- ask for a second factor anew, and look for one that a stranger has added
- look who else may change the workflow or the client

## What to say

> **To our own people**: at TIME we took back what SIGNER has signed since TIME. Deployments of it are refused with \`REVOKED\`; this is meant.
> Do not work around it. Ask CHANNEL.

> **To customers**: on DATE we learned that REASON. Releases signed from TIME to TIME must not be used. What was signed before is not
> concerned. Replacement: DIGEST. How to check: \`sealwright verify\` ends with \`REVOKED\`, exit code 21.

> **To whoever supervises us**: what happened, since when, what was concerned, what was done and when (from the records of the statements and
> of the log), what remains open.

## When it is repaired

${block('repair')}
## Once a quarter

${block('exercises')}
## Afterwards

- keep the statements, the snapshot, the list of what was signed, and the times: \`sealwright revoke status -o json\`
- hold a tabletop about what went wrong: \`sealwright tabletop\`
- renew this plan: \`sealwright plan init\`
`;
}

function installation({ trust, policies, cluster, registries }: EmergencyFacts): string {
  const names = (list: readonly NamedThing[]): string =>
    list.map(({ name, id }) => `${text(name)} ${code(id.slice(0, 12))}`).join(', ') || 'none';
  return markdownTable(
    ['', ''],
    [
      ['certificate authorities', names(trust.certificateAuthorities)],
      ['transparency logs', names(trust.logs)],
      ['timestamp authorities', names(trust.timestampAuthorities)],
      ['policies', policies.map(({ name }) => code(name)).join(', ') || 'none seen'],
      ['cluster', cluster === undefined ? 'none seen' : code(cluster.server)],
      ['registries', registries.map((host) => code(host)).join(', ') || 'none seen'],
    ],
  );
}

function authority({ authority: known }: EmergencyFacts): string {
  if (known === undefined) return 'Nobody yet: `sealwright revoke init`. Until then nothing of this plan can be done.';
  const { members, quorum } = known;
  return [
    markdownTable(
      ['member', 'by'],
      members.map(({ name, id }) => [text(name), code(id)]),
    ),
    '',
    `Who has to agree: ${quorum.narrow} on an image, ${quorum.broad} on anything broader, ${quorum.relaxing} on making good again. ` +
      'A snapshot key only says what is the newest list: whoever holds it can neither revoke nor reinstate.',
  ].join('\n');
}

function contactTable(contacts: readonly Contact[]): string {
  const open = (value: string): string => (value.trim() === '' ? '**missing**' : text(value));
  return markdownTable(
    ['role', 'who', 'reached by', 'else by'],
    contacts.map(({ role, name, reach, backup }) => [text(role), open(name), open(reach), open(backup)]),
  );
}

function decisions(): string {
  return markdownTable(
    ['what happened', 'noticed by', 'severity', 'what stays good', 'also'],
    [
      ...SCENARIOS.map(({ title, trigger, severity, staysGood, alsoDo }) => [
        title,
        trigger,
        severity,
        staysGood,
        alsoDo,
      ]),
      ...UNDRAFTED,
    ],
  );
}

function statements(facts: EmergencyFacts, folder: string): string {
  const drafts = draftsFor(facts);
  if (drafts.length === 0) return 'None: nothing was found that could be revoked but images.';
  return drafts
    .map(({ name, scenario, selector }) => {
      const about = `${folder}/${DRAFT_FOLDER}/${name}.json`;
      const title = `### ${text(selectorText(selector))}\n\n\`${DRAFT_FOLDER}/${name}.json\``;
      return `${title}\n\n${stepTable(emergencySteps({ scenario, selector, about, facts }))}`;
    })
    .join('\n\n');
}

function image(facts: EmergencyFacts): string {
  return stepTable(emergencySteps({ scenario: 'hostile-image', about: 'REGISTRY/REPOSITORY@sha256:DIGEST', facts }));
}

function stepTable(steps: readonly TabletopStep[]): string {
  return markdownTable(
    ['who', 'does', 'within', 'command'],
    steps.map(({ who, what, within, command }) => [who, what, within, command === undefined ? '' : code(command)]),
  );
}
