import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isConnectable, specialPurpose, type SpecialKind } from '../src/smtp/special-address.js';

type Case = readonly [
  block: string,
  kind: SpecialKind,
  first: string,
  last: string,
  before: string | null,
  after: string | null,
];

/** Neighbours that lie in another special block are left to that block's own row: null. */
const REFUSED: readonly Case[] = [
  ['0.0.0.0/8', 'unspecified', '0.0.0.0', '0.255.255.255', null, '1.0.0.0'],
  ['10.0.0.0/8', 'private', '10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
  ['100.64.0.0/10', 'shared', '100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
  ['127.0.0.0/8', 'loopback', '127.0.0.0', '127.255.255.255', '126.255.255.255', '128.0.0.0'],
  ['169.254.0.0/16', 'link-local', '169.254.0.0', '169.254.255.255', '169.253.255.255', '169.255.0.0'],
  ['172.16.0.0/12', 'private', '172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
  ['192.0.0.0/24', 'protocol-assignments', '192.0.0.0', '192.0.0.255', '191.255.255.255', '192.0.1.0'],
  ['192.0.2.0/24', 'documentation', '192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0'],
  ['192.168.0.0/16', 'private', '192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
  ['198.18.0.0/15', 'benchmarking', '198.18.0.0', '198.19.255.255', '198.17.255.255', '198.20.0.0'],
  ['198.51.100.0/24', 'documentation', '198.51.100.0', '198.51.100.255', '198.51.99.255', '198.51.101.0'],
  ['203.0.113.0/24', 'documentation', '203.0.113.0', '203.0.113.255', '203.0.112.255', '203.0.114.0'],
  ['224.0.0.0/4', 'multicast', '224.0.0.0', '239.255.255.255', '223.255.255.255', null],
  ['240.0.0.0/4', 'reserved', '240.0.0.0', '255.255.255.254', null, null],
  ['255.255.255.255/32', 'broadcast', '255.255.255.255', '255.255.255.255', null, null],
  ['::/128', 'unspecified', '::', '::', null, null],
  ['::1/128', 'loopback', '::1', '::1', null, '::2'],
  ['::ffff:0:0/96', 'ipv4-mapped', '::ffff:1.0.0.0', '::ffff:223.255.255.255', '::fffe:ffff:ffff', '::1:0:0:0'],
  ['100::/64', 'discard', '100::', '100::ffff:ffff:ffff:ffff', 'ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '100:0:0:1::'],
  [
    '2001::/23',
    'protocol-assignments',
    '2001::',
    '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff',
    '2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    '2001:200::',
  ],
  ['2001:2::/48', 'benchmarking', '2001:2::', '2001:2:0:ffff:ffff:ffff:ffff:ffff', null, null],
  ['2001:10::/28', 'orchid', '2001:10::', '2001:1f:ffff:ffff:ffff:ffff:ffff:ffff', null, '2001:20::'],
  [
    '2001:db8::/32',
    'documentation',
    '2001:db8::',
    '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff',
    '2001:db7:ffff:ffff:ffff:ffff:ffff:ffff',
    '2001:db9::',
  ],
  [
    'fc00::/7',
    'unique-local',
    'fc00::',
    'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fe00::',
  ],
  [
    'fe80::/10',
    'link-local',
    'fe80::',
    'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fec0::',
  ],
  [
    'ff00::/8',
    'multicast',
    'ff00::',
    'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    null,
  ],
];

const NOTED: readonly Case[] = [
  ['192.88.99.0/24', '6to4-relay', '192.88.99.0', '192.88.99.255', '192.88.98.255', '192.88.100.0'],
  [
    '64:ff9b::/96',
    'nat64',
    '64:ff9b::1.0.0.0',
    '64:ff9b::223.255.255.255',
    '64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff',
    '64:ff9b::1:0:0',
  ],
  [
    '2002::/16',
    '6to4',
    '2002:100::',
    '2002:dfff:ffff:ffff:ffff:ffff:ffff:ffff',
    '2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    '2003::',
  ],
];

for (const [severity, cases] of [
  ['refuse', REFUSED],
  ['note', NOTED],
] as const) {
  for (const [block, kind, first, last, before, after] of cases) {
    test(`${block} is ${kind} from its first to its last address, and no further`, () => {
      assert.deepEqual([first, last].map(specialPurpose), [
        { kind, block, severity },
        { kind, block, severity },
      ]);
      assert.deepEqual(
        [before, after]
          .filter((each) => each !== null)
          .map(specialPurpose)
          .filter((each) => each !== null),
        [],
      );
    });
  }
}

test('an IPv4 address inside an IPv6 one is judged as what it is', () => {
  const wrapped = [
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '2002:7f00:1::',
    '2002:7f00:1:1:2:3:4:5',
    '64:ff9b::127.0.0.1',
    '64:ff9b::7f00:1',
  ];
  for (const address of wrapped) {
    assert.deepEqual(specialPurpose(address), { kind: 'loopback', block: '127.0.0.0/8', severity: 'refuse' }, address);
  }
  assert.deepEqual(specialPurpose('2002:a00:1::1'), { kind: 'private', block: '10.0.0.0/8', severity: 'refuse' });
});

test('an embedded address that is only noted does not weaken its wrapping', () => {
  assert.deepEqual(specialPurpose('::ffff:192.88.99.1'), {
    kind: 'ipv4-mapped',
    block: '::ffff:0:0/96',
    severity: 'refuse',
  });
  assert.deepEqual(specialPurpose('2002:c058:6301::'), { kind: '6to4', block: '2002::/16', severity: 'note' });
});

test('where clouds keep their credentials is link-local, however it is written', () => {
  for (const address of [
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::',
  ]) {
    assert.deepEqual(
      specialPurpose(address),
      { kind: 'link-local', block: '169.254.0.0/16', severity: 'refuse' },
      address,
    );
  }
});

test('global assignments inside 2001::/23 are no special case, what lies between them is', () => {
  const global = ['2001:1::1', '2001:1::2', '2001:1::3', '2001:3::1', '2001:4:112::1', '2001:20::1', '2001:3f:ffff::1'];
  assert.deepEqual(
    global.map(specialPurpose),
    global.map(() => null),
  );
  const between = ['2001:0:1::1', '2001:1::4', '2001:4:113::1', '2001:40::1'];
  assert.deepEqual(
    between.map((address) => specialPurpose(address)?.block),
    between.map(() => '2001::/23'),
  );
});

test('case, zone and length of spelling do not matter', () => {
  assert.deepEqual(specialPurpose('FE80::1%eth0'), { kind: 'link-local', block: 'fe80::/10', severity: 'refuse' });
  assert.deepEqual(specialPurpose('0:0:0:0:0:0:0:1'), { kind: 'loopback', block: '::1/128', severity: 'refuse' });
  assert.equal(specialPurpose('2A00:1450::25'), null);
  assert.equal(specialPurpose('8.8.8.8'), null);
});

test('text that is no address in its usual spelling is refused', () => {
  const odd = [
    '',
    'x',
    '127.1',
    '0x7f.1',
    '010.0.0.1',
    '2130706433',
    '8.8.8.08',
    '8.8.8.256',
    ' 8.8.8.8',
    '8.8.8.8\n',
    '::ffff:010.0.0.1',
    '1::2::3',
    ':',
    '[::1]',
    '12345::',
    '1:2:3:4:5:6:7',
    '::ffff:1.2.3',
    '%eth0',
    '\uFF11.1.1.1',
  ];
  for (const text of odd) {
    assert.deepEqual(
      specialPurpose(text),
      { kind: 'not-an-address', block: '', severity: 'refuse' },
      JSON.stringify(text),
    );
  }
});

test('what is only noted may be connected to, what is refused may not', () => {
  const addresses = [
    '8.8.8.8',
    '2a00::25',
    '2002:808:808::',
    '64:ff9b::808:808',
    '192.88.99.1',
    '10.0.0.1',
    '::1',
    '::ffff:8.8.8.8',
    'x',
  ];
  assert.deepEqual(addresses.filter(isConnectable), addresses.slice(0, 5));
});
