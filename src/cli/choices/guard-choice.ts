import { NAMESPACE_SCOPES, type NamespaceScope } from '../../core/installation/installation-options.ts';
import { parsePodTemplateRule } from '../../core/installation/pod-template-rule.ts';
import type { PodTemplates } from '../../core/policy/workload/workload-images.ts';
import type { CommandContext } from '../grammar/command.ts';

/** Which namespaces are guarded. */
export function chosenScope({ flags }: CommandContext, otherwise: NamespaceScope): NamespaceScope {
  return NAMESPACE_SCOPES.find((scope) => scope === flags.string('namespaces')) ?? otherwise;
}

/**
 * Kinds with a pod template, as they are looked up.
 *
 * @throws UsageError USAGE_BAD_FLAG
 */
export function declaredPodTemplates(texts: readonly string[]): PodTemplates {
  const rules = texts.map((text) => parsePodTemplateRule(text, 'pod-template'));
  return new Map(rules.map(({ group, resource, path }) => [`${group}/${resource}`, path]));
}
