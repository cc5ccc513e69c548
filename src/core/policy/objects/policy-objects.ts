import type { JsonFields } from '../../encoding/json-fields.ts';
import { utf8 } from '../../encoding/bytes.ts';
import { parseClusterImagePolicy, type PolicyParserOptions } from '../cluster-image/cluster-image-policy-parser.ts';
import type { AdmissionPolicy } from '../judgement/admission-policy.ts';
import { clusterImageAdmission } from '../judgement/cluster-image-admission.ts';
import { EXCEPTION_API_VERSION, parseImageException, type ImageException } from './image-exception.ts';
import { parseImagePolicy } from './image-policy.ts';
import { parseKyvernoPolicy } from '../kyverno/cluster-policy-parser.ts';
import { imageRuleAdmission } from '../kyverno-judgement/image-rule-admission.ts';
import { imageValidatingAdmission } from '../kyverno-judgement/image-validating-admission.ts';
import { parseImageValidatingPolicy } from '../kyverno/image-validating-policy-parser.ts';
import { mergeExceptions, type PolicyExceptions } from '../kyverno/policy-exception.ts';
import { isPolicyException, parsePolicyException } from '../kyverno/policy-exception-parser.ts';
import { parsePolicyDocuments } from '../document/policy-document.ts';
import { parseTrustRoot, type TrustRootSource } from '../cluster-image/trust-root-parser.ts';

/** Policies from files, with what they refer to where the files hold that as well. */
export interface PolicyObjects {
  readonly policies: readonly AdmissionPolicy[];
  readonly trustRoots: ReadonlyMap<string, TrustRootSource>;
  /** Entries of Secrets by name, whose namespace is then the controller's, and by namespace and name. */
  readonly secrets: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;
  /** The same; Kyverno's rules name theirs with the namespace, which is `default` where the document says none. */
  readonly configMaps: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly exceptions: readonly ImageException[];
  /** Kyverno's, which the policies beside them know already. */
  readonly policyExceptions: PolicyExceptions;
}

const MAX_ENTRIES = 1000;

/**
 * Every object of one or more YAML documents: `ClusterImagePolicy`, Kyverno's policies, `TrustRoot`, and the Secrets and ConfigMaps that they
 * refer to.
 *
 * @param source where the text is from, for messages
 * @throws FormatError FORMAT_POLICY; UsageError USAGE_BAD_CONFIG for objects of other kinds; LimitError
 */
export function parsePolicyObjects(text: string, source: string, options: PolicyParserOptions = {}): PolicyObjects {
  const policies: AdmissionPolicy[] = [];
  const exceptions: ImageException[] = [];
  const policyExceptions: PolicyExceptions[] = [];
  const trustRoots = new Map<string, TrustRootSource>();
  const secrets = new Map<string, ReadonlyMap<string, Uint8Array>>();
  const configMaps = new Map<string, ReadonlyMap<string, string>>();
  for (const document of parsePolicyDocuments(text, source)) {
    if (isPolicyException(document)) {
      policyExceptions.push(parsePolicyException(document));
      continue;
    }
    switch (`${document.optionalString('apiVersion') ?? ''} ${document.optionalString('kind') ?? ''}`) {
      case 'policy.sigstore.dev/v1alpha1 TrustRoot':
        trustRoots.set(nameOf(document), parseTrustRoot(document.object('spec'), `TrustRoot ${nameOf(document)}`));
        break;
      case 'v1 Secret':
        for (const name of secretNames(document)) secrets.set(name, secretEntries(document));
        break;
      case 'v1 ConfigMap':
        for (const name of configMapNames(document)) {
          configMaps.set(name, textEntries(document.optionalObject('data')));
        }
        break;
      case `${EXCEPTION_API_VERSION} ImageException`:
      case `${EXCEPTION_API_VERSION} BreakGlass`:
        exceptions.push(parseImageException(document));
        break;
      case `${EXCEPTION_API_VERSION} ImagePolicy`:
        policies.push(clusterImageAdmission(parseImagePolicy(document)));
        break;
      case 'policies.kyverno.io/v1 ImageValidatingPolicy':
      case 'policies.kyverno.io/v1beta1 ImageValidatingPolicy':
      case 'policies.kyverno.io/v1alpha1 ImageValidatingPolicy':
      case 'policies.kyverno.io/v1 NamespacedImageValidatingPolicy':
      case 'policies.kyverno.io/v1beta1 NamespacedImageValidatingPolicy':
        policies.push(imageValidatingAdmission(parseImageValidatingPolicy(document)));
        break;
      case 'kyverno.io/v1 ClusterPolicy':
      case 'kyverno.io/v1 Policy':
      case 'kyverno.io/v2beta1 ClusterPolicy':
      case 'kyverno.io/v2beta1 Policy':
        policies.push(...parseKyvernoPolicy(document).map((rule) => imageRuleAdmission(rule)));
        break;
      default:
        policies.push(clusterImageAdmission(parseClusterImagePolicy(document, options)));
    }
  }
  return excepted({
    policies,
    trustRoots,
    secrets,
    configMaps,
    exceptions,
    policyExceptions: mergeExceptions(policyExceptions),
  });
}

/** Those of several texts together; of two things of one name that policies refer to, the later one counts. */
export function mergePolicyObjects(all: readonly PolicyObjects[]): PolicyObjects {
  return excepted({
    policies: all.flatMap(({ policies }) => policies),
    trustRoots: new Map(all.flatMap(({ trustRoots }) => [...trustRoots])),
    secrets: new Map(all.flatMap(({ secrets }) => [...secrets])),
    configMaps: new Map(all.flatMap(({ configMaps }) => [...configMaps])),
    exceptions: all.flatMap(({ exceptions }) => exceptions),
    policyExceptions: mergeExceptions(all.map(({ policyExceptions }) => policyExceptions)),
  });
}

/** Each policy with all the exceptions from it. */
function excepted(objects: PolicyObjects): PolicyObjects {
  const { policies, policyExceptions } = objects;
  return { ...objects, policies: policies.map((policy) => policy.excepted?.(policyExceptions) ?? policy) };
}

function nameOf(document: JsonFields): string {
  return document.object('metadata').string('name');
}

/** Policies name a Secret of the controller's own namespace by its name alone, and others with their namespace. */
function secretNames(document: JsonFields): readonly string[] {
  const namespace = document.object('metadata').optionalString('namespace');
  const name = nameOf(document);
  return namespace === undefined ? [name] : [name, `${namespace}/${name}`];
}

function configMapNames(document: JsonFields): readonly string[] {
  const namespace = document.object('metadata').optionalString('namespace') ?? 'default';
  return [nameOf(document), `${namespace}/${nameOf(document)}`];
}

function secretEntries(document: JsonFields): ReadonlyMap<string, Uint8Array> {
  const data = document.optionalObject('data');
  const plain = textEntries(document.optionalObject('stringData'));
  return new Map([
    ...(data?.names() ?? [])
      .slice(0, MAX_ENTRIES)
      .map((name) => [name, data?.bytes(name) ?? new Uint8Array(0)] as const),
    ...[...plain].map(([name, value]) => [name, utf8(value)] as const),
  ]);
}

function textEntries(fields: JsonFields | undefined): ReadonlyMap<string, string> {
  return new Map((fields?.names() ?? []).slice(0, MAX_ENTRIES).map((name) => [name, fields?.string(name) ?? '']));
}
