// The octets of a DNS message (RFC 1035 4.1), walked before any codec sees them. Pure, linear, and never throws.
//
// Decided here: a compression pointer must go strictly backwards and a name has at most 32 of them (RFC 1035 4.1.4: a
// *prior* occurrence; the loops and chains that hang a decoder are no names at all); RDLENGTH must be exactly what the
// RDATA of a type we read takes; a message is at most 16 KB with 256 records. One fault anywhere makes all of it
// malformed: half a message looks like "no such record", and that would accuse somebody.
//
// Names are read here and not by the codec, which joins labels with dots: a dot inside a label could not be told from
// the end of one. Our form: ASCII letters in lower case, one latin1 character an octet, `\.` and `\\` inside labels.

export const MAX_MESSAGE_OCTETS = 16 * 1024;
const MAX_RECORDS = 256;
const MAX_POINTERS = 32;
const MAX_NAME_OCTETS = 255;
export const HEADER_OCTETS = 12;

/** The numbers of the record types and the class that are read (RFC 1035 3.2.2, RFC 3596 2.1, RFC 6891 6.1.1). */
export const TYPE = { A: 1, NS: 2, CNAME: 5, SOA: 6, MX: 15, AAAA: 28, OPT: 41 } as const;
export const CLASS_IN = 1;

/** The response codes that mean something of their own here (RFC 1035 4.1.1). The others are the server's failure. */
export const RCODE = { noError: 0, formatError: 1, nameError: 3, notImplemented: 4, refused: 5 } as const;

/** The header's fields (RFC 1035 4.1.1); the message must have its 12 octets. */
export interface WireHeader {
  readonly isResponse: boolean;
  readonly opcode: number;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  readonly rcode: number;
  readonly questions: number;
  readonly answers: number;
  readonly authorities: number;
  readonly additionals: number;
}

/** One resource record as it lies in the message. */
export interface WireRecord {
  readonly name: string;
  /** Where the TYPE field stands, in octets from the start of the message. */
  readonly typeAt: number;
  readonly type: number;
  readonly class: number;
  /** The name in the RDATA of an MX or CNAME record of class IN, the mailbox of an SOA; '' for all others. */
  readonly target: string;
}

/** A message whose structure is sound. */
export interface WireMessage {
  readonly header: WireHeader;
  readonly answers: readonly WireRecord[];
  /** The types of the records in the authority section. */
  readonly authorityTypes: ReadonlySet<number>;
  /** All 12 bits, with the OPT record's share (RFC 6891 6.1.3). */
  readonly rcode: number;
}

/** A question as it goes on the wire. */
export interface WireQuestion {
  readonly name: string;
  readonly type: number;
}

/** The header's fields, or null where the message is shorter than a header. */
export function readHeader(message: Buffer): WireHeader | null {
  if (message.length < HEADER_OCTETS) return null;
  const flags = message.readUInt16BE(2);
  return {
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 0xf,
    isAuthoritative: (flags & 0x0400) !== 0,
    isTruncated: (flags & 0x0200) !== 0,
    rcode: flags & 0xf,
    questions: message.readUInt16BE(4),
    answers: message.readUInt16BE(6),
    authorities: message.readUInt16BE(8),
    additionals: message.readUInt16BE(10),
  };
}

/**
 * True for a response to this question, whatever its id: QR, opcode, the name without regard to case, type and class
 * (RFC 5452 9.1). A FORMERR or NOTIMP may leave the question out: the server could not read it.
 */
export function isResponseTo(message: Buffer, question: WireQuestion): boolean {
  const header = readHeader(message);
  if (header === null || !header.isResponse || header.opcode !== 0) return false;
  if (header.questions === 0) return header.rcode === RCODE.formatError || header.rcode === RCODE.notImplemented;
  return header.questions === 1 && asks(message, question);
}

/** True where the first question of the message is this one. */
export function asks(message: Buffer, question: WireQuestion): boolean {
  const read = readName(message, HEADER_OCTETS);
  return (
    read !== null &&
    read.end + 4 <= message.length &&
    message.readUInt16BE(read.end) === question.type &&
    message.readUInt16BE(read.end + 2) === CLASS_IN &&
    read.name === lowerAscii(question.name)
  );
}

/** The whole message walked, or null where its structure is not sound. */
export function walkMessage(message: Buffer): WireMessage | null {
  const header = readHeader(message);
  if (header === null || message.length > MAX_MESSAGE_OCTETS) return null;
  const records = header.answers + header.authorities + header.additionals;
  // The least a question takes is 5 octets, a record 11: counts that cannot be true cost nothing.
  if (records > MAX_RECORDS || header.questions * 5 + records * 11 > message.length - HEADER_OCTETS) return null;

  let at = HEADER_OCTETS;
  for (let index = 0; index < header.questions; index++) {
    const name = readName(message, at);
    if (name === null || name.end + 4 > message.length) return null;
    at = name.end + 4;
  }
  const answers: WireRecord[] = [];
  const authorityTypes = new Set<number>();
  let rcode = header.rcode;
  for (let index = 0; index < records; index++) {
    const read = readRecord(message, at);
    if (read === null) return null;
    at = read.end;
    if (index < header.answers) {
      answers.push(read.record);
    } else if (index < header.answers + header.authorities) {
      authorityTypes.add(read.record.type);
    } else if (read.record.type === TYPE.OPT) {
      rcode = header.rcode | ((message[read.record.typeAt + 4] ?? 0) << 4);
    }
  }
  return { header, answers, authorityTypes, rcode };
}

