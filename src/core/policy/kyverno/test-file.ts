/** What `kyverno test` reads: a `kyverno-test.yaml`, as far as it is about images. */
export interface KyvernoTest {
  /** `metadata.name`. */
  readonly name: string;
  /** Places, as they are written there. */
  readonly policies: readonly string[];
  readonly resources: readonly string[];
  readonly exceptions: readonly string[];
  readonly variables: string | undefined;
  readonly userInfo: string | undefined;
  readonly values: TestValues;
  readonly results: readonly ExpectedResult[];
}

/** `pass`, `fail` and so on, as reports have them. */
export type RuleResult = 'pass' | 'fail' | 'skip' | 'warn' | 'error';

export type TestOperation = 'CREATE' | 'UPDATE';

/** What somebody expects of a rule about some objects. */
export interface ExpectedResult {
  /** With its namespace, if that is said. */
  readonly policy: string;
  /** Undefined: each of the policy's. */
  readonly rule: string | undefined;
  readonly result: RuleResult;
  readonly operation: TestOperation | undefined;
  /** None: every object. */
  readonly resources: readonly ResourceName[];
}

/** `name`, `namespace/name`, or all that is said of it. */
export interface ResourceName {
  readonly text: string;
  readonly name: string;
  readonly namespace?: string;
  readonly apiVersion?: string;
  readonly kind?: string;
}

/** `values`, or the file that `variables` names. */
export interface TestValues {
  readonly operation: TestOperation | undefined;
  /** Labels by namespace. */
  readonly namespaces: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** The file that `userinfo` names. */
export interface TestUser {
  readonly name: string;
  readonly groups: readonly string[];
}
