import type { NamespaceGuard } from '../audit/enforcement-reach.ts';
import type { JsonFields } from '../encoding/json-fields.ts';
import { holdsRequirement } from '../policy/cluster-image/resource-match.ts';
import type { LabelRequirement } from '../policy/cluster-image/cluster-image-policy.ts';
import { configurationGaps } from './configuration-gaps.ts';
import {
  CONFIGURATION_NAME,
  EXCLUDE_LABEL,
  INSTALLATION_LABELS,
  isGuarded,
  type NamespaceScope,
} from './installation-options.ts';

/** A webhook that may refuse images, as the API server was told of it. */
export interface ImageWebhook {
  readonly name: string;
  readonly isOurs: boolean;
  readonly failurePolicy: 'Fail' | 'Ignore';
  /** Its namespaces; undefined where the selector cannot be read. */
  readonly selector: readonly LabelRequirement[] | undefined;
  /** Where it asks about less than it should; each a sentence. */
  readonly gaps: readonly string[];
}

/** What the webhook itself was told, which holds although the API server asks it about more. */
export interface WebhookOrders {
  readonly scope: NamespaceScope;
  readonly exempt: readonly string[];
}

export interface GuardedNamespace {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
}

/** policy-controller's and Kyverno's configurations: the only others whose policies are read here. */
const OTHERS = /^(?:policy\.sigstore\.dev|kyverno-.*)$/;
const KIND = 'ValidatingWebhookConfiguration';
const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;
const NAME_LABEL = 'kubernetes.io/metadata.name';
const MAX_ITEMS = 1000;

/** Whether metadata of a webhook configuration are those of one of ours: of the command, or of a chart under another name. */
export function isOwnConfiguration(metadata: JsonFields): boolean {
  const labels = metadata.optionalObject('labels');
  return (
    metadata.string('name') === CONFIGURATION_NAME ||
    Object.entries(INSTALLATION_LABELS).every(([name, value]) => labels?.optionalString(name) === value)
  );
}

/**
 * Of a `ValidatingWebhookConfiguration` those webhooks that may refuse images. Ours only pin otherwise, and refuse nothing.
 *
 * @param item as the API server has it
 * @throws FormatError for members of wrong types
 */
export function imageWebhooks(item: JsonFields): readonly ImageWebhook[] {
  const metadata = item.object('metadata');
  const configuration = metadata.string('name');
  const isOurs = isOwnConfiguration(metadata);
  if (!isOurs && !OTHERS.test(configuration)) return [];
  return item
    .objects('webhooks', MAX_ITEMS)
    .filter((webhook) => !isOurs || webhook.string('name').includes('.images.'))
    .filter((webhook) => isOurs || asksAboutPods(webhook))
    .map((webhook) => ({
      name: isOurs ? webhook.string('name') : `${configuration} ${webhook.string('name')}`,
      isOurs,
      failurePolicy: webhook.optionalString('failurePolicy') === 'Ignore' ? 'Ignore' : 'Fail',
      selector: requirements(webhook.optionalObject('namespaceSelector')),
      gaps: isOurs ? configurationGaps(webhook, KIND) : [],
    }));
}

/**
 * Whether images of a namespace are refused by anybody: by what the API server was told, then by what the webhook was told itself.
 *
 * @param orders undefined where nobody knows them
 */
export function namespaceGuardOf(
  webhooks: readonly ImageWebhook[],
  orders: WebhookOrders | undefined,
  namespace: GuardedNamespace,
): NamespaceGuard {
  const asked = webhooks.filter(({ selector }) => selects(selector, namespace) === true);
  const ours = asked.filter(({ isOurs }) => isOurs);
  const whole = ours.find(({ gaps }) => gaps.length === 0);
  const failurePolicy = ours.some((one) => one.failurePolicy === 'Fail') ? 'Fail' : 'Ignore';
  if (whole !== undefined && orders !== undefined && isGuarded(orders.scope, namespace, orders.exempt)) {
    return { guard: 'asked', failurePolicy };
  }
  const unread = webhooks.find(({ selector }) => selects(selector, namespace) === undefined);
  if (unread !== undefined) return unknown(`the namespaces of ${unread.name} cannot be read`);
  const [other] = asked.filter(({ isOurs }) => !isOurs);
  if (other !== undefined) return unknown(`${other.name} is asked, and what it refuses was not looked at`);
  const [partial] = ours;
  if (partial !== undefined && orders === undefined) return unknown('nobody knows what the webhook was told to guard');
  if (partial !== undefined && whole === undefined) return unknown(`${partial.name} ${partial.gaps.join('; ')}`);
  if (!webhooks.some(({ isOurs }) => isOurs)) {
    return { guard: 'not-covered', reason: 'the API server asks nobody about images' };
  }
  return leftOut(webhooks, orders, namespace);
}

/** By a label of its own, or by name: somebody meant it. In the others nobody ever asked for it. */
function leftOut(
  webhooks: readonly ImageWebhook[],
  orders: WebhookOrders | undefined,
  { name, labels }: GuardedNamespace,
): NamespaceGuard {
  const asksLabel = webhooks.some(({ selector }) => selector?.some(({ key }) => key === EXCLUDE_LABEL) === true);
  if (labels.has(EXCLUDE_LABEL) && (asksLabel || orders?.scope === 'opt-out')) {
    return { guard: 'opted-out', reason: `its label ${EXCLUDE_LABEL}` };
  }
  const isNamed = webhooks.some(
    ({ selector }) =>
      selector?.some(
        ({ key, operator, values }) => key === NAME_LABEL && operator === 'NotIn' && values.includes(name),
      ) === true,
  );
  if (isNamed || orders?.exempt.includes(name) === true) {
    return { guard: 'opted-out', reason: 'the installation leaves it out by name' };
  }
  return { guard: 'not-covered', reason: 'no label of it asks for the webhook' };
}

function unknown(reason: string): NamespaceGuard {
  return { guard: 'unknown', reason };
}

function asksAboutPods(webhook: JsonFields): boolean {
  return webhook.objects('rules', MAX_ITEMS).some((rule) => {
    const resources = rule.strings('resources', MAX_ITEMS);
    return ['pods', '*', '*/*', 'pods/*'].some((name) => resources.includes(name));
  });
}

/** The API server sets the name's label itself; a cluster so old that it does not is not one that this runs in. */
function selects(
  selector: readonly LabelRequirement[] | undefined,
  { name, labels }: GuardedNamespace,
): boolean | undefined {
  if (selector === undefined) return undefined;
  const known = new Map([...labels, [NAME_LABEL, name]]);
  return selector.every((requirement) => holdsRequirement(requirement, known));
}

function requirements(selector: JsonFields | undefined): readonly LabelRequirement[] | undefined {
  const labels = selector?.optionalObject('matchLabels');
  const equal = (labels?.names() ?? []).map((key) => ({
    key,
    operator: 'In' as const,
    values: [labels?.string(key) ?? ''],
  }));
  const read: LabelRequirement[] = [...equal];
  for (const one of selector?.objects('matchExpressions', MAX_ITEMS) ?? []) {
    const operator = OPERATORS.find((known) => known === one.string('operator'));
    if (operator === undefined) return undefined;
    read.push({ key: one.string('key'), operator, values: one.has('values') ? one.strings('values', MAX_ITEMS) : [] });
  }
  return read;
}
