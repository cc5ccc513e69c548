import type { AuditSigner } from '../../core/audit/audit-entry.ts';
import { observedSignerText } from '../../core/policy/learning/observed-signer.ts';
import type { VerifiedTime } from '../../core/verify/trusted-times.ts';
import type { AdmittedImage } from '../admission/image-admission.ts';
import type { Observed } from '../planning/observe-signers.ts';

/** Those that policies passed by, and everybody else whose signature holds. */
export function signersOf({ decision }: AdmittedImage, observed: Observed): readonly AuditSigner[] {
  const passed = decision.judgements.flatMap((judgement) =>
    judgement.outcome === 'passed'
      ? judgement.bundles.map(({ signer, times }): AuditSigner =>
          signer.kind === 'key'
            ? { kind: 'key', name: `the key ${signer.keyId}`, accepted: true, ...signedTimes(times) }
            : {
                kind: 'identity',
                name: `${signer.subject}, authenticated by ${signer.issuer}`,
                accepted: true,
              },
        )
      : [],
  );
  const others = observed.signers.map((signer): AuditSigner => ({
    kind: signer.kind,
    name: signer.kind === 'key' ? observedSignerText(signer) : `${signer.subject}, authenticated by ${signer.issuer}`,
    accepted: false,
    ...(signer.kind === 'key' ? signedTimes(signer.times ?? []) : {}),
  }));
  return distinctSigners([...others, ...passed]);
}

/** Of several signatures by one signer the first time and the last; accepted where any of them was. */
function distinctSigners(signers: readonly AuditSigner[]): readonly AuditSigner[] {
  const known = new Map<string, AuditSigner>();
  for (const signer of signers) {
    const before = known.get(signer.name);
    const times = [before, signer].flatMap((one) => [one?.firstSigned, one?.lastSigned]);
    const { firstSigned: _first, lastSigned: _last, ...rest } = signer;
    known.set(signer.name, { ...rest, ...rangeOf(times.filter((time) => time !== undefined)) });
  }
  return [...known.values()];
}

/** By a log, or by a timestamp authority: what somebody else stands for. */
function signedTimes(
  times: readonly Pick<VerifiedTime, 'source' | 'time'>[],
): Pick<AuditSigner, 'firstSigned' | 'lastSigned'> {
  return rangeOf(times.filter(({ source }) => source !== 'clock').map(({ time }) => time.toISOString()));
}

function rangeOf(times: readonly string[]): Pick<AuditSigner, 'firstSigned' | 'lastSigned'> {
  const [first] = [...times].sort();
  const last = [...times].sort().at(-1);
  return first === undefined || last === undefined ? {} : { firstSigned: first, lastSigned: last };
}
