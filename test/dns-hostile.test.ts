// Messages made to hang, mislead or break a resolver. Each must be told as what it is, and quickly: the event loop that
// reads them serves every other session too.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpuUsage } from 'node:process';
import { before, test } from 'node:test';
import dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { loadDnsCodec } from '../src/io/dns-message.js';
import { encodeName, walkMessage } from '../src/io/dns-wire.js';
import type { DnsExchange, DnsOutcome } from '../src/smtp/mail-route.js';
import {
  a,
  askOnce,
  loadCodec,
  mx,
  MX_QUESTION,
  type Query,
  rawRecord,
  rawResponse,
  respond,
  type Script,
} from './support/dns-name-server.js';

const TYPE = { A: 1, CNAME: 5, MX: 15, TXT: 16, AAAA: 28, OPT: 41, RRSIG: 46 } as const;
/** The owner "as asked": a pointer to the question's name. */
const AS_ASKED = [0xc0, 12];
const LONGEST_BLOCK_MS = 200;

before(loadCodec);

/** The outcome, and the longest that the event loop was held meanwhile, in CPU time: other programs do not count. */
async function askWatched(
  work: Promise<DnsExchange>,
): Promise<{ readonly outcome: DnsOutcome; readonly blockedMs: number }> {
  let blockedMs = 0;
  let last = cpuUsage();
  const look = (): void => {
    const { user, system } = cpuUsage(last);
    blockedMs = Math.max(blockedMs, (user + system) / 1000);
    last = cpuUsage();
  };
  const watch = setInterval(look, 1);
  const { outcome } = await work;
  clearInterval(watch);
  look();
  return { outcome, blockedMs };
}

/** Where the first answer record of a hand-made response stands. */
function answersAt(query: Query): number {
  return rawResponse(query, 0, []).length;
}

function pointer(to: number): readonly number[] {
  return [0xc0 | (to >> 8), to & 0xff];
}

const overTcp =
  (reply: (query: Query) => Buffer): Script =>
  (query, transport) =>
    transport === 'tcp' ? reply(query) : respond(query, { flags: dnsPacket.TRUNCATED_RESPONSE });

/** A run of pointers, each to the one before it, that ends at the question's name. */
function pointerChain(from: number, length: number): Buffer {
  const chain = Buffer.alloc(2 * length);
  for (let index = 0; index < length; index++) {
    chain.writeUInt16BE(0xc000 | (index === 0 ? 12 : from + 2 * (index - 1)), 2 * index);
  }
  return chain;
}

const MALFORMED: Readonly<Record<string, (query: Query) => Buffer>> = {
  'an exchange that points to itself': (query) => {
    const exchangeAt = answersAt(query) + 14;
    return rawResponse(query, 1, [rawRecord(AS_ASKED, TYPE.MX, [0, 10, ...pointer(exchangeAt)])]);
  },
  'an owner that points to itself': (query) =>
    rawResponse(query, 1, [rawRecord(pointer(answersAt(query)), TYPE.A, [192, 0, 2, 1])]),
  'an owner that points forward': (query) =>
    rawResponse(query, 1, [rawRecord(pointer(answersAt(query) + 12), TYPE.MX, [0, 10, 1, 0x61, 0])]),
  'two exchanges that point to each other': (query) => {
    const first = answersAt(query) + 14;
    return rawResponse(query, 2, [
      rawRecord(AS_ASKED, TYPE.MX, [0, 10, ...pointer(first + 16)]),
      rawRecord(AS_ASKED, TYPE.MX, [0, 10, ...pointer(first)]),
    ]);
  },
  'a label before a pointer back to that label': (query) => {
    const exchangeAt = answersAt(query) + 14;
    return rawResponse(query, 1, [rawRecord(AS_ASKED, TYPE.MX, [0, 10, 1, 0x61, ...pointer(exchangeAt)])]);
  },
  'a pointer into the header': (query) => rawResponse(query, 1, [rawRecord(pointer(4), TYPE.A, [192, 0, 2, 1])]),
  'a label of the withdrawn type 01': (query) =>
    rawResponse(query, 1, [rawRecord([0x41, 0x61, 0], TYPE.A, [192, 0, 2, 1])]),
  'a name of more than 255 octets': (query) =>
    rawResponse(query, 1, [
      rawRecord([...Array.from({ length: 128 }, () => [1, 0x61]).flat(), 0], TYPE.A, [192, 0, 2, 1]),
    ]),
  'an address of five octets': (query) => rawResponse(query, 1, [rawRecord(AS_ASKED, TYPE.A, [192, 0, 2, 1, 9])]),
  'an address of three octets': (query) => rawResponse(query, 1, [rawRecord(AS_ASKED, TYPE.A, [192, 0, 2])]),
  'an IPv6 address of fifteen octets': (query) =>
    rawResponse(query, 1, [rawRecord(AS_ASKED, TYPE.AAAA, Array<number>(15).fill(1))]),
  'an RDLENGTH beyond the message': (query) => rawResponse(query, 1, [rawRecord(AS_ASKED, TYPE.TXT, [1, 0x61], 3)]),
  'an exchange longer than RDLENGTH': (query) =>
    rawResponse(query, 1, [rawRecord(AS_ASKED, TYPE.MX, [0, 10, 1, 0x61, 0], 4)]),
  'an exchange shorter than RDLENGTH': (query) =>
    rawResponse(query, 1, [rawRecord(AS_ASKED, TYPE.MX, [0, 10, 1, 0x61, 0, 0])]),
  'an exchange of no octets': (query) => rawResponse(query, 1, [rawRecord(AS_ASKED, TYPE.MX, [])]),
  'more records counted than sent': (query) => rawResponse(query, 2, [rawRecord(AS_ASKED, TYPE.A, [192, 0, 2, 1])]),
  '65,535 records counted, none sent': (query) => rawResponse(query, 0xffff, []),
  'sixty octets of 0xFF behind the question': (query) => rawResponse(query, 1, [Buffer.alloc(60, 0xff)]),
  'sixty octets of 0xFF behind an answer': (query) => {
    const message = rawResponse(query, 1, [rawRecord(AS_ASKED, TYPE.A, [192, 0, 2, 1]), Buffer.alloc(60, 0xff)]);
    message.writeUInt16BE(5, 10);
    return message;
  },
  'random octets behind the question': (query) => rawResponse(query, 3, [randomBytes(16), Buffer.alloc(40, 0xc0)]),
};

