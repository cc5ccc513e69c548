import type { ImageException } from '../objects/image-exception.ts';
import type { PolicyExceptions } from '../kyverno/policy-exception.ts';
import type { PolicyFinding } from './policy-finding.ts';

const LONG_EXCEPTION_MS = 90 * 86_400_000;

/** Kyverno's, which may hold for ever. */
export function lintPolicyException(
  { fromPolicies }: PolicyExceptions,
  subject: string,
  now: Date,
): readonly PolicyFinding[] {
  return fromPolicies.flatMap(({ expiresAt }): readonly PolicyFinding[] => {
    const [level, path] = ['note', 'spec.expiresAt'] as const;
    if (expiresAt === undefined) {
      return [{ rule: 'exception-without-end', level, subject, path, message: 'it holds for ever' }];
    }
    const message = `it ended at ${expiresAt.toISOString()} and changes nothing`;
    return expiresAt <= now ? [{ rule: 'exception-ended', level, subject, path, message }] : [];
  });
}

/** `ImageException` and `BreakGlass`: who is let off wider or longer than anybody looks at. */
export function lintException(
  { images, from, expires }: ImageException,
  subject: string,
  now: Date,
): readonly PolicyFinding[] {
  const found = (rule: string, level: PolicyFinding['level'], path: string, message: string): PolicyFinding => ({
    rule,
    level,
    subject,
    path,
    message,
  });
  return [
    ...(expires <= now
      ? [found('exception-ended', 'note', 'spec.expires', `it ended at ${expires.toISOString()} and changes nothing`)]
      : []),
    ...(expires.getTime() - from.getTime() > LONG_EXCEPTION_MS
      ? [found('exception-long', 'warning', 'spec.expires', 'it holds for more than 90 days')]
      : []),
    ...images.flatMap(({ text }, index) =>
      text.includes('@sha256:')
        ? []
        : [
            found(
              'exception-by-name',
              'warning',
              `spec.images[${index}]`,
              `${text} excepts images that nobody has seen yet: name digests`,
            ),
          ],
    ),
  ];
}