interface ReadRecord {
  readonly record: WireRecord;
  readonly end: number;
}

/** One resource record (RFC 1035 4.1.3). */
function readRecord(message: Buffer, at: number): ReadRecord | null {
  const owner = readName(message, at);
  if (owner === null || owner.end + 10 > message.length) return null;
  const typeAt = owner.end;
  const type = message.readUInt16BE(typeAt);
  const recordClass = message.readUInt16BE(typeAt + 2);
  const rdata = typeAt + 10;
  const end = rdata + message.readUInt16BE(typeAt + 8);
  if (end > message.length) return null;
  const record = { name: owner.name, typeAt, type, class: recordClass, target: '' };
  if (recordClass !== CLASS_IN) return { record, end };
  if (type === TYPE.A && end - rdata !== 4) return null;
  if (type === TYPE.AAAA && end - rdata !== 16) return null;
  if (type === TYPE.SOA) return readSoa(message, rdata, { record, end });
  if (type !== TYPE.MX && type !== TYPE.CNAME) return { record, end };
  const target = readName(message, type === TYPE.MX ? rdata + 2 : rdata);
  if (target === null || target.end !== end) return null;
  return { record: { ...record, target: target.name }, end };
}

/** RFC 1035 3.3.13: two names, then five numbers of four octets. */
function readSoa(message: Buffer, rdata: number, { record, end }: ReadRecord): ReadRecord | null {
  const mname = readName(message, rdata);
  const rname = mname === null ? null : readName(message, mname.end);
  if (rname === null || rname.end + 20 !== end) return null;
  return { record: { ...record, target: rname.name }, end };
}

interface ReadName {
  readonly name: string;
  /** Where what follows the name stands. */
  readonly end: number;
}

/** The name at this place, compression followed (RFC 1035 3.1, 4.1.4), or null where it is none. */
function readName(message: Buffer, start: number): ReadName | null {
  let name = '';
  let end = -1;
  let at = start;
  let segment = start; // where the run of labels now read began: a pointer in it must lead to before it
  let octets = 1;
  let pointers = 0;
  for (;;) {
    const size = message[at];
    if (size === undefined) return null;
    if (size === 0) return { name, end: end < 0 ? at + 1 : end };
    if (size >= 0xc0) {
      const low = message[at + 1];
      if (low === undefined) return null;
      const target = ((size & 0x3f) << 8) | low;
      pointers += 1;
      if (target >= segment || target < HEADER_OCTETS || pointers > MAX_POINTERS) return null;
      if (end < 0) end = at + 2;
      segment = target;
      at = target;
      continue;
    }
    // 0x40 and 0x80 are no labels (RFC 6891 5 withdrew the only use there was).
    const next = at + 1 + size;
    octets += size + 1;
    if (size > 63 || next > message.length || octets > MAX_NAME_OCTETS) return null;
    const label = message.toString('latin1', at + 1, next);
    name = name === '' ? textOfLabel(label) : `${name}.${textOfLabel(label)}`;
    at = next;
  }
}

function textOfLabel(label: string): string {
  return lowerAscii(/[.\\]/.test(label) ? label.replaceAll(/[.\\]/g, '\\$&') : label);
}

/** Letters beyond ASCII are octets without case (RFC 4343 2.2). */
function lowerAscii(text: string): string {
  return /[A-Z]/.test(text) ? text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
}

/**
 * The octets of a name in our form (RFC 1035 3.1), uncompressed. Throws a RangeError for what cannot be a name: an
 * empty label, one over 63 octets, more than 255 in all, a character beyond latin1.
 */
export function encodeName(name: string): Buffer {
  const octets: number[] = [];
  let label: number[] = [];
  const endLabel = (): void => {
    if (label.length === 0 || label.length > 63) throw new RangeError(`no name: a label of ${label.length} octets`);
    octets.push(label.length, ...label);
    label = [];
  };
  for (let index = 0; index < name.length; index++) {
    if (name[index] === '.') {
      endLabel();
      continue;
    }
    if (name[index] === '\\') index += 1;
    const octet = name.charCodeAt(index);
    if (!(octet <= 0xff)) throw new RangeError('no name: a character beyond latin1, or a backslash at its end');
    label.push(octet);
  }
  if (name !== '') endLabel();
  octets.push(0);
  if (octets.length > MAX_NAME_OCTETS) throw new RangeError(`no name: ${octets.length} octets`);
  return Buffer.from(octets);
}
