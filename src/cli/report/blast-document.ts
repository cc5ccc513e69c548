import {
  BLAST_EFFECTS,
  containersOf,
  countDemanded,
  type BlastEffect,
  type BlastEntry,
  type BlastRadius,
  type Protected,
} from '../../core/audit/blast-radius.ts';
import { encodeSelector, isBroad, selectorText } from '../../core/revocation/revocation-selector.ts';
import type { RevocationStatement } from '../../core/revocation/revocation-statement.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import { packageVersion } from '../terminal/package-version.ts';

const SCHEMA = 'urn:sealwright:revoke-plan:v1';

/** What a statement would do, and where it was looked for. */
export interface LookedAt extends BlastRadius {
  /** In words. */
  readonly scope: string;
  /** Of what would stop: what the cluster cannot do without. */
  readonly protected: readonly Protected[];
}

/** A whole plan of revocation as data, and what every format is made from. */
export interface BlastDocument {
  readonly schema: typeof SCHEMA;
  readonly program: { readonly name: 'sealwright'; readonly version: string };
  /** RFC 3339. */
  readonly plannedAt: string;
  readonly about: {
    readonly text: string;
    readonly selector?: JsonObject;
    readonly reinstates?: string;
    readonly effectiveFrom?: string;
    readonly effectiveTo?: string;
    readonly action?: string;
    /** Whether the count has to be typed to sign it. */
    readonly isBroad: boolean;
  };
  readonly scope: string;
  /** Containers: each pod's one, and a template's one. */
  readonly containers: Readonly<Record<BlastEffect, number>>;
  readonly countDemanded: string;
  /** Places that the statement makes a difference to, or about which nobody can tell. */
  readonly entries: readonly BlastEntry[];
  readonly protected: readonly { readonly name: string; readonly why: string; readonly containers: number }[];
  readonly notLookedAt: LookedAt['notLookedAt'];
}

export function blastDocument(statement: RevocationStatement, looked: LookedAt, at: Date): BlastDocument {
  const counts = BLAST_EFFECTS.map((effect) => [effect, containersOf(looked.entries, effect)] as const);
  return {
    schema: SCHEMA,
    program: { name: 'sealwright', version: packageVersion() },
    plannedAt: at.toISOString(),
    about: aboutOf(statement),
    scope: looked.scope,
    containers: Object.fromEntries(counts) as Record<BlastEffect, number>,
    countDemanded: countDemanded(looked),
    entries: looked.entries.filter(({ effect }) => effect !== 'untouched'),
    protected: looked.protected.map(({ name, why, entries }) => ({
      name,
      why,
      containers: containersOf(entries, 'stops'),
    })),
    notLookedAt: looked.notLookedAt,
  };
}

function aboutOf(statement: RevocationStatement): BlastDocument['about'] {
  if (statement.kind === 'reinstatement') {
    return { text: `reinstates ${statement.reinstates}`, reinstates: statement.reinstates, isBroad: false };
  }
  const { selector, effectiveFrom, effectiveTo, action } = statement;
  return {
    text: selectorText(selector),
    selector: encodeSelector(selector),
    ...(effectiveFrom === undefined ? {} : { effectiveFrom: effectiveFrom.toISOString() }),
    ...(effectiveTo === undefined ? {} : { effectiveTo: effectiveTo.toISOString() }),
    action,
    isBroad: isBroad(selector),
  };
}
