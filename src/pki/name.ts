import * as asn1js from 'asn1js';
import type * as pkijs from 'pkijs';
import { hex } from './der.ts';

/**
 * The attributes of a distinguished name, each as one text that is equal exactly for equal attributes: RFC 5280 §7.1 compares strings
 * without regard to case and to runs of white space, whatever their string type. Made once, so that comparing costs nothing.
 */
export function canonicalAttributes(name: pkijs.RelativeDistinguishedNames): readonly string[] {
  return name.typesAndValues.map(({ type, value }) => canonicalAttribute(type, value as asn1js.BaseBlock));
}

/** One attribute of the type with that OID. */
export function canonicalAttribute(type: string, value: asn1js.BaseBlock): string {
  return `${type}=${canonicalValue(value)}`;
}

/** A whole name as one text. */
export function canonicalName(attributes: readonly string[]): string {
  // Values keep no control characters, so that none can imitate the separator.
  return attributes.join('\u0000');
}

function canonicalValue(value: asn1js.BaseBlock): string {
  if (!(value instanceof asn1js.BaseStringBlock)) return `#${hex(new Uint8Array(value.toBER(false)))}`;
  const text: string = value.valueBlock.value;
  return text.replace(/\p{Cc}/gu, '\ufffd').toLowerCase().trim().replace(/\s+/g, ' ');
}
