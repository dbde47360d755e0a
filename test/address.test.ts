// What a user may write for a domain, a sender and a name, and what becomes of it (RFC 5321 2.3.5, 4.1.2, 4.5.3.1).
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addressLiteral,
  forwardPath,
  isDomainSyntax,
  isFullyQualified,
  NULL_REVERSE_PATH,
  parseDomain,
  parseEhloName,
  parseReversePath,
} from '../src/smtp/address.js';
import { UsageError } from '../src/smtp/usage-error.js';

const LABEL_63 = 'a'.repeat(63);
/** A name of this many characters, of labels that are legal. */
function nameOf(length: number): string {
  const labels: string[] = [];
  for (let rest = length; rest > 0;) {
    const take = rest > 64 ? 63 : rest;
    labels.push('a'.repeat(take));
    rest -= take + 1;
  }
  return labels.join('.');
}

describe('a domain', () => {
  const UNDERSTOOD: Readonly<Record<string, readonly [domain: string, unicode: string | null, notes: number]>> = {
    'example.org': ['example.org', null, 0],
    'Example.ORG': ['example.org', null, 0],
    'example.org.': ['example.org', null, 0],
    '  example.org\n': ['example.org', null, 0],
    'user@example.org': ['example.org', null, 1],
    '"odd@local part"@Example.org.': ['example.org', null, 1],
    'a-b.c--d.example': ['a-b.c--d.example', null, 0],
    '3com.example': ['3com.example', null, 0],
    '1.2.3.4.example': ['1.2.3.4.example', null, 0],
    org: ['org', null, 1],
    'user@org': ['org', null, 2],
    'm\u{fc}ller.example': ['xn--mller-kva.example', 'm\u{fc}ller.example', 0],
    'M\u{dc}LLER.example': ['xn--mller-kva.example', 'm\u{fc}ller.example', 0],
    'mu\u{308}ller.example': ['xn--mller-kva.example', 'm\u{fc}ller.example', 0],
    'XN--MLLER-KVA.example': ['xn--mller-kva.example', 'm\u{fc}ller.example', 0],
    'stra\u{df}e.example': ['xn--strae-oqa.example', 'stra\u{df}e.example', 0],
    '\u{65e5}\u{672c}\u{3002}example': ['xn--wgv71a.example', '\u{65e5}\u{672c}.example', 0],
    '\u{ff45}xample.org': ['example.org', null, 0],
    'ex\u{ad}ample.org': ['example.org', null, 0],
    [LABEL_63 + '.example']: [LABEL_63 + '.example', null, 0],
    [nameOf(253)]: [nameOf(253), null, 0],
    [nameOf(253) + '.']: [nameOf(253), null, 0],
  };
  for (const [input, [domain, unicode, notes]] of Object.entries(UNDERSTOOD)) {
    it(`${JSON.stringify(input.slice(0, 40))} is ${domain.slice(0, 40)}`, async () => {
      const parsed = await parseDomain(input);
      assert.deepEqual({ ...parsed, notes: parsed.notes.length }, { domain, unicode, notes });
    });
  }

  it('that is written as an address tells that its local-part was dropped', async () => {
    const { notes } = await parseDomain('user@example.org');
    assert.deepEqual(notes, ['user@example.org: the local-part is dropped, the domain is checked']);
  });

  const REFUSED: Readonly<Record<string, RegExp>> = {
    '': /names no domain/,
    '   ': /names no domain/,
    '.': /names no domain/,
    '@': /names no domain/,
    'user@': /names no domain/,
    'a..b': /empty label/,
    '.example.org': /empty label/,
    'example.org..': /empty label/,
    ['a'.repeat(64) + '.example']: /more than 63 octets/,
    [nameOf(254)]: /longer than/,
    'under_score.example': /letters, digits and inner hyphens/,
    '_dmarc.example.org': /letters, digits and inner hyphens/,
    '-a.example': /letters, digits and inner hyphens/,
    'a-.example': /letters, digits and inner hyphens/,
    'a b.example': /letters, digits and inner hyphens/,
    'a!b.example': /letters, digits and inner hyphens/,
    '*.example': /letters, digits and inner hyphens/,
    '<example.org>': /letters, digits and inner hyphens/,
    'example.org/path': /letters, digits and inner hyphens/,
    'http://example.org/': /is a URL/,
    'HTTPS://example.org': /is a URL/,
    'smtp://mx.example.org:25': /is a URL/,
    '192.0.2.1': /is an address/,
    '192.0.2.1.': /is an address/,
    'user@192.0.2.1': /is an address/,
    '[192.0.2.1]': /is an address/,
    'user@[IPv6:::1]': /is an address/,
    '2001:db8::1': /is an address/,
    '::1': /is an address/,
    'example.org:25': /is an address/,
    '0x7f.1': /is an address/,
    '127.0x1': /is an address/,
    'xn--.example': /IDNA/,
    'xn--a.example': /IDNA/,
    'xn--\u{fc}.example': /IDNA/,
    'a\u{200d}b.example': /IDNA/,
    'a\u{5d0}.example': /IDNA/,
    '\u{0}.example': /./,
    'a\r\n.example': /./,
    'a\u{7f}.example': /./,
    'a\u{1b}[2J.example': /./,
    'a\u{2028}b.example': /./,
    ['\u{fc}'.repeat(60) + '.example']: /more than 63 octets|IDNA/,
  };
  for (const [input, expected] of Object.entries(REFUSED)) {
    it(`${JSON.stringify(input.slice(0, 40))} is none, and says so in one visible sentence`, async () => {
      await assert.rejects(parseDomain(input), (error) => {
        assert.ok(error instanceof UsageError, String(error));
        assert.match(error.message, expected);
        assert.match(error.message, /^[\x20-\x7e]+$/);
        return true;
      });
    });
  }
});

