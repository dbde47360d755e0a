// The library's one call, from a domain to a report: what it rejects, what it resolves with, and what it tells on the way.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Progress } from '../src/check-options.js';
import { check, openProbe } from '../src/check.js';
import { UsageError } from '../src/smtp/usage-error.js';
import { parseDomain } from '../src/smtp/address.js';
import { startNameServer } from './support/dns-name-server.js';
import { answering, offering, startHosts } from './support/obligations-peer.js';
import { serving, verdictOf, visit, ZONE } from './support/obligations-run.js';

describe('check', { concurrency: true }, () => {
  it('tells that a host that takes mail for postmaster conforms', async (t) => {
    const { report } = await visit(t, answering({ EHLO: offering('PIPELINING', 'ENHANCEDSTATUSCODES') }));
    assert.equal(report.verdict, 'conforms', report.because);
    assert.deepEqual(report.coverage, { endpoints: 1, judged: 1 });
    const bare = report.judgements.find(({ requirement }) => requirement === 'postmaster.bare');
    assert.deepEqual(
      [bare?.verdict, bare?.evidence, bare?.host, bare?.address],
      ['pass', 'strong', 'mx.good.example', '127.0.0.1'],
    );
  });

  it('tells that a host that knows no postmaster violates, with the command and the reply', async (t) => {
    const { report } = await visit(t, answering({ RCPT: '550 5.1.1 No such user\r\n' }));
    assert.equal(report.verdict, 'violates');
    const bare = report.judgements.find(({ requirement }) => requirement === 'postmaster.bare');
    assert.deepEqual(bare?.exchanges[0], {
      command: 'RCPT TO:<Postmaster>',
      reply: { code: 550, enhanced: '5.1.1', lines: ['5.1.1 No such user'] },
    });
  });

  it('marks a pass as weak where anybody is accepted, and as unqualified without a control recipient', async (t) => {
    for (const [controls, strength] of [
      [true, 'weak'],
      [false, 'unqualified'],
    ] as const) {
      const { report } = await visit(t, answering({ RCPT: '250 ok\r\n' }), { options: { controls } });
      assert.equal(
        report.judgements.find(({ requirement }) => requirement === 'postmaster.domain')?.evidence,
        strength,
      );
    }
  });

  it('has evidence that is plain JSON', async (t) => {
    const { report } = await visit(t, answering());
    assert.deepEqual(JSON.parse(JSON.stringify(report.evidence)), report.evidence);
  });

  it('rejects what is no domain, and no option, with a UsageError, before anything is sent', async () => {
    const nameServers = ['127.0.0.1:9'];
    await assert.rejects(check('not a domain', { nameServers }), UsageError);
    await assert.rejects(check('good.example', { nameServers: ['not-an-address'] }), UsageError);
    await assert.rejects(check('good.example', { nameServers: [] }), UsageError);
    await assert.rejects(check('good.example', { nameServers, ehlo: 'localhost' }), UsageError);
    await assert.rejects(check('good.example', { nameServers, mailFrom: 'nobody' }), UsageError);
    await assert.rejects(check('good.example', { nameServers, only: ['no.such-row'] }), UsageError);
    await assert.rejects(check('good.example', { nameServers, skip: ['no.such-row'] }), UsageError);
  });

  it('connects to no special-purpose address that the DNS gave, unless allowed to', async (t) => {
    const { hosts, report } = await visit(t, answering(), { options: { allowPrivate: false } });
    assert.equal(hosts.conversations.length, 0);
    assert.deepEqual(
      report.evidence.endpoints.map(({ skipped }) => skipped),
      ['address-not-allowed'],
    );
  });

  it('connects over the family that was asked for alone', async (t) => {
    const { hosts, report } = await visit(t, answering(), { options: { family: 6 } });
    assert.equal(hosts.conversations.length, 0);
    assert.deepEqual(
      report.evidence.endpoints.map(({ skipped }) => skipped),
      ['family-not-asked'],
    );
    assert.notEqual(report.verdict, 'violates');
  });

  it('asks a given host without the DNS', async (t) => {
    const hosts = await startHosts(t, answering());
    const server = await startNameServer(t, serving(ZONE));
    const report = await check('good.example', {
      nameServers: [server.name],
      hosts: [{ host: 'mx.local', port: hosts.port, addresses: ['127.0.0.1'] }],
      ehlo: 'probe.example',
      timeoutMs: 4_000,
    });
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
    assert.equal(report.evidence.route.kind, 'given');
    assert.equal(server.asked.length, 0);
  });

  it('tells its progress: the DNS, a session, the end', async (t) => {
    const steps: Progress[] = [];
    await visit(t, answering(), { options: { onProgress: (progress) => steps.push(progress) } });
    assert.deepEqual(steps, [
      { domain: 'good.example', step: 'dns' },
      { domain: 'good.example', step: 'session', endpoint: 'mx.good.example [127.0.0.1]' },
      { domain: 'good.example', step: 'done' },
    ]);
  });

  it('that is aborted before it begins resolves at once, with nothing judged', async (t) => {
    const startedMs = performance.now();
    const { hosts, report } = await visit(t, answering(), { options: { signal: AbortSignal.abort() } });
    assert.equal(hosts.conversations.length, 0);
    assert.ok(report.evidence.interrupted && report.verdict === 'inconclusive');
    assert.ok(performance.now() - startedMs < 2_000);
  });

  it('that is aborted in the midst reports what was seen', async (t) => {
    const stop = new AbortController();
    const { report } = await visit(
      t,
      answering({
        RCPT: (line) => {
          if (!line.includes('@')) stop.abort();
          return '250 ok\r\n';
        },
      }),
      { options: { signal: stop.signal }, leaveAfterMs: 0 },
    );
    assert.ok(report.evidence.interrupted);
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
    assert.notEqual(report.verdict, 'violates');
  });

  it('plans what would be said without a connection to any mail host', async (t) => {
    const hosts = await startHosts(t, answering());
    const server = await startNameServer(t, serving(ZONE));
    const probe = await openProbe({
      nameServers: [server.name],
      port: hosts.port,
      ehlo: 'probe.example',
      allowPrivate: true,
    });
    const { endpoints } = await probe.plan(await parseDomain('good.example'));
    probe.close();
    assert.equal(hosts.conversations.length, 0);
    assert.deepEqual(
      endpoints.map(({ address, skipped, plans }) => [address, skipped, plans.length]),
      [['127.0.0.1', null, 1]],
    );
    assert.deepEqual(endpoints[0]?.plans[0]?.transactions[0], { from: '', recipients: ['Postmaster@good.example'] });
  });
});
