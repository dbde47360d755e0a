// The text report against golden files: what is printed at 60, 80 and 120 columns, whole.
// GOLDEN=write writes them anew; read the difference before it is kept.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { DomainEvidence } from '../src/evidence/evidence.js';
import type { EndpointEvidence } from '../src/evidence/transcript.js';
import { renderCatalogue, renderMarkdown, renderRequirement } from '../src/report/explain.js';
import type { DomainReport } from '../src/report/report.js';
import { reportDomain } from '../src/report/roll-up.js';
import { renderDomain, renderSummary, type TextStyle } from '../src/report/text.js';
import { CATALOGUE } from '../src/requirements/index.js';
import { attempt, endpoint, type AttemptOptions } from './support/evidence-builder.js';
import { dnsEvidence } from './support/dns-evidence.js';

const GOLDEN = new URL('../fixtures/golden/', import.meta.url);
const DOMAIN = 'example.org';
const CONTROL = 'x7q2m9c4k1v8';

// Some rows of each kind, by name: a catalogue that grows changes no golden file.
const DECIDING = [
  'postmaster.bare', 'postmaster.bare.case-insensitive', 'postmaster.domain', 'postmaster.case-insensitive',
  'postmaster.every-mx', 'postmaster.any-system', 'postmaster.blocking-narrow', 'postmaster.exempt-554',
  'postmaster.exempt-521', 'greeting.554-quit-221', 'domain.exists', 'mx.usable', 'mx.null-mx', 'mx.null-mx-sole',
]; // prettier-ignore
const OTHERS = [
  'postmaster.consistent', 'postmaster.null-sender', 'postmaster.address-literal', 'greeting.present', 'greeting.code', 'greeting.syntax',
  'mx.null-mx-recommended', 'mx.cname-owner', 'mx.rejecting-host-listed', 'mx.target-resolves', 'mx.bogus',
]; // prettier-ignore

/** What a host says to a recipient, where it is not the ordinary answer. */
type Answers = (to: string) => string | undefined;

const GREETING = 'S: 220 mx1.example.org ESMTP Postfix (Debian)';

/** One lock-step session: the recipients of the default profile, each in a transaction of its own. */
function session(answers: Answers, greeting = GREETING, options: AttemptOptions = {}): ReturnType<typeof attempt> {
  const names = ['Postmaster', 'postmaster', 'POSTMASTER', 'pOsTmAsTeR'];
  const recipients = [
    `Postmaster@${DOMAIN}`,
    'Postmaster',
    ...names.slice(1),
    ...names.slice(1).map((name) => `${name}@${DOMAIN}`),
    `${CONTROL}@${DOMAIN}`,
  ];
  const lines = recipients.flatMap((to, index) => [
    ...(index > 0 ? ['C: RSET', 'S: 250 2.0.0 Ok'] : []),
    'C: MAIL FROM:<>',
    'S: 250 2.1.0 Ok',
    `C: RCPT TO:<${to}>`,
    ...(
      answers(to) ??
      (to.startsWith(CONTROL) ? `550 5.1.1 <${to}>: Recipient address rejected: User unknown` : '250 2.1.5 Ok')
    )
      .split('\n')
      .map((line) => `S: ${line}`),
  ]);
  return attempt(
    [
      greeting,
      'C: EHLO probe.example',
      'S: 250-mx1.example.org',
      'S: 250 ENHANCEDSTATUSCODES',
      ...lines,
      'C: QUIT',
      'S: 221 2.0.0 Bye',
      'close 3',
    ],
    options,
  );
}

const host = (name: string, address: string, attempts: Parameters<typeof endpoint>[0]): EndpointEvidence =>
  endpoint(attempts, { host: name, address });