describe('a reverse-path', () => {
  const UNDERSTOOD: Readonly<Record<string, string>> = {
    '': NULL_REVERSE_PATH,
    '<>': NULL_REVERSE_PATH,
    'me@example.org': 'me@example.org',
    '<me@example.org>': 'me@example.org',
    'Me.Too+tag@Example.ORG.': 'Me.Too+tag@example.org',
    "a!#$%&'*+/=?^_`{|}~-b@example.org": "a!#$%&'*+/=?^_`{|}~-b@example.org",
    'me@m\u{fc}ller.example': 'me@xn--mller-kva.example',
    [`${'l'.repeat(64)}@example.org`]: `${'l'.repeat(64)}@example.org`,
  };
  for (const [input, path] of Object.entries(UNDERSTOOD)) {
    it(`${JSON.stringify(input.slice(0, 40))} is <${path.slice(0, 40)}>`, async () => {
      assert.equal(await parseReversePath(input), path);
    });
  }
  for (const input of [
    'me',
    '@example.org',
    'me@',
    'me@org',
    'a b@example.org',
    '"a b"@example.org',
    '.a@example.org',
    'a.@example.org',
    'a..b@example.org',
    'a@b@example.org',
    'me@[192.0.2.1]',
    'me@192.0.2.1',
    'me@under_score.example',
    '<me@example.org',
    'me@example.org>',
    '<<me@example.org>>',
    '@a.example:me@example.org',
    'm\u{fc}@example.org',
    'me\r\n@example.org',
    'me@example.org\r\nDATA',
    'me\0@example.org',
    '<>x',
    `${'l'.repeat(65)}@example.org`,
    `${'l'.repeat(64)}@${nameOf(190)}`,
  ]) {
    // prettier-ignore
    it(`${JSON.stringify(input.slice(0, 40))} is none`, async () => {
      await assert.rejects(parseReversePath(input), UsageError);
    });
  }
});

describe('a name for EHLO', () => {
  const UNDERSTOOD: Readonly<Record<string, string>> = {
    'probe.example': 'probe.example',
    ' Probe.Example. ': 'probe.example',
    'm\u{fc}ller.example': 'xn--mller-kva.example',
    '[192.0.2.1]': '[192.0.2.1]',
    '[IPv6:2001:db8::1]': '[IPv6:2001:db8::1]',
    '[IPv6:::ffff:192.0.2.1]': '[IPv6:::ffff:192.0.2.1]',
  };
  for (const [input, name] of Object.entries(UNDERSTOOD)) {
    it(`${JSON.stringify(input)} is ${name}`, async () => {
      assert.equal(await parseEhloName(input), name);
    });
  }
  for (const input of [
    '',
    'probe',
    'localhost',
    'localhost.localdomain',
    'me.localhost',
    '192.0.2.1',
    '2001:db8::1',
    '[2001:db8::1]',
    '[IPv6:192.0.2.1]',
    '[256.0.2.1]',
    '[192.0.2]',
    '[192.0.2.1',
    '[]',
    '[IPv6:]',
    '[IPv6:::::]',
    '[192.0.2.1] x',
    '[192.0.2.1]\r\nMAIL',
    'a b.example',
    'under_score.example',
  ]) {
    // prettier-ignore
    it(`${JSON.stringify(input)} is none`, async () => {
      await assert.rejects(parseEhloName(input), UsageError);
    });
  }
});

describe('the rest', () => {
  it('a name is qualified with two labels or more, unless it is one of this host for itself', () => {
    const qualified = [
      'a.b',
      'mx.example.org',
      'A.B',
      'org',
      'localhost',
      'a.localhost',
      'x.localdomain',
      'a..b',
      'a_b.c',
      '',
    ].filter(isFullyQualified);
    assert.deepEqual(qualified, ['a.b', 'mx.example.org', 'A.B']);
  });

  it('the syntax of a domain has its lengths', () => {
    const sound = ['a', LABEL_63, nameOf(253), 'a'.repeat(64), nameOf(254), '', '.', 'a.', '-a', 'a-'].map(
      isDomainSyntax,
    );
    assert.deepEqual(sound, [true, true, true, false, false, false, false, false, false, false]);
  });

  it('an address literal has no zone index', () => {
    assert.deepEqual(['192.0.2.1', '2001:db8::1', 'fe80::1%eth0', '::ffff:192.0.2.1'].map(addressLiteral), [
      '[192.0.2.1]',
      '[IPv6:2001:db8::1]',
      '[IPv6:fe80::1]',
      '[IPv6:::ffff:192.0.2.1]',
    ]);
  });

  it('a forward-path is a local-part without quotes, alone or at a domain', async () => {
    const { domain } = await parseDomain('example.org');
    assert.equal(forwardPath('Postmaster', null), 'Postmaster');
    assert.equal(forwardPath('Postmaster', domain), 'Postmaster@example.org');
    assert.equal(forwardPath('postmaster', addressLiteral('192.0.2.1')), 'postmaster@[192.0.2.1]');
    for (const localPart of ['', 'a b', '"a"', 'a..b', 'a\r\n', 'a>'])
      assert.throws(() => forwardPath(localPart, domain), RangeError);
  });
});
