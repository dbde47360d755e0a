// A whole check against a mail host and a name server of the test: through `check()`, over loopback, and every
// conversation read by the auditor.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Answer as DnsAnswer } from 'dns-packet';
import { check } from '../../src/check.js';
import type { CheckOptions } from '../../src/check-options.js';
import type { QuestionType } from '../../src/smtp/mail-route.js';
import type { DomainReport } from '../../src/report/report.js';
import { zone } from './dns-evidence.js';
import { RCODE, respond, SILENCE, startNameServer, type Query, type Script } from './dns-name-server.js';
import { breaches, linesHeard, startHosts, type HostScript, type Hosts } from './obligations-peer.js';

const DOMAIN = 'good.example';

/** One mail host at 127.0.0.1, and a name for EHLO. */
export const ZONE = `
  good.example MX 10 mx.good.example
  mx.good.example A 127.0.0.1
  probe.example A 127.0.0.1
`;

/** A name server that answers from zone text (see dns-evidence.ts). */
export function serving(text: string): Script {
  const answer = zone(text);
  return (query) => {
    const name = query.name.toLowerCase();
    const { outcome } = answer({ name, type: query.type as QuestionType });
    switch (outcome.kind) {
      case 'records':
      case 'no-data':
        return respond(query, { answers: outcome.records.flatMap(answerOf) });
      case 'no-such-name':
        return respond(query, { rcode: RCODE.nxDomain, answers: outcome.records.flatMap(answerOf) });
      case 'server-failure':
        return respond(query, { rcode: RCODE.servFail });
      case 'refused':
        return respond(query, { rcode: RCODE.refused });
      default:
        return SILENCE;
    }
  };
}

function answerOf(record: {
  readonly name: string;
  readonly ttl: number;
  readonly type: string;
}): readonly DnsAnswer[] {
  const { name, ttl } = record;
  if ('exchange' in record && 'preference' in record) {
    return [
      { type: 'MX', name, ttl, data: { preference: Number(record.preference), exchange: String(record.exchange) } },
    ];
  }
  if ('target' in record) return [{ type: 'CNAME', name, ttl, data: String(record.target) }];
  if ('address' in record)
    return [{ type: record.type === 'AAAA' ? 'AAAA' : 'A', name, ttl, data: String(record.address) }];
  return [];
}

export interface VisitOptions {
  readonly domain?: string;
  readonly zone?: string;
  /** In place of the zone. */
  readonly nameServer?: Script;
  readonly addresses?: readonly string[];
  readonly options?: CheckOptions;
  /** For the auditor: how late a reply is that we do not wait for any more; the time-out, if not given. */
  readonly leaveAfterMs?: number;
  /** The host says replies of its own accord: one that comes in time is taken for the one awaited, as any client would. */
  readonly hasStrays?: boolean;
}

export interface Visit {
  readonly report: DomainReport;
  readonly hosts: Hosts;
  /** What the name server was asked. */
  readonly asked: readonly Query[];
  /** The lines of the first conversation. */
  readonly lines: readonly string[];
}

/** Rules that rest on which reply belongs to which command: after a stray reply nobody can tell. */
const BY_REPLY = /client\.(?:lock-step|no-nested-mail|order|no-repeat-5yz|abort-transaction)/;

/** The time-out of every step where a test does not set another: long enough for a busy machine. */
const TIMEOUT_MS = 4_000;

/** Checks good.example, whose mail host plays `script`, and demands that no rule of a client was broken. */
export async function visit(
  t: TestContext,
  script: HostScript,
  {
    domain = DOMAIN,
    zone: text = ZONE,
    nameServer,
    addresses,
    options = {},
    leaveAfterMs,
    hasStrays = false,
  }: VisitOptions = {},
): Promise<Visit> {
  const hosts = await startHosts(t, script, addresses);
  const server = await startNameServer(t, nameServer ?? serving(text));
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const report = await check(domain, {
    nameServers: [server.name],
    port: hosts.port,
    ehlo: 'probe.example',
    allowPrivate: true,
    timeoutMs,
    lingerMs: 20,
    ...options,
  });
  await allClosed(hosts);
  const told = breaches(hosts, leaveAfterMs ?? timeoutMs * 0.25);
  assert.deepEqual(hasStrays ? told.filter((breach) => !BY_REPLY.test(breach)) : told, []);
  const [first] = hosts.conversations;
  return { report, hosts, asked: server.asked, lines: first === undefined ? [] : linesHeard(first) };
}

/** Waits until the probe's FIN has reached every conversation; at most 300 ms. */
async function allClosed({ conversations }: Hosts): Promise<void> {
  for (let waitedMs = 0; waitedMs < 300 && conversations.some(({ isOver }) => !isOver); waitedMs += 5) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The requirements with this verdict, in the report's order. */
export function judged(
  { judgements }: DomainReport,
  verdict: 'fail' | 'warn' | 'inconclusive' | 'pass',
): readonly string[] {
  return judgements.filter((one) => one.verdict === verdict).map(({ requirement }) => requirement);
}

/** The verdict and the cause of one requirement at the only endpoint. */
export function verdictOf({ judgements }: DomainReport, requirement: string): string {
  const found = judgements.find((one) => one.requirement === requirement);
  return found === undefined ? 'not judged' : `${found.verdict}${found.cause === undefined ? '' : ` ${found.cause}`}`;
}
