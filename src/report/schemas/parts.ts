// Parts of JSON Schemas (2020-12). An object is closed: a member that it does not name is an error in what we write.

/** A JSON Schema, or a part of one. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

/** Members of an object, by name. */
export type Members = Readonly<Record<string, Schema>>;

export const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** An object with these members, and those that may be absent. */
export function object(members: Members, optional: Members = {}): Schema {
  return {
    type: 'object',
    properties: { ...members, ...optional },
    required: Object.keys(members),
    additionalProperties: false,
  };
}

/** Objects that a member tells apart: `kind`, `act`, `type`; `optional` names members of some that may be absent. */
export function union(
  tag: string,
  members: Readonly<Record<string, Members>>,
  optional: Readonly<Record<string, Members>> = {},
): Schema {
  const branches = Object.entries(members).map(([word, rest]) =>
    object({ [tag]: { const: word }, ...rest }, optional[word]),
  );
  return { type: 'object', required: [tag], oneOf: branches };
}

/** An object whose members may have any name. */
export const mapOf = (member: Schema): Schema => ({ type: 'object', additionalProperties: member });
export const list = (items: Schema): Schema => ({ type: 'array', items });
export const oneOf = (...words: readonly string[]): Schema => ({ type: 'string', enum: words });
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });
export const told = (schema: Schema, description: string): Schema => ({ ...schema, description });

export const string: Schema = { type: 'string' };
export const words: Schema = { type: 'string', minLength: 1 };
export const boolean: Schema = { type: 'boolean' };
export const count: Schema = { type: 'integer', minimum: 0 };
export const milliseconds: Schema = { type: 'integer', minimum: 0 };
export const port: Schema = { type: 'integer', minimum: 1, maximum: 65_535 };
export const time: Schema = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?Z$',
  description: 'RFC 3339, UTC',
};
/** Text of a peer. */
export const octets: Schema = {
  type: 'string',
  pattern: '^[\\u0000-\\u00ff]*$',
  description: 'U+0000 to U+00FF, one character an octet',
};
export const enhancedStatusCode: Schema = { type: 'string', pattern: '^[245]\\.\\d{1,3}\\.\\d{1,3}$' };
export const replyCode: Schema = { type: 'integer', minimum: 0, maximum: 999 };
export const tool: Schema = object({ name: { const: 'postmaster-check' }, version: words });
export const route: Schema = object({
  kind: oneOf('mx', 'implicit-mx', 'null-mx', 'no-such-domain', 'no-mail-host', 'given', 'unknown'),
  canonicalName: told(string, 'the name whose records were used: the domain, or what its alias leads to'),
  hosts: list(object({ host: string, preference: count, addresses: list(words) })),
});
const certificate: Schema = object({
  subject: string,
  issuer: string,
  validTo: string,
  trusted: boolean,
  problem: orNull(string),
});
export const tls: Schema = object({ protocol: string, cipher: string, certificate: orNull(certificate) });
export const purpose: Schema = oneOf(
  'probe',
  'second-opening',
  'over-tls',
  'other-sender',
  'alone',
  'helo',
  'script',
  'retry',
);
export const dnsType: Schema = oneOf('MX', 'A', 'AAAA', 'CNAME');