test('what is not sound is malformed, never "no data", and holds nobody up', async (t) => {
  for (const [what, reply] of Object.entries(MALFORMED)) {
    const { outcome, blockedMs } = await askWatched(askOnce(t, reply));
    assert.deepEqual(outcome, { kind: 'malformed' }, what);
    assert.ok(blockedMs < LONGEST_BLOCK_MS, `${what}: ${blockedMs} ms`);
  }
});

test('sixty octets of 0xFF with our id are no response to anything', async (t) => {
  const { outcome, blockedMs } = await askWatched(
    askOnce(t, (query) => Buffer.concat([query.octets.subarray(0, 2), Buffer.alloc(60, 0xff)])),
  );
  assert.deepEqual(outcome, { kind: 'timeout' });
  assert.ok(blockedMs < LONGEST_BLOCK_MS);
});

test('64 KB of records over TCP are malformed and cheap', async (t) => {
  const bombs: readonly ((query: Query) => Buffer)[] = [
    (query) => {
      const record = rawRecord(AS_ASKED, TYPE.A, [192, 0, 2, 1]);
      return rawResponse(query, 4000, Array<Buffer>(4000).fill(record));
    },
    (query) => {
      const chain = pointerChain(answersAt(query) + 12, 8000);
      const record = rawRecord(pointer(answersAt(query) + 12 + 2 * 7999), TYPE.A, [192, 0, 2, 1]);
      return rawResponse(query, 2001, [rawRecord(AS_ASKED, TYPE.TXT, [...chain]), ...Array<Buffer>(2000).fill(record)]);
    },
    () => Buffer.alloc(65_535, 0xff),
  ];
  for (const bomb of bombs) {
    const { outcome, blockedMs } = await askWatched(askOnce(t, overTcp(bomb)));
    assert.deepEqual(outcome, { kind: 'malformed' });
    assert.ok(blockedMs < LONGEST_BLOCK_MS, `${blockedMs} ms`);
  }
});

test('the costliest messages inside the bounds hold the event loop less than 200 ms', async (t) => {
  const bombs: readonly ((query: Query) => Buffer)[] = [
    // A long chain of pointers that every record follows.
    (query) => {
      const chain = pointerChain(answersAt(query) + 12, 6000);
      const record = rawRecord(pointer(answersAt(query) + 12 + 2 * 5999), TYPE.A, [192, 0, 2, 1]);
      return rawResponse(query, 200, [rawRecord(AS_ASKED, TYPE.TXT, [...chain]), ...Array<Buffer>(199).fill(record)]);
    },
    // One name of 255 octets, as owner and as exchange of 255 records.
    (query) => {
      const long = pointer(answersAt(query));
      const first = rawRecord([...Array.from({ length: 127 }, () => [1, 0x41]).flat(), 0], TYPE.A, [192, 0, 2, 1]);
      return rawResponse(query, 256, [first, ...Array<Buffer>(255).fill(rawRecord(long, TYPE.MX, [0, 1, ...long]))]);
    },
    // One unread record that fills the message.
    (query) => rawResponse(query, 1, [rawRecord(AS_ASKED, TYPE.TXT, Array<number>(16_000).fill(0))]),
  ];
  const kinds = [];
  for (const bomb of bombs) {
    const { outcome, blockedMs } = await askWatched(askOnce(t, overTcp(bomb)));
    kinds.push(outcome.kind);
    assert.ok(blockedMs < LONGEST_BLOCK_MS, `${blockedMs} ms`);
  }
  assert.deepEqual(kinds, ['malformed', 'records', 'no-data']);
});

