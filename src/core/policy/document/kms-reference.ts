/** In the original's order, which its message shows. `openbao://` is what its documentation has added since. */
const PROVIDERS = ['awskms://', 'azurekms://', 'hashivault://', 'gcpkms://'] as const;
const OURS = [...PROVIDERS, 'openbao://'] as const;

const AWS_FORMAT = 'kms key should be in the format awskms://[ENDPOINT]/[ID/ALIAS/ARN] (endpoint optional)';
const UUID = 'm?r?k?-?[A-Fa-f0-9]{8}-?[A-Fa-f0-9]{4}-?[A-Fa-f0-9]{4}-?[A-Fa-f0-9]{4}-?[A-Fa-f0-9]{12}';
const ARN = String.raw`arn:(?:aws|aws-us-gov|aws-cn):kms:[a-z0-9-]+:\d{12}:`;
const AWS = new RegExp(`^awskms://([^/]*)/(${UUID}|${ARN}key/${UUID}|alias/.*|${ARN}alias/.*)$`);

/**
 * What is wrong with a reference to a key in a KMS, in the words of policy-controller's validating webhook
 * (pkg/apis/policy/common/validation.go); undefined when nothing is.
 */
export function kmsProblem(reference: string): string | undefined {
  if (!OURS.some((prefix) => reference.startsWith(prefix))) {
    return `malformed KMS format, should be prefixed by any of the supported providers: [${PROVIDERS.join(' ')}]`;
  }
  return reference.startsWith('awskms://') ? awsProblem(reference) : undefined;
}

function awsProblem(reference: string): string | undefined {
  const [, , endpoint = '', resource = ''] = reference.split('/');
  if (reference.split('/').length < 4) {
    return (
      "malformed AWS KMS format 'awskms://$ENDPOINT/$KEYID', should be conformant with KMS standard documented here: " +
      'https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id'
    );
  }
  if (!AWS.test(reference) || endpoint.startsWith('arn') || endpoint.startsWith('alias')) return AWS_FORMAT;
  if (endpoint !== '' && !/^(\[[^\]]*\]|[^:]*):[^:]*$/.test(endpoint)) {
    const reason = endpoint.includes(':') ? 'too many colons in address' : 'missing port in address';
    return `malformed endpoint: address ${endpoint}: ${reason}`;
  }
  // Ids and names of aliases pass the pattern and not this: the region has to come from somewhere.
  return resource.startsWith('arn:') ? undefined : 'failed to parse either key or alias arn: arn: invalid prefix';
}