/** The report of a domain whose DNS is the zone. */
function report(
  zone: string,
  endpoints: readonly EndpointEvidence[],
  more: Partial<DomainEvidence> = {},
): DomainReport {
  const probe = {
    profile: 'postmaster',
    requirements: [...DECIDING, ...OTHERS],
    asked: DECIDING,
    deciding: DECIDING,
    controlLocalPart: CONTROL,
    allowPrivate: true,
  };
  const evidence = dnsEvidence(DOMAIN, zone, { probe, endpoints });
  return reportDomain({ ...evidence, ...more }, { wasAnswered: true });
}

const TWO = `${DOMAIN} MX 10 mx1.example.org
${DOMAIN} MX 20 mx2.example.org
mx1.example.org A 192.0.2.1
mx1.example.org AAAA 2001:db8:1234:5678:9abc:def0:1234:5678
mx2.example.org A 198.51.100.25`;
const ONE = `${DOMAIN} MX 10 mx1.example.org\nmx1.example.org A 192.0.2.1`;
const V6 = '2001:db8:1234:5678:9abc:def0:1234:5678';
const good = (): ReturnType<typeof session> => session(() => undefined);
const isBare = (to: string): boolean => !to.includes('@');

const refusing554 = [
  'S: 554 mx1.example.org No SMTP service here',
  'linger quiet',
  'C: EHLO probe.example',
  'S: 503 5.5.1 Bad sequence of commands',
  'C: NOOP',
  'S: 503 5.5.1 Bad sequence of commands',
  'C: QUIT',
  'S: 221 2.0.0 Bye',
  'close 3',
];
const refusing554Again = ['S: 554 mx1.example.org No SMTP service here', 'C: QUIT', 'S: 221 2.0.0 Bye', 'close 3'];

const FORTY = Array.from({ length: 40 }, (_, index) => ({
  name: `mx${index + 1}.mail.example.org`,
  address: `198.51.100.${index + 1}`,
}));

const ESC = String.fromCharCode(27);
const HOSTILE = `550-5.1.1 ${ESC}[2J${ESC}]0;owned${String.fromCharCode(7)}\0\u{9b}31m ${'A'.repeat(480)}\n550 5.1.1 \u00e2\u0080\u00ae txt.exe \u00e2\u0080\u008b ${'long words '.repeat(40)}\\r\\n`;

const MAKERS: Readonly<Record<string, () => DomainReport>> = {
  conforming: () =>
    report(TWO, [
      host('mx1.example.org', '192.0.2.1', [good()]),
      host('mx1.example.org', V6, [good()]),
      host('mx2.example.org', '198.51.100.25', [good()]),
    ]),
  violating: () =>
    report(TWO, [
      host('mx1.example.org', '192.0.2.1', [good()]),
      host('mx1.example.org', V6, [['no-route']]),
      host('mx2.example.org', '198.51.100.25', [
        session(
          (to) =>
            isBare(to)
              ? `550 5.1.1 <${to}>: Recipient address rejected: User unknown in local recipient table`
              : undefined,
          'S: 220 mx2.example.org ESMTP Exim 4.98',
        ),
      ]),
    ]),
  greylisting: () =>
    report(TWO, [
      host('mx1.example.org', '192.0.2.1', [
        session(
          (to) =>
            `450 4.2.0 <${to}>: Recipient address rejected: Greylisted, see https://postgrey.example/help?${DOMAIN}`,
        ),
      ]),
      host('mx1.example.org', V6, [
        session(
          (to) =>
            `450 4.2.0 <${to}>: Recipient address rejected: Greylisted, see https://postgrey.example/help?${DOMAIN}`,
        ),
      ]),
      host('mx2.example.org', '198.51.100.25', [good()]),
    ]),
  unreachable: () =>
    report(TWO, [
      host('mx1.example.org', '192.0.2.1', [['refused'], ['refused']]),
      host('mx1.example.org', V6, [['no-route']]),
      host('mx2.example.org', '198.51.100.25', [['connect timeout']]),
    ]),
  exempt: () => report(ONE, [host('mx1.example.org', '192.0.2.1', [refusing554, refusing554Again])]),
  'null-mx': () => report(`${DOMAIN} MX 0 .`, []),
  'no-such-domain': () => report(`${DOMAIN} NXDOMAIN`, []),
  'dns-failure': () => report(`${DOMAIN} MX SERVFAIL`, []),
  'forty-hosts': () =>
    report(
      FORTY.map(({ name, address }, index) => `${DOMAIN} MX ${(index + 1) * 5} ${name}\n${name} A ${address}`).join(
        '\n',
      ),
      FORTY.map(({ name, address }, index) =>
        host(
          name,
          address,
          index % 9 === 8
            ? [['connect timeout']]
            : index === 21
              ? [session((to) => (isBare(to) ? '501 5.1.3 Bad recipient address syntax' : undefined))]
              : [good()],
        ),
      ),
    ),
  hostile: () =>
    report(ONE, [
      host('mx1.example.org', '192.0.2.1', [
        session(
          (to) => (isBare(to) ? HOSTILE : '250 2.1.5 Ok'),
          `S: 220 mx1.example.org ${ESC}[31mESMTP Microsoft ESMTP MAIL Service`,
        ),
      ]),
    ]),
  international: () =>
    report(
      `${DOMAIN} CNAME other.example.net\nother.example.net A 192.0.2.1`,
      [host('other.example.net', '192.0.2.1', [session(() => '250 2.1.5 Ok')])],
      {
        unicode: 'b\u00fccher.example',
        notes: ['the local-part "info" was dropped: the domain is checked, not one mailbox'],
      },
    ),
};

