import type { Check, CheckArea, CheckStatus } from '../../workflows/diagnosis/diagnosis.ts';
import { visibleText } from '../terminal/visible-text.ts';

/** What `doctor -o json` prints (docs/schemas/doctor-report.v1.schema.json). */
export interface DiagnosisDocument {
  readonly schema: 'urn:sealwright:doctor-report:v1';
  readonly program: { readonly name: 'sealwright'; readonly version: string };
  readonly checkedAt: string;
  readonly purpose: 'sign' | 'verify';
  readonly offline: boolean;
  readonly image?: string;
  readonly checks: readonly CheckRecord[];
  readonly outcome: Exclude<CheckStatus, 'not checked'>;
}

export interface CheckRecord {
  readonly area: CheckArea;
  readonly name: string;
  readonly status: CheckStatus;
  readonly code?: string;
  readonly found: string;
  readonly expected?: string;
  readonly fix?: string;
  readonly yaml?: readonly string[];
}

export interface DiagnosisRun {
  readonly programVersion: string;
  readonly checkedAt: Date;
  readonly purpose: 'sign' | 'verify';
  readonly isOffline: boolean;
  readonly image?: string;
}

export function diagnosisDocument(checks: readonly Check[], run: DiagnosisRun): DiagnosisDocument {
  const { programVersion, checkedAt, purpose, isOffline, image } = run;
  const statuses = checks.map(({ status }) => status);
  return {
    schema: 'urn:sealwright:doctor-report:v1',
    program: { name: 'sealwright', version: programVersion },
    checkedAt: checkedAt.toISOString(),
    purpose,
    offline: isOffline,
    ...(image === undefined ? {} : { image }),
    checks: checks.map(recordOf),
    outcome: statuses.includes('would fail') ? 'would fail' : statuses.includes('warning') ? 'warning' : 'ok',
  };
}

function recordOf({ area, name, status, found, expected, fix, yaml, error }: Check): CheckRecord {
  return {
    area,
    name,
    status,
    ...(error === undefined ? {} : { code: error.code }),
    found,
    ...(expected === undefined ? {} : { expected }),
    ...(fix === undefined ? {} : { fix }),
    ...(yaml === undefined ? {} : { yaml }),
  };
}

/** One line for what is well; what is not, with what was expected and what mends it below. */
export function diagnosisLines({ checks, outcome }: DiagnosisDocument): readonly string[] {
  const width = Math.max(...checks.map(({ area, name }) => `${area}: ${name}`.length));
  const counts = (['ok', 'warning', 'would fail', 'not checked'] as const).map((status) => {
    const count = checks.filter((check) => check.status === status).length;
    return `${count} ${status}`;
  });
  return [
    ...checks.flatMap(({ area, name, status, code, found, expected, fix, yaml = [] }) => [
      `${status.padEnd(11)}  ${`${area}: ${name}`.padEnd(width)}  ${code === undefined ? '' : `${code}  `}${visibleText(found)}`,
      ...(status === 'would fail' || status === 'warning'
        ? [
            ...(expected === undefined ? [] : [`    expected: ${visibleText(expected)}`]),
            ...(fix === undefined ? [] : [`    fix:      ${visibleText(fix)}`]),
            ...yaml.map((line) => `              ${line}`),
          ]
        : []),
    ]),
    '',
    `${outcome === 'would fail' ? 'something would fail' : 'nothing would fail'}: ${counts.join(', ')}`,
  ];
}