test('an unread record, however broken inside, does not touch the ones beside it', async (t) => {
  const exchange = await askOnce(t, (query) => {
    const message = rawResponse(query, 6, [
      rawRecord(AS_ASKED, TYPE.TXT, [200, 0x61]),
      rawRecord(AS_ASKED, TYPE.RRSIG, [1, 2, 3]),
      rawRecord(AS_ASKED, TYPE.OPT, [0xff, 0xff, 0xff]),
      rawRecord(AS_ASKED, 0, [0, 1, 2]),
      Buffer.from([...AS_ASKED, 0, TYPE.A, 0, 3, 0, 0, 0, 60, 0, 1, 7]), // class CH
      rawRecord(AS_ASKED, TYPE.MX, [0, 10, 1, 0x61, 0]),
      rawRecord([0], TYPE.OPT, [0, 3, 0, 1, 0x61]),
    ]);
    message.writeUInt16BE(1, 10);
    return message;
  });
  assert.deepEqual(exchange.outcome, {
    kind: 'records',
    records: [{ name: 'good.example', ttl: 60, type: 'MX', preference: 10, exchange: 'a' }],
  });
});

test('a label keeps its dots, backslashes and octets, and the name can be asked for again', async (t) => {
  const exchange = await askOnce(t, (query) =>
    rawResponse(query, 3, [
      rawRecord(AS_ASKED, TYPE.MX, [0, 1, 6, 0x41, 0x2e, 0x00, 0x1b, 0x5c, 0xc4, 2, 0x4d, 0x78, 0]),
      rawRecord(AS_ASKED, TYPE.MX, [0, 2, 2, 0x6d, 0x78, ...AS_ASKED]),
      rawRecord(AS_ASKED, TYPE.MX, [0, 0, 0]),
    ]),
  );
  const records = 'records' in exchange.outcome ? exchange.outcome.records : [];
  const exchanges = records.map((record) => (record.type === 'MX' ? record.exchange : null));
  assert.deepEqual(exchanges, ['a\\.\0\u001b\\\\\u00c4.mx', 'mx.good.example', '']);
  const [odd = ''] = exchanges;
  assert.deepEqual([...encodeName(odd ?? '')], [6, 0x61, 0x2e, 0x00, 0x1b, 0x5c, 0xc4, 2, 0x6d, 0x78, 0]);

  const asked = await askOnce(t, (query) => rawResponse(query, 1, [rawRecord(AS_ASKED, TYPE.A, [192, 0, 2, 1])]), {
    name: odd ?? '',
    type: 'A',
  });
  assert.deepEqual(asked.outcome, {
    kind: 'records',
    records: [{ name: odd, ttl: 60, type: 'A', address: '192.0.2.1' }],
  });
});

test('an answer cut anywhere is malformed, never "no data"', async () => {
  const { readResponse } = await loadDnsCodec();
  const whole = dnsPacket.encode({
    type: 'response',
    questions: [{ type: 'MX', name: 'good.example' }],
    answers: [mx('good.example', 1, 'mx.good.example'), mx('good.example', 2, 'mx.other.example')],
    additionals: [a('mx.good.example', '192.0.2.1')],
  });
  assert.equal(readResponse(whole, MX_QUESTION).kind, 'answer');
  for (let length = 0; length < whole.length; length++) {
    assert.deepEqual(readResponse(whole.subarray(0, length), MX_QUESTION), { kind: 'failure', why: 'malformed' });
  }
});

test('no octets make the reader throw or dawdle', async () => {
  const { readResponse } = await loadDnsCodec();
  const whole = dnsPacket.encode({
    type: 'response',
    questions: [{ type: 'MX', name: 'good.example' }],
    answers: [
      mx('good.example', 1, 'mx.good.example'),
      { type: 'CNAME', name: 'good.example', data: 'x.example' },
      { type: 'TXT', name: 'good.example', data: 'text' },
    ],
    authorities: [{ type: 'NS', name: 'example', data: 'ns.example' }],
    additionals: [a('mx.good.example', '192.0.2.1')],
  });
  const harm = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(harm, (changes) => {
      const message = Buffer.from(whole);
      for (const [at, octet] of changes) message[at] = octet;
      const started = cpuUsage();
      readResponse(message, MX_QUESTION);
      assert.ok(cpuUsage(started).user < LONGEST_BLOCK_MS * 1000);
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (octets) => {
      const message = Buffer.from(octets);
      walkMessage(message);
      readResponse(message, MX_QUESTION);
    }),
    { numRuns: 1000 },
  );
});