/** Each is made once: judging forty hosts takes longer than telling of them. */
const REPORTS: Readonly<Record<string, () => DomainReport>> = Object.fromEntries(
  Object.entries(MAKERS).map(([name, make]) => {
    let made: DomainReport | null = null;
    return [name, () => (made ??= make())];
  }),
);

const style = (columns: number, more: Partial<TextStyle> = {}): TextStyle => ({
  columns,
  colour: false,
  detail: 'normal',
  ...more,
});

function golden(name: string, text: string): void {
  const file = new URL(`${name}.txt`, GOLDEN);
  if (process.env['GOLDEN'] === 'write') {
    mkdirSync(GOLDEN, { recursive: true });
    writeFileSync(file, text);
  }
  assert.ok(existsSync(file), `no fixtures/golden/${name}.txt: GOLDEN=write makes it`);
  assert.equal(text, readFileSync(file, 'utf8'));
}

for (const [name, make] of Object.entries(REPORTS)) {
  test(`${name}: the report at 60, 80 and 120 columns`, () => {
    for (const columns of [60, 80, 120]) golden(`${name}-${columns}`, renderDomain(make(), style(columns)));
  });
}

test('a domain a line with -q, and the same sentence as in the whole report', () => {
  for (const make of Object.values(REPORTS)) {
    const quiet = renderDomain(make(), style(80, { detail: 'quiet' }));
    assert.match(quiet, /^[^\n]+\n$/);
    assert.ok(folded(renderDomain(make(), style(80))).startsWith(folded(quiet)));
  }
});

test('-v adds every judgement and every session, and takes nothing away from a long reply', () => {
  for (const columns of [60, 80, 120]) {
    golden(`violating-verbose-${columns}`, renderDomain(one('violating'), style(columns, { detail: 'verbose' })));
  }
  const { judgements } = one('violating');
  const text = renderDomain(one('violating'), style(120, { detail: 'verbose' }));
  for (const { requirement } of judgements) assert.ok(text.includes(requirement), requirement);
  const hostile = renderDomain(one('hostile'), style(100, { detail: 'verbose' }));
  assert.equal(hostile.match(/A/g)?.length ?? 0, (hostile.match(/(?<!A)A(?!A)/g)?.length ?? 0) + longRuns(hostile));
  assert.ok(longRuns(hostile) >= 2 * 480, 'the long line is there whole, in the finding and in the transcript');
});

