import type { JsonFields } from '../encoding/json-fields.ts';
import { FormatError } from '../../errors.ts';
import type { AuditEntry, Unproven } from './audit-entry.ts';
import { groupedBy } from './grouped-by.ts';
import type { NotAudited } from './not-audited.ts';

/** Whether the webhook is asked about a namespace, by what the API server was told. */
export const GUARDS = ['asked', 'opted-out', 'not-covered', 'unknown'] as const;

export interface NamespaceGuard {
  readonly guard: (typeof GUARDS)[number];
  /** Of the webhook that is asked: with `Ignore` everything is let in while it does not answer. */
  readonly failurePolicy?: 'Fail' | 'Ignore';
  /** Why it is not asked, or nobody knows. */
  readonly reason?: string;
}

export interface AuditedNamespace extends NamespaceGuard {
  readonly name: string;
}

/** How far enforcing reaches, as far as it was looked at. */
export interface AuditedEnforcement {
  /** By name. */
  readonly namespaces: readonly AuditedNamespace[];
  readonly notLookedAt: readonly NotAudited[];
}

/**
 * What becomes of an image without a proof in a namespace. `enforced`: refused, whichever of those that run there it takes the place of.
 * `warned`: at least one of them would only be warned about. `not-covered`: nobody is asked, or at least one is let in in silence.
 * `opted-out`: a label, or the installation, takes it out. `idle`: the webhook is asked, and nothing runs there by which to tell.
 */
export const ENFORCEMENTS = ['enforced', 'warned', 'opted-out', 'not-covered', 'idle', 'unknown'] as const;

export type Enforcement = (typeof ENFORCEMENTS)[number];

export interface NamespaceEnforcement {
  readonly name: string;
  readonly enforcement: Enforcement;
  readonly failurePolicy?: 'Fail' | 'Ignore';
  readonly reason?: string;
}

export interface EnforcementFigures {
  readonly counts: Readonly<Record<Enforcement, number>>;
  /** Of those where the webhook is asked, where a webhook that does not answer lets everything in. */
  readonly failOpen: number;
  /** By name. */
  readonly namespaces: readonly NamespaceEnforcement[];
}

const CODE = 'FORMAT_AUDIT';
const MAX_NAMESPACES = 100_000;

/** The weakest of what runs in a namespace decides: that is where something gets in. */
export function enforcementFigures(
  { namespaces }: AuditedEnforcement,
  entries: readonly AuditEntry[],
): EnforcementFigures {
  const known = new Map(namespaces.map((namespace) => [namespace.name, namespace]));
  const running = new Map(groupedBy(entries, ({ namespace }) => namespace));
  const all = [...new Set([...known.keys(), ...running.keys()])].sort().map((name): NamespaceEnforcement => {
    const { guard, failurePolicy, reason } = known.get(name) ?? UNSEEN;
    const found =
      guard === 'asked'
        ? weakest((running.get(name) ?? []).map(({ unproven }) => unproven))
        : { enforcement: guard, ...(reason === undefined ? {} : { reason }) };
    return { name, ...found, ...(failurePolicy === undefined ? {} : { failurePolicy }) };
  });
  const counts = Object.fromEntries(ENFORCEMENTS.map((one) => [one, 0])) as Record<Enforcement, number>;
  for (const { enforcement } of all) counts[enforcement]++;
  return { counts, failOpen: all.filter(({ failurePolicy }) => failurePolicy === 'Ignore').length, namespaces: all };
}

const UNSEEN: NamespaceGuard = { guard: 'unknown', reason: 'nobody looked at the namespace' };

function weakest(of: readonly (Unproven | undefined)[]): Pick<NamespaceEnforcement, 'enforcement' | 'reason'> {
  if (of.length === 0) return { enforcement: 'idle' };
  if (of.includes('admitted'))
    return { enforcement: 'not-covered', reason: 'something there is let in without a proof' };
  if (of.includes('warned')) return { enforcement: 'warned' };
  if (of.includes(undefined)) return { enforcement: 'unknown', reason: 'nobody knows what becomes of something there' };
  return { enforcement: 'enforced' };
}

/** Members in one order, so that equal content has equal bytes. */
export function enforcementContent({ namespaces }: AuditedEnforcement): readonly object[] {
  return [...namespaces]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, guard, failurePolicy, reason }) => ({
      name,
      guard,
      ...(failurePolicy === undefined ? {} : { failurePolicy }),
      ...(reason === undefined ? {} : { reason }),
    }));
}

/** @throws FormatError FORMAT_AUDIT */
export function readEnforcement(fields: JsonFields): readonly AuditedNamespace[] {
  return fields.objects('namespaces', MAX_NAMESPACES).map((one) => {
    one.only('name', 'guard', 'failurePolicy', 'reason');
    const reason = one.optionalString('reason');
    return {
      name: one.string('name'),
      guard: oneOf(one, 'guard', GUARDS),
      ...(one.has('failurePolicy') ? { failurePolicy: oneOf(one, 'failurePolicy', ['Fail', 'Ignore']) } : {}),
      ...(reason === undefined ? {} : { reason }),
    };
  });
}

function oneOf<const Choice extends string>(fields: JsonFields, name: string, choices: readonly Choice[]): Choice {
  const text = fields.string(name);
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw new FormatError(CODE, `${fields.path}.${name} is not valid`, {
    found: text.slice(0, 100),
    expected: choices.join(', '),
  });
}
