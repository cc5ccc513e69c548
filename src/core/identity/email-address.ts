/** RFC 5322 dot-atom with a dotted domain, in ASCII: all that an rfc822Name can hold. */
const EMAIL =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$/;
/** RFC 5321 §4.5.3.1.3, less the angle brackets. */
const MAX_EMAIL_LENGTH = 254;

/** Whether the text is an address that a certificate can name. Its length is looked at before the pattern runs. */
export function isEmailAddress(text: string): boolean {
  return text.length <= MAX_EMAIL_LENGTH && EMAIL.test(text);
}