test('colour changes no word and no line', () => {
  for (const make of Object.values(REPORTS)) {
    for (const detail of ['quiet', 'normal', 'verbose'] as const) {
      const plain = renderDomain(make(), style(80, { detail }));
      const coloured = renderDomain(make(), style(80, { detail, colour: true }));
      assert.notEqual(coloured, plain);
      assert.equal(withoutColour(coloured), plain);
    }
  }
});

test('no octet of a peer reaches the terminal that is not printable', () => {
  for (const make of Object.values(REPORTS)) {
    for (const detail of ['quiet', 'normal', 'verbose'] as const) {
      const text = renderDomain(make(), style(80, { detail })).replaceAll('\n', '').replace('b\u00fccher.example', '');
      assert.doesNotMatch(text, /[^\x20-\x7e]/);
    }
  }
});

test('text of our own evidence that was tampered with is guarded once more', () => {
  const tampered: DomainReport = { ...one('conforming'), because: `${ESC}[2J\u202e\u200b\ufeff\u2028 done` };
  const text = renderDomain(tampered, style(80));
  assert.ok(text.includes('\\u{1b}[2J\\u{202e}\\u{200b}\\u{feff}\\u{2028} done'));
  const renamed: DomainReport = {
    ...tampered,
    evidence: { ...tampered.evidence, unicode: 'ex\u202eample.\u200dorg\n' },
  };
  assert.ok(renderDomain(renamed, style(80)).includes('(ex\\u{202e}ample.\\u{200d}org\\u{a})'));
});

test('no line is longer than the terminal is wide, but for a single token', () => {
  for (const [name, make] of Object.entries(REPORTS)) {
    for (const columns of [40, 52, 60, 72, 80, 99, 120]) {
      for (const detail of ['normal', 'verbose'] as const) {
        for (const line of renderDomain(make(), style(columns, { detail })).split('\n')) {
          const isToken = line.trim().split(' ').length <= 2;
          assert.ok(line.length <= columns || isToken, `${name} at ${columns}: ${line}`);
          assert.equal(line, line.trimEnd(), `${name} at ${columns}: a space at the end of a line`);
        }
      }
    }
  }
});

test('without unicode an international name is told by its A-labels alone', () => {
  assert.match(renderDomain(one('international'), style(80)), /^example\.org \(b\u00fccher\.example\) conforms/);
  assert.match(renderDomain(one('international'), style(80, { unicode: false })), /^example\.org conforms/);
});

test('the last words are always what a reply cannot prove', () => {
  for (const make of Object.values(REPORTS)) {
    assert.match(
      folded(renderDomain(make(), style(80))),
      /cannot prove that a person reads the mailbox: write to postmaster, and see who answers\. $/,
    );
  }
});

test('failures outside the rows that decide are counted in the headline', () => {
  const base = one('conforming');
  const [first] = base.judgements.filter(({ tier }) => tier !== 'core');
  assert.ok(first !== undefined);
  const judgements = base.judgements.map((judgement) =>
    judgement === first ? { ...judgement, verdict: 'fail' as const, cause: 'syntax' as const } : judgement,
  );
  assert.match(
    folded(renderDomain({ ...base, judgements }, style(80))),
    /^example\.org conforms: mail to Postmaster gets in at 3 addresses; 1 other requirement fails /,
  );
});

test('certificates, name servers that were passed over and aliases are remarks', () => {
  const base = one('conforming');
  const [first, ...rest] = base.evidence.endpoints;
  assert.ok(first !== undefined);
  const certificate = {
    subject: `CN=${ESC}mx`,
    issuer: 'CN=mx',
    validTo: '2026-01-01',
    trusted: false,
    problem: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  };
  const [session1] = first.attempts;
  assert.ok(session1 !== undefined);
  const outcome = { kind: 'secured', tls: { protocol: 'TLSv1.3', cipher: 'x', certificate }, afterMs: 3 } as const;
  const attempts = [
    { ...session1, exchanges: [...session1.exchanges, { act: 'handshake', atMs: 3, outcome } as const] },
  ];
  const dns = base.evidence.dns.map((exchange, index) =>
    index < 2 ? { ...exchange, passedOver: [{ nameServer: '192.0.2.99:53', why: 'timeout' as const }] } : exchange,
  );
  const text = folded(
    renderDomain(
      { ...base, evidence: { ...base.evidence, dns, endpoints: [{ ...first, attempts }, ...rest] } },
      style(80),
    ),
  );
  assert.ok(
    text.includes(
      '- TLS at mx1.example.org [192.0.2.1]: the certificate does not verify (DEPTH_ZERO_SELF_SIGNED_CERT), for "CN=\\x1bmx". Noted, not judged.',
    ),
    text,
  );
  assert.ok(text.includes('- Name server 192.0.2.99:53 was passed over twice: it gave no answer in time.'), text);
});

