import { UsageError } from '../../errors.ts';
import type { PodTemplateRule } from './installation-options.ts';

const NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/;
const PATH = /^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$/;

/**
 * The declaration of a kind with a pod template: `rollouts.argoproj.io=spec.template`.
 *
 * @param flag the flag that it stands behind, for messages
 * @throws UsageError USAGE_BAD_FLAG
 */
export function parsePodTemplateRule(text: string, flag: string): PodTemplateRule {
  const [kind = '', path = '', ...more] = text.split('=');
  const dot = kind.indexOf('.');
  if (more.length > 0 || !NAME.test(kind) || !PATH.test(path)) {
    throw new UsageError('USAGE_BAD_FLAG', `--${flag} declares no kind with a pod template`, {
      found: text.slice(0, 200),
      expected: 'RESOURCE.GROUP=PATH, such as rollouts.argoproj.io=spec.template',
    });
  }
  return { resource: kind.slice(0, dot), group: kind.slice(dot + 1), path: path.split('.') };
}
