import { UsageError } from '../../errors.ts';
import { notChecked, wouldFail, type Check } from './diagnosis.ts';

/** What a peer said of the time, and what the time was here. */
export interface HeardTime {
  readonly host: string;
  /** HTTP's header Date: whole seconds. */
  readonly date: string;
  readonly heardAt: Date;
  /** A timestamp authority has signed it, and that was verified. */
  readonly isSigned?: true;
}

/** Tokens and certificates are good for minutes, and some services allow for a few of them. */
const TOO_WRONG_MS = 300_000;
const WRONG_MS = 30_000;

/** This machine's clock beside everybody's who answered. */
export function diagnoseClock(heard: readonly HeardTime[]): readonly Check[] {
  const byHost = new Map(heard.map((time) => [nameOf(time), time]));
  const checks = [...byHost.values()].flatMap((time) => {
    const said = Date.parse(time.date);
    return Number.isNaN(said) ? [] : [beside(time, said)];
  });
  return checks.length > 0 ? checks : [notChecked('clock', 'skew', 'nobody was asked who says what time it is')];
}

function nameOf({ host, isSigned }: HeardTime): string {
  return `beside ${host}${isSigned === true ? ', signed' : ''}`;
}

function beside(time: HeardTime, said: number): Check {
  const { heardAt } = time;
  const offMs = heardAt.getTime() - said;
  const name = nameOf(time);
  const found = `${Math.round(Math.abs(offMs) / 1000)} s ${offMs < 0 ? 'behind' : 'ahead'}: here ${heardAt.toISOString()}, there ${new Date(said).toISOString()}`;
  if (Math.abs(offMs) < WRONG_MS) return { area: 'clock', name, status: 'ok', found: 'the same time' };
  const fix = 'sudo timedatectl set-ntp true';
  if (Math.abs(offMs) < TOO_WRONG_MS) return { area: 'clock', name, status: 'warning', found, fix };
  const error = new UsageError('USAGE_BAD_CONFIG', 'one of the two clocks is wrong', {
    found,
    expected: 'less than five minutes between them: certificates are good for ten',
    fix,
  });
  return wouldFail('clock', name, error);
}
