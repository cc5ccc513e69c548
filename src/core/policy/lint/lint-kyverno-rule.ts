import type { JsonObject } from '../../encoding/json.ts';
import type { Attestor, AttestorSet } from '../kyverno/attestor.ts';
import type { ImageRule, LateRule } from '../kyverno/image-rule.ts';
import { lintAttestor } from './lint-attestor.ts';
import type { PolicyFinding } from './policy-finding.ts';

/** A variable that the object under review, or whoever makes it, gives its value. */
const REQUEST = /\{\{[^}]*\brequest\b/;

/** What is valid in an entry of Kyverno's `verifyImages`, and likely to be meant otherwise. Paths begin at the entry. */
export function lintImageRule(rule: ImageRule): readonly PolicyFinding[] {
  const subject = rule.name;
  const sets = [...rule.attestors, ...rule.attestations.flatMap(({ attestors }) => attestors)];
  const found: readonly PolicyFinding[] = [
    ...(rule.action === 'warn'
      ? [
          {
            rule: 'warn-mode',
            level: 'note',
            path: '',
            message: 'it only audits, and refuses nothing',
            instead: 'failureAction: Enforce',
          } as const,
        ]
      : []),
    ...(rule.tags === 'leave'
      ? [
          {
            rule: 'tag-may-move',
            level: 'warning',
            path: 'mutateDigest',
            message: 'an image that is named by a tag keeps it, and may be another one when it is pulled',
            instead: 'mutateDigest: true, or verifyDigest: true',
          } as const,
        ]
      : []),
    ...(rule.late === undefined ? [] : [...rule.variables.flatMap(configMapFinding), ...requestFinding(rule.late)]),
    ...rule.warnings.map((message) => ({ rule: 'policy-warning', level: 'warning', path: '', message }) as const),
    ...sets.flatMap(attestorsIn).flatMap(lintAttestor),
  ];
  return found.map((each) => ({ ...each, subject }));
}

function attestorsIn({ entries }: AttestorSet): readonly Attestor[] {
  return entries.flatMap((entry) => (entry.kind === 'set' ? attestorsIn(entry) : [entry]));
}

/** Who may have signed is then said by whoever may write the ConfigMap; worse where the object itself says which one is meant. */
function configMapFinding({ name, configMap }: JsonObject): readonly Omit<PolicyFinding, 'subject'>[] {
  if (configMap === undefined || configMap === null || typeof configMap !== 'object') return [];
  const { name: map, namespace } = configMap as Readonly<Record<string, string>>;
  const place = `${namespace ?? ''}/${map ?? ''}`;
  if (!REQUEST.test(place)) {
    const message = `who may have signed is said by the ConfigMap ${place}: whoever may change it says so as well`;
    return [
      {
        rule: 'signer-from-configmap',
        level: 'note',
        path: `context ${name as string}`,
        message,
        instead: 'the key itself, or a Secret',
      },
    ];
  }
  const message = `whoever makes an object says which ConfigMap says who may have signed (${place})`;
  return [
    {
      rule: 'signer-from-request',
      level: 'warning',
      path: `context ${name as string}`,
      message,
      instead: 'a ConfigMap that the policy names',
    },
  ];
}

function requestFinding({ template }: LateRule): readonly Omit<PolicyFinding, 'subject'>[] {
  if (!REQUEST.test(JSON.stringify(template))) return [];
  const message = 'whoever makes an object says in it who may have signed';
  return [
    {
      rule: 'signer-from-request',
      level: 'warning',
      path: 'attestors',
      message,
      instead: 'a key, or a ConfigMap that the policy names',
    },
  ];
}
