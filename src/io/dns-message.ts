// Queries and answers as octets: the only file that knows dns2, and all of dns2 that is used is its packet codec.
//
// Decided here: the codec is loaded on the first question (it brings http2 and tls along, some 35 ms). Names are ours
// in both directions, because dns2 joins labels with dots and cannot tell or write a dot inside a label; all else is
// dns2's. It encodes one query a record type, for the root, and the name and the id are put in their places. It decodes
// the records that dns-wire has found sound and that we read, rebuilt without their names: then no compression and no
// unread record can mislead it or hold it up (2.4 takes seconds for some), and its work is half. What it drops or lists
// as an error makes the message malformed, never "no data". Queries set RD and carry an OPT record for 1232 octets
// (RFC 6891 6.2.5) without DO: no verdict rests on DNSSEC, and signatures would send many an answer to TCP. Works alike
// on dns2 2.4 and 3.1.
import type { DnsOutcome, DnsRecord, Question, QuestionType } from '../smtp/mail-route.js';
import {
  CLASS_IN,
  encodeName,
  HEADER_OCTETS,
  RCODE,
  TYPE,
  walkMessage,
  type WireMessage,
  type WireRecord,
} from './dns-wire.js';

const UDP_PAYLOAD_OCTETS = 1232;
const ANSWER_COUNT_AT = 6;
/** The root as owner, TYPE, CLASS, TTL, RDLENGTH and an IPv6 address. */
const MAX_NAMELESS_RECORD_OCTETS = 1 + 10 + 16;

/** What a message says that answers our question. */
export type Reading =
  | { readonly kind: 'answer'; readonly outcome: DnsOutcome & { readonly records: readonly DnsRecord[] } }
  | { readonly kind: 'failure'; readonly why: 'server-failure' | 'refused' | 'malformed' }
  /** FORMERR or NOTIMP: an old server may answer the same without the OPT record (RFC 6891 6.2.2, 7). */
  | { readonly kind: 'not-understood' };

/** Encodes queries and reads the responses to them. */
export interface DnsCodec {
  /** The query's octets. Throws a RangeError where the question's name is none. */
  encodeQuery(question: Question, id: number, edns: 'edns' | 'plain'): Buffer;
  /** Reads a response whose id and question were found right and whose TC bit is clear. Never throws. */
  readResponse(message: Buffer, question: Question): Reading;
}

type Dns2 = typeof import('dns2');

const MALFORMED: Reading = { kind: 'failure', why: 'malformed' };

/** Loads dns2. */
export async function loadDnsCodec(): Promise<DnsCodec> {
  const dns2 = await import('dns2');
  const templates = new Map<string, Buffer>();
  return {
    encodeQuery(question, id, edns) {
      const key = `${question.type} ${edns}`;
      const template = templates.get(key) ?? encodeRootQuery(dns2, question.type, edns);
      templates.set(key, template);
      const name = encodeName(question.name);
      const query = Buffer.concat([template.subarray(0, HEADER_OCTETS), name, template.subarray(HEADER_OCTETS + 1)]);
      query.writeUInt16BE(id, 0);
      return query;
    },
    readResponse(message, question) {
      return readResponse(dns2, message, question);
    },
  };
}

function encodeRootQuery({ Packet }: Dns2, type: QuestionType, edns: 'edns' | 'plain'): Buffer {
  const packet = new Packet();
  packet.header.rd = 1;
  packet.questions.push(new Packet.Question('', TYPE[type], CLASS_IN));
  if (edns === 'edns') {
    const opt = new Packet.Resource({ name: '', type: TYPE.OPT, class: UDP_PAYLOAD_OCTETS, ttl: 0 });
    packet.additionals.push(Object.assign(opt, { rdata: [] }));
  }
  return packet.toBuffer();
}

function readResponse(dns2: Dns2, message: Buffer, question: Question): Reading {
  const walked = walkMessage(message);
  if (walked === null) return MALFORMED;
  switch (walked.rcode) {
    case RCODE.noError:
    case RCODE.nameError:
      break;
    case RCODE.refused:
      return { kind: 'failure', why: 'refused' };
    case RCODE.formatError:
    case RCODE.notImplemented:
      return { kind: 'not-understood' };
    default:
      return { kind: 'failure', why: 'server-failure' };
  }
  const records = readAnswers(dns2, message, walked);
  if (records === null) return MALFORMED;
  if (walked.rcode === RCODE.nameError) return { kind: 'answer', outcome: { kind: 'no-such-name', records } };
  // RFC 2308 2.2: a referral to other name servers is no "no data". This server does not look further for us.
  if (isReferral(walked)) return { kind: 'failure', why: 'refused' };
  const kind = records.some((record) => record.type === question.type) ? 'records' : 'no-data';
  return { kind: 'answer', outcome: { kind, records } };
}

