// DNS evidence in memory: a zone in a few lines of text, what a resolver would make of it, and the evidence of a domain.
import type { ProbeSettings, DomainEvidence } from '../../src/evidence/evidence.js';
import type { EndpointEvidence, Exchange } from '../../src/evidence/transcript.js';
import type { Domain } from '../../src/smtp/address.js';
import {
  nextQuestions,
  planMailRoute,
  type DnsExchange,
  type DnsOutcome,
  type DnsRecord,
  type Question,
} from '../../src/smtp/mail-route.js';
import type { ConnectOutcome } from '../../src/smtp/outcome.js';

const FAILURES: Readonly<Record<string, Exclude<DnsOutcome['kind'], 'records' | 'no-data' | 'no-such-name'>>> = {
  SERVFAIL: 'server-failure',
  REFUSED: 'refused',
  TIMEOUT: 'timeout',
  UNREACHABLE: 'unreachable',
  MALFORMED: 'malformed',
};

/** How a resolver answers where aliases are: with all it finds, or with one link a question. */
export type AliasStyle = 'one-answer' | 'one-link';

/** Answers questions from zone text. */
export type Zone = (question: Question) => DnsExchange;

/**
 * Reads a zone, one record a line: `owner MX 10 host`, `owner A address`, `owner CNAME target`, `.` for the root;
 * `owner MX SERVFAIL` (REFUSED, TIMEOUT, UNREACHABLE, MALFORMED) makes that question fail, `owner * TIMEOUT` every one;
 * `owner NXDOMAIN` is said in so many words. Names that are not there, nor above one that is, do not exist.
 */
export function zone(text: string, style: AliasStyle = 'one-answer'): Zone {
  const records: DnsRecord[] = [];
  const failures = new Map<string, string>();
  const absent = new Set<string>();
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [owner = '', type = '', ...data] = line.split(/\s+/);
    const word = data.at(-1) ?? '';
    if (type === 'NXDOMAIN') absent.add(owner);
    else if (word in FAILURES) failures.set(`${owner} ${type}`, word);
    else records.push(recordOf(owner, type, data));
  }
  const exists = (name: string): boolean =>
    !absent.has(name) && records.some((record) => record.name === name || record.name.endsWith(`.${name}`));

  return (question) => {
    const answer: DnsRecord[] = [];
    let name = question.name;
    for (let link = 0; link < 20; link++) {
      const failure = failures.get(`${name} ${question.type}`) ?? failures.get(`${name} *`);
      const kind = failure === undefined ? undefined : FAILURES[failure];
      if (kind !== undefined) return exchange(question, { kind });
      const here = name;
      const alias = records.find((record) => record.name === here && record.type === 'CNAME');
      const own = records.filter((record) => record.name === here && record.type === question.type);
      if (own.length > 0) return exchange(question, { kind: 'records', records: [...answer, ...own] });
      if (alias?.type !== 'CNAME') break;
      answer.push(alias);
      name = alias.target;
      if (style === 'one-link') return exchange(question, { kind: 'no-data', records: answer });
    }
    return exchange(question, {
      kind: exists(name) || answer.length > 10 ? 'no-data' : 'no-such-name',
      records: answer,
    });
  };
}

function recordOf(name: string, type: string, data: readonly string[]): DnsRecord {
  const ttl = 300;
  const nameOf = (text = ''): string => (text === '.' ? '' : text);
  switch (type) {
    case 'MX':
      return { name, ttl, type, preference: Number(data[0]), exchange: nameOf(data.slice(1).join(' ')) };
    case 'A':
    case 'AAAA':
      return { name, ttl, type, address: data[0] ?? '' };
    case 'CNAME':
      return { name, ttl, type, target: nameOf(data[0]) };
    default:
      throw new Error(`no record of the test zone: ${name} ${type} ${data.join(' ')}`);
  }
}

/** One exchange with a name server. */
export function exchange(question: Question, outcome: DnsOutcome): DnsExchange {
  return { question, nameServer: '192.0.2.53:53', transport: 'udp', afterMs: 3, outcome, passedOver: [] };
}

/** Asks all that the route of a domain needs; throws where the questions do not end. */
export function askForRoute(domain: string, answer: Zone): readonly DnsExchange[] {
  const exchanges: DnsExchange[] = [];
  for (let round = 0; round < 40; round++) {
    const questions = nextQuestions(domain as Domain, exchanges);
    if (questions.length === 0) return exchanges;
    exchanges.push(...questions.map(answer));
  }
  throw new Error(`the questions about ${domain} do not end`);
}

const PROBE: ProbeSettings = {
  ehlo: 'probe.example',
  reversePaths: [''],
  port: 25,
  profile: 'all',
  requirements: [],
  asked: [],
  deciding: [],
  allowPrivate: false,
  given: false,
  greetingTimeoutMs: 60_000,
  commandTimeoutMs: 30_000,
  lingerMs: 5_000,
  controlLocalPart: 'x7q2m9c4k1v8',
};

/** What a test may set beside the zone. */
export interface EvidenceOptions {
  readonly probe?: Partial<ProbeSettings>;
  /** Asked after the route, as requirements that need them would. */
  readonly also?: readonly Question[];
  readonly endpoints?: readonly EndpointEvidence[];
  readonly style?: AliasStyle;
}

/** The evidence of a domain whose DNS is the zone. */
export function dnsEvidence(domain: string, text: string, options: EvidenceOptions = {}): DomainEvidence {
  const answer = zone(text, options.style);
  const dns = [...askForRoute(domain, answer), ...(options.also ?? []).map(answer)];
  return {
    domain,
    unicode: null,
    notes: [],
    startedAt: '2026-01-01T00:00:00.000Z',
    durationMs: 10,
    probe: { ...PROBE, ...options.probe },
    route: planMailRoute(domain as Domain, dns),
    dns,
    endpoints: options.endpoints ?? [],
    interrupted: false,
  };
}

/** An endpoint whose connections were opened with these replies ("554 No SMTP here"), one a connection. */
export function opened(host: string, address: string, ...replies: readonly string[]): EndpointEvidence {
  return endpointOf(
    host,
    address,
    replies.map((reply) => {
      const [code = '', ...text] = reply.split(' ');
      const outcome = {
        kind: 'reply',
        reply: { code: Number(code), enhanced: null, lines: [text.join(' ')], raw: `${reply}\r\n`, defects: [] },
        afterMs: 1,
      } as const;
      return {
        connect: { kind: 'connected', afterMs: 1, localAddress: '192.0.2.99' },
        exchanges: [{ act: 'opening', atMs: 1, outcome }],
      };
    }),
  );
}

/** An endpoint to which no connection came about. */
export function unreached(
  host: string,
  address: string,
  kind: Exclude<ConnectOutcome['kind'], 'connected'>,
): EndpointEvidence {
  return endpointOf(host, address, [{ connect: { kind, afterMs: 1, code: null }, exchanges: [] }]);
}

interface Connection {
  readonly connect: ConnectOutcome;
  readonly exchanges: readonly Exchange[];
}

function endpointOf(host: string, address: string, connections: readonly Connection[]): EndpointEvidence {
  const attempts = connections.map(
    ({ connect, exchanges }) =>
      ({
        plan: {
          purpose: 'probe',
          hello: 'EHLO',
          tls: 'avoid',
          pipelining: true,
          transactions: [],
          afterRefusal: 'full',
          lingerMs: 5_000,
        },
        startedAt: '2026-01-01T00:00:00.000Z',
        durationMs: 10,
        ehlo: null,
        connect,
        exchanges,
      }) as const,
  );
  return { host, address, port: 25, skipped: null, attempts };
}