test('the totals of several domains', () => {
  const told = ['conforming', 'violating', 'greylisting', 'exempt', 'null-mx', 'unreachable'].map(one);
  assert.equal(
    renderSummary(told, style(80)),
    '6 domains: 1 conforms, 1 violates, 2 inconclusive, 1 exempt, 1 not-applicable.\n',
  );
});

test('the catalogue lists every requirement once', () => {
  for (const columns of [60, 80, 120]) {
    const text = renderCatalogue(CATALOGUE, style(columns));
    for (const { id } of CATALOGUE) assert.equal(text.split(/\s+/).filter((word) => word === id).length, 1, id);
    for (const line of text.split('\n')) assert.ok(line.length <= columns, line);
  }
});

test('the list has one line a requirement where there is room', () => {
  const lines = renderCatalogue(CATALOGUE, style(120)).split('\n');
  const long = lines.filter((line) => line.startsWith(' '));
  assert.ok(long.length < CATALOGUE.length / 10, long.join('\n'));
  const bogus = lines.find((line) => line.startsWith('ri.bogusmx'));
  assert.match(bogus ?? '', /SpamAssassin wiki on bogusmx\.rfc-ignorant\.org, rfc-ignorant/);
});

test('a requirement explained says what the catalogue says, at any width', () => {
  const [first] = CATALOGUE;
  assert.ok(first !== undefined);
  for (const columns of [60, 80, 120]) golden(`requirement-${columns}`, renderRequirement(first, style(columns)));
  for (const row of CATALOGUE) {
    const text = folded(renderRequirement(row, style(80)));
    const { title, id, demand, source, rationale, remedy, probe, note = '' } = row;
    for (const part of [title, id, demand, source.quote, rationale, remedy.general, probe, note])
      assert.ok(text.includes(folded(part).trim()), `${id}: ${part}`);
    for (const { when } of row.readings) assert.ok(text.includes(folded(when).trim()), `${id}: ${when}`);
  }
});

test('the Markdown of the catalogue has a heading for each link, and no text that it would take for markup', () => {
  const text = renderMarkdown(CATALOGUE);
  const anchors = new Set(
    [...text.matchAll(/^## (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
  const links = [...text.matchAll(/\]\(#([^)]+)\)/g)].map(([, link = '']) => link);
  assert.ok(links.length > CATALOGUE.length);
  for (const link of links) assert.ok(anchors.has(link), link);
  assert.doesNotMatch(text, /(?<!\\)<|[^\x20-\x7e\n]/);
  for (const row of text.split('\n').filter((line) => line.startsWith('| '))) {
    const cells = row.split(/(?<!\\)\|/).length - 2;
    assert.ok(cells === 5 || cells === 2, row);
  }
});

function one(name: string): DomainReport {
  const make = REPORTS[name];
  assert.ok(make !== undefined, name);
  return make();
}

const folded = (text: string): string => text.replaceAll(/\s+/g, ' ');
const longRuns = (text: string): number => (text.match(/AA+/g) ?? []).reduce((sum, run) => sum + run.length, 0);
const withoutColour = (text: string): string => text.replaceAll(new RegExp(`${ESC}\\[[0-9;]*m`, 'g'), '');