function isReferral({ header, answers, authorityTypes }: WireMessage): boolean {
  const isEmpty = answers.length === 0 && !header.isAuthoritative;
  return isEmpty && authorityTypes.has(TYPE.NS) && !authorityTypes.has(TYPE.SOA);
}

/** The records of the answer section that we read, or null where the codec does not see what the walk saw. */
function readAnswers({ Packet }: Dns2, message: Buffer, walked: WireMessage): readonly DnsRecord[] | null {
  // Nothing but a name is read of an SOA record, and names are the walk's.
  const soa = walked.answers
    .filter(isSoa)
    .map(({ name, target }) => ({ name, ttl: 0, type: 'SOA' as const, rname: target }));
  const read = walked.answers.filter(isRead);
  if (read.length === 0) return soa;
  let packet;
  try {
    packet = Packet.parse(withoutNames(message, read));
  } catch {
    return null; // what the codec throws at is the peer's fault, and told as malformed
  }
  // 3.x lists the records that it could not decode; 2.4 drops them.
  if ('errors' in packet && Array.isArray(packet.errors) && packet.errors.length > 0) return null;
  if (packet.answers.length !== read.length) return null;
  const records: DnsRecord[] = [...soa];
  for (const [index, wire] of read.entries()) {
    const decoded = packet.answers[index];
    const record = decoded?.type === wire.type ? recordOf(wire, decoded) : null;
    if (record === null) return null;
    records.push(record);
  }
  return records;
}

function isRead({ class: recordClass, type }: WireRecord): boolean {
  return recordClass === CLASS_IN && (type === TYPE.A || type === TYPE.AAAA || type === TYPE.MX || type === TYPE.CNAME);
}

const isSoa = ({ class: recordClass, type }: WireRecord): boolean => recordClass === CLASS_IN && type === TYPE.SOA;

/** A message of these records only, with the root for every name in them. */
function withoutNames(message: Buffer, records: readonly WireRecord[]): Buffer {
  const octets = Buffer.alloc(HEADER_OCTETS + records.length * MAX_NAMELESS_RECORD_OCTETS);
  octets.writeUInt16BE(records.length, ANSWER_COUNT_AT);
  let at = HEADER_OCTETS;
  for (const { typeAt, type } of records) {
    const rdataAt = typeAt + 10;
    const numbers = type === TYPE.MX ? 2 : type === TYPE.CNAME ? 0 : message.readUInt16BE(typeAt + 8);
    const length = type === TYPE.MX || type === TYPE.CNAME ? numbers + 1 : numbers;
    at += 1;
    message.copy(octets, at, typeAt, typeAt + 8);
    octets.writeUInt16BE(length, at + 8);
    message.copy(octets, at + 10, rdataAt, rdataAt + numbers);
    at += 10 + length;
  }
  return octets.subarray(0, at);
}

interface Decoded {
  readonly ttl: number;
  readonly address?: string;
  readonly priority?: number;
}

/** Numbers and addresses are the codec's, names the walk's. */
function recordOf({ name, type, target }: WireRecord, { ttl, address, priority }: Decoded): DnsRecord | null {
  if (type === TYPE.CNAME) return { name, ttl, type: 'CNAME', target };
  if (type === TYPE.MX)
    return priority === undefined ? null : { name, ttl, type: 'MX', preference: priority, exchange: target };
  if (address === undefined) return null;
  return type === TYPE.A
    ? { name, ttl, type: 'A', address }
    : { name, ttl, type: 'AAAA', address: mixedNotation(address) };
}

/** RFC 5952 5: an IPv4-mapped address ends in dotted decimal; dns2 writes all of it in hexadecimal. */
function mixedNotation(address: string): string {
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (mapped === null) return address;
  const octets = mapped.slice(1).flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]);
  return `::ffff:${octets.join('.')}`;
}
