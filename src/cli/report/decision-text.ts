import type {
  DecisionRecord,
  ExceptionRecord,
  ImageRecord,
  PolicyRecord,
} from '../../workflows/admission/decision-record.ts';
import { visibleText } from '../terminal/visible-text.ts';

const WORDS: Readonly<Record<DecisionRecord['decision'], string>> = {
  unseen: 'admitted unseen',
  allow: 'admitted',
  warn: 'admitted with a warning',
  deny: 'refused',
  'could-not-check': 'refused, as it could not be checked',
  error: 'refused, as the review failed',
};
const EVIDENCE: Readonly<Record<ImageRecord['evidence'], string>> = {
  none: 'none was needed',
  fetched: 'fetched from the registry for this decision',
  remembered: 'remembered',
  'last-known': 'last known good: the registry could not be asked',
};

/** A decision as a person reads it, line by line. What clients and registries have written is made visible. */
export function decisionLines(record: DecisionRecord): readonly string[] {
  const { decision, kind, namespace, at, operation, user, stage, latencyMs, isDryRun, owner, error } = record;
  const object = `${kind} ${namespace === '' ? '' : `${namespace}/`}${nameText(record)}`;
  return [
    `${at}  ${visibleText(object)}: ${WORDS[decision]}${isDryRun ? ' (dry run)' : ''}`,
    line('asked', `${operation} by ${user || 'somebody the API server did not name'}`),
    ...(owner === undefined ? [] : [line('made by', owner)]),
    line('answered', `${stage}, in ${latencyMs} ms, review ${record.uid}`),
    ...(error === undefined ? [] : text(error)),
    ...record.images.flatMap(imageLines),
  ];
}

function nameText({ name, generateName }: DecisionRecord): string {
  return name !== '' ? name : generateName === undefined ? '(no name yet)' : `${generateName}…`;
}

function imageLines({ image, resolved, paths, action, evidence, evidenceFoundAt, ...rest }: ImageRecord): string[] {
  const found = evidenceFoundAt === undefined ? '' : `, found at ${evidenceFoundAt}`;
  return [
    line('image', `${image}  (${paths.join(', ')}): ${WORDS[action]}`),
    ...(resolved === undefined || resolved === image ? [] : [line('  digest', resolved)]),
    line('  evidence', `${EVIDENCE[evidence]}${found}`),
    ...exceptionLines(rest.exception),
    ...rest.policies.flatMap(policyLines),
    ...rest.denials.flatMap(text),
    ...rest.warnings.flatMap(text),
  ];
}

function exceptionLines(exception: ExceptionRecord | undefined): readonly string[] {
  if (exception === undefined) return [];
  const { kind, name, owner, reason, ticket, expires } = exception;
  return [line('  exception', `${kind} ${name} of ${owner}, ${ticket}, until ${expires}: ${reason}`)];
}

function policyLines(record: PolicyRecord): readonly string[] {
  const { policy, mode, outcome, hash, resourceVersion, authority, signer, signatures = [], code } = record;
  const version = resourceVersion === undefined ? '' : `, resourceVersion ${resourceVersion}`;
  const state = hash === undefined ? '' : `, ${hash.slice(0, 19)}…${version}`;
  const verdict = outcome === 'passed' ? 'passed' : `${outcome === 'failed' ? 'failed' : 'not decided'}, ${code ?? ''}`;
  return [
    line('  policy', `${policy} (${mode ?? 'of before'}${state}): ${verdict}`),
    ...(signer === undefined ? [] : [line('  signer', `${signer}  (authority ${authority ?? ''})`)]),
    ...signatures.map(({ logOrigin, logIndex, time }) => {
      const log = logIndex === undefined ? 'in no log' : `entry ${logIndex} of ${logOrigin ?? 'the log'}`;
      return line('  signature', `${log}${time === undefined ? '' : `, at ${time}`}`);
    }),
  ];
}

function line(name: string, value: string): string {
  return `  ${name.padEnd(12)}${visibleText(value)}`;
}

/** An error contract's text keeps its lines; they were made visible when it was rendered. */
function text(rendered: string): readonly string[] {
  return rendered.split('\n').map((part) => `    ${visibleText(part)}`);
}
