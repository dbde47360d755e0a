// --deliver sends one message for a domain, however often it is named and however many mail hosts it has.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openProbe } from '../src/check.js';
import type { DomainEvidence } from '../src/evidence/evidence.js';
import { parseScenario } from '../src/evidence/notation.js';
import { openLab } from '../src/lab/lab.js';
import { reportDomain, runFacts } from '../src/report/roll-up.js';
import { parseDomain } from '../src/smtp/address.js';

const messagesIn = ({ endpoints }: DomainEvidence): number =>
  endpoints
    .flatMap(({ attempts }) => attempts.flatMap(({ exchanges }) => exchanges))
    .filter((exchange) => exchange.act === 'command' && exchange.command.includes('Message-ID:')).length;

test('two mail hosts, a round that is tried again, and the domain named three times: one message', async () => {
  const script = '--- host mx1.good.example 10\n...\n--- host mx2.good.example 20\n...';
  const lab = await openLab([parseScenario(script, 'a script')]);
  const probe = await openProbe({
    nameServers: [lab.nameServer],
    port: lab.port,
    allowPrivate: true,
    ehlo: 'probe.example',
    deliver: true,
    only: ['postmaster.deliver'],
    retries: 1,
    retryAfterMs: 0,
  });
  try {
    const domain = await parseDomain('good.example');
    const evidence = await Promise.all(
      [domain, domain, await parseDomain('GOOD.example.')].map((one) => probe.gather(one)),
    );
    assert.deepEqual(evidence.map(messagesIn), [1, 0, 0]);
    const told = evidence.map((one) =>
      reportDomain(one, runFacts([one]))
        .judgements.map(({ verdict }) => verdict)
        .join(' '),
    );
    assert.deepEqual(told, ['pass not-applicable', 'inconclusive inconclusive', 'inconclusive inconclusive']);
  } finally {
    probe.close();
    await lab.stop();
  }
});
