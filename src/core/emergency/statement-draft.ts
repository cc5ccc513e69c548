import type { JsonFields } from '../encoding/json-fields.ts';
import type { JsonObject } from '../encoding/json.ts';
import {
  encodeSelector,
  parseSelector,
  selectorDigest,
  selectorText,
  type RevocationSelector,
} from '../revocation/revocation-selector.ts';
import { TextGlob } from '../revocation/text-glob.ts';
import { FormatError } from '../../errors.ts';
import { allSigners, type EmergencyFacts } from './emergency-facts.ts';
import { encodeGenerated, openGenerated } from './generated-text.ts';
import { SCENARIO_NAMES, scenarioOf, type ScenarioName } from './emergency-scenario.ts';

/** What a statement would be about, written down before anybody is in a hurry. */
export interface StatementDraft {
  /** Of its file, without `.json`: what it is about decides it, so that it stays where policies change around it. */
  readonly name: string;
  readonly scenario: ScenarioName;
  readonly selector: RevocationSelector;
}

const NAME = /^[a-z0-9][a-z0-9-]{0,79}$/;

/** A draft for everything that can be revoked by more than an image's digest, which nobody knows before. */
export function draftsFor(facts: EmergencyFacts): readonly StatementDraft[] {
  const { certificateAuthorities, logs, timestampAuthorities } = facts.trust;
  const selectors: (readonly [ScenarioName, RevocationSelector])[] = [
    ...allSigners(facts).flatMap((signer): (readonly [ScenarioName, RevocationSelector])[] => {
      switch (signer.kind) {
        case 'identity': {
          const subject = new TextGlob(signer.subject);
          return [['stolen-identity', { kind: 'identity', issuer: signer.issuer, subject, claims: new Map() }]];
        }
        case 'key':
          return [['leaked-key', { kind: 'key', keyId: signer.id }]];
        case 'other':
          return [];
      }
    }),
    ...certificateAuthorities.map(({ id }) => ['ca-compromise', { kind: 'ca', fingerprint: id }] as const),
    ...logs.map(({ id }) => ['log-compromise', { kind: 'log', logId: id }] as const),
    ...timestampAuthorities.map(({ id }) => ['tsa-compromise', { kind: 'tsa', fingerprint: id }] as const),
  ];
  return selectors.map(([scenario, selector]) => ({
    name: `${scenario}-${selectorDigest(selector).slice(0, 8)}`,
    scenario,
    selector,
  }));
}

export function encodeDraft({ name, scenario, selector }: StatementDraft): string {
  const { title, severity } = scenarioOf(scenario);
  return encodeGenerated({
    draft: name,
    scenario,
    title: `${title}: ${selectorText(selector)}`,
    severity,
    selector: encodeSelector(selector),
  } satisfies JsonObject);
}

/**
 * A draft as people keep it, changed or not.
 *
 * @throws FormatError FORMAT_PLAN, FORMAT_REVOCATION for a selector that says nothing; LimitError
 */
export function parseDraft(input: Uint8Array | string): StatementDraft & { readonly isEdited: boolean } {
  const { fields, isEdited } = openGenerated(input, 'the drafted statement');
  fields.only('draft', 'scenario', 'title', 'severity', 'selector');
  const name = fields.string('draft');
  const scenario = SCENARIO_NAMES.find((known) => known === fields.string('scenario'));
  if (scenario === undefined || !NAME.test(name)) throw wrong(fields, scenario === undefined ? 'scenario' : 'draft');
  const selector = parseSelector(fields.object('selector'));
  if (selector.kind !== scenarioOf(scenario).kind) throw wrong(fields, 'selector');
  return { name, scenario, selector, isEdited };
}

function wrong(fields: JsonFields, name: string): FormatError {
  return new FormatError(fields.code, `${fields.path}: ${name} is not valid`, {
    found: JSON.stringify(fields.value(name)).slice(0, 100),
    expected: 'a draft as sealwright plan init has written it',
  });
}
